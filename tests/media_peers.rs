//! RTSP servers that are none of GStreamer's, on loopback: the pictures are those of the clip.
#![cfg(feature = "media")]
#![allow(clippy::print_stderr, reason = "what is skipped is said aloud")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod media_support;

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
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
    listening(command, port)
}

/// Starts a server and waits until it listens.
fn listening(mut command: Command, port: u16) -> (Server, SocketAddr) {
    let server = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    for _ in 0..600 {
        if TcpStream::connect(address).is_ok() {
            return (server, address);
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("{command:?} does not listen on {address}");
}

/// VLC as a server of one clip, over and over. It will not run as root, and so runs as nobody then.
fn vlc(folder: &Path, clip: &Path) -> Option<(Server, SocketAddr)> {
    let found = Command::new("vlc").arg("--version").env("HOME", folder).output();
    if found.is_err() {
        eprintln!("SKIPPED: there is no VLC; run `make setup`");
        return None;
    }
    for (path, mode) in [(folder, 0o755), (clip, 0o644)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = Command::new(if is_root { "setpriv" } else { "vlc" });
    if is_root {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "vlc"]);
    }
    let port = free_port();
    command.args(["-I", "dummy", "--loop", "--no-sout-audio", "--sout"]);
    command.arg(format!("#rtp{{sdp=rtsp://127.0.0.1:{port}/clip}}")).arg(clip).env("HOME", folder);
    Some(listening(command, port))
}

/// VLC speaks RTP over UDP only, and sends what is in the file as it is.
#[test]
fn vlc_shows_whole_pictures_of_its_clip() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 120, "tune=zerolatency key-int-max=15 threads=1");
    let Some((_server, address)) = vlc(folder.path(), &clip) else { return };
    let mut reference = Vec::new();
    decode_file(&clip, |frame| reference.push(picture_hash(&frame.pixels))).unwrap();
    let camera = Running::start(rtsp("vlc", &format!("rtsp://{address}/clip"), Transport::Udp));
    let seen = camera.ears.wait_for_frames(60);
    // Where the clip begins anew VLC starts its numbering over: pictures may be missing, none may be broken.
    follows(&seen[..60], &reference, true).unwrap();
    let live = camera.ears.wait_for_state("live", 0, |s| s == CameraState::Live);
    assert!(live.ends_with("over udp"), "{live}");
    camera.stop();
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
