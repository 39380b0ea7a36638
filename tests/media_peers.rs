//! RTSP servers that are none of GStreamer's, on loopback: the pictures are those of the clip.
#![cfg(feature = "media")]
#![allow(clippy::print_stderr, reason = "what is skipped is said aloud")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod media_support;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flyball::media::{CameraState, Transport, decode_file};
use media_support::{Running, follows, h264_clip, picture_hash, rtsp};

/// A server process; dropping it ends it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = (self.0.kill(), self.0.wait());
    }
}

/// The Python server that `make tools` installs, or the one named by `FLYBALL_RTSP_SERVER`.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("FLYBALL_RTSP_SERVER").map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/rtsp-server");
    let program = named.unwrap_or(installed);
    if !program.exists() {
        eprintln!("SKIPPED: {} is missing; run `make tools`", program.display());
        return None;
    }
    Some(program)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn serve(program: &Path, folder: &Path) -> (Server, SocketAddr) {
    let (port, control) = (free_port(), free_port());
    let mut command = Command::new(program);
    command.arg("-d").arg(folder).args(["-H", "127.0.0.1", "-p", &port.to_string(), "-cp", &control.to_string()]);
    let server = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    for _ in 0..600 {
        if TcpStream::connect(address).is_ok() {
            return (server, address);
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("{} does not listen on {address}", program.display());
}

#[test]
fn a_server_written_in_python_shows_every_picture_of_its_clip() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 60, "tune=zerolatency key-int-max=15 threads=1");
    let mut reference = Vec::new();
    decode_file(&clip, |frame| reference.push(picture_hash(&frame.pixels))).unwrap();
    let (_server, address) = serve(&program, folder.path());
    let camera = Running::start(rtsp("python", &format!("rtsp://{address}/clip.mp4"), Transport::Tcp));
    let seen = camera.ears.wait_for_frames(60);
    follows(&seen[..60], &reference, false).unwrap();
    let live = camera.ears.wait_for_state("live", 0, |s| s == CameraState::Live);
    assert!(live.ends_with("over tcp"), "{live}");
    camera.stop();
}
