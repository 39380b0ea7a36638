//! `flyball sample-camera CLIP`: a real RTSP server that plays a clip over and over, to try Flyball without a camera.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use super::{Exit, complain};
use crate::media::{Credentials, SampleCamera, Transport};

const EXAMPLES: &str = "Examples:
  flyball sample-camera samples/footage/franck.mp4
  flyball sample-camera clip.mp4 --listen 127.0.0.1:8554 --path /cam --user demo --password-file camera.password";

/// Play a clip as an RTSP camera, over and over
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", super::exit::HELP))]
pub(super) struct SampleCameraArgs {
    /// The clip: H.264, H.265, VP8, VP9 or JPEG
    clip: PathBuf,
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:8554")]
    listen: SocketAddr,
    /// Path of the stream
    #[arg(long, default_value = "/cam")]
    path: String,
    /// User who may watch; without one everybody may
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    /// File whose first line is the password
    #[arg(long, requires = "user")]
    password_file: Option<PathBuf>,
    /// How packets may travel
    #[arg(long, value_enum, default_value_t = Way::Auto)]
    transport: Way,
    /// Serve everybody on the network although no user is set
    #[arg(long)]
    insecure: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Auto,
    Tcp,
    Udp,
}

/// Serves until interrupted.
pub(super) fn run(args: &SampleCameraArgs) -> Exit {
    if !args.listen.ip().is_loopback() && args.user.is_none() && !args.insecure {
        complain(&format!("{} is open to the network: set --user and --password-file, or --insecure", args.listen));
        return Exit::BadInput;
    }
    match serve(args) {
        Ok(()) => Exit::Done,
        Err(cause) => {
            complain(&cause);
            Exit::BadInput
        }
    }
}

fn serve(args: &SampleCameraArgs) -> Result<(), Box<dyn std::error::Error>> {
    let camera = SampleCamera {
        listen: args.listen,
        path: args.path.clone(),
        credentials: credentials(args)?,
        transport: match args.transport {
            Way::Auto => Transport::Auto,
            Way::Tcp => Transport::Tcp,
            Way::Udp => Transport::Udp,
        },
        ..SampleCamera::new(&args.clip)
    };
    let running = camera.start()?;
    complain(&format!("playing {} at {}", args.clip.display(), running.url()));
    Signals::new([SIGINT, SIGTERM])?.forever().next();
    drop(running);
    Ok(())
}

fn credentials(args: &SampleCameraArgs) -> io::Result<Option<Credentials>> {
    let (Some(user), Some(file)) = (&args.user, &args.password_file) else { return Ok(None) };
    Ok(Some(Credentials::new(user, first_line(file)?)))
}

fn first_line(file: &Path) -> io::Result<String> {
    let unreadable = |cause| io::Error::other(format!("password file {}: {cause}", file.display()));
    let text = fs::read_to_string(file).map_err(unreadable)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
