//! The rows: each breaks one thing, heals it, and says when the peer was well again.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use flyball::media::{CameraState, TlsTrust, Transport};
use flyball::scene::TimeSource;

use super::bench::{Bench, Camera, lost, now, pictures};
use super::peer::{Serve, certificate};
use super::relay::{Faults, Times, pause};

/// How long a fault lasts where its end is ours to choose.
const FAULT: Duration = Duration::from_secs(3);

/// What the servers play.
pub struct Clips {
    pub h264: PathBuf,
    /// H.264 as bytes, two sizes one after the other.
    pub two_sizes: PathBuf,
    /// H.264 as bytes, two profiles one after the other, one size.
    pub two_profiles: PathBuf,
}

/// What a row found out: seconds until recovery, and what else is worth knowing.
pub type Found = (Option<f64>, String);

/// A row's name and what it does.
pub type Row = (&'static str, fn(&Clips) -> Found);

pub const ROWS: &[Row] = &[
    ("server killed and restarted", |clips| {
        after(clips, |bench| {
            bench.peer.kill();
            pause(FAULT);
            let serve = bench.serve.clone();
            bench.restart(&serve);
        })
    }),
    ("server restarted at once", |clips| {
        after(clips, |bench| {
            let serve = bench.serve.clone();
            bench.restart(&serve);
        })
    }),
    ("server frozen (SIGSTOP)", |clips| {
        after(clips, |bench| {
            bench.peer.signal("STOP");
            told(bench, |state| state == CameraState::Stalled);
            bench.peer.signal("CONT");
        })
    }),
    ("half-open: connected, silent", |clips| under(clips, FAULT * 3, Faults { hold: true, ..Faults::default() })),
    ("reset (RST)", |clips| after(clips, |bench| bench.relay.reset())),
    ("reset at every attempt", |clips| {
        after(clips, |bench| {
            bench.relay.set(Faults { refuse: true, ..Faults::default() });
            bench.relay.reset();
            pause(FAULT * 2);
            bench.relay.set(Faults::default());
        })
    }),
    ("401: wrong password", |clips| {
        let strange = Serve { strange_password: true, ..Serve::clip(&clips.h264) };
        let mut bench = Bench::new(&strange);
        bench.watch(Transport::Tcp);
        told(&bench, |state| matches!(state, CameraState::AuthenticationFailed { .. }));
        bench.restart(&Serve::clip(&clips.h264));
        bench.is_well();
        (bench.recovery(), "asked again after 2 s here; a minute by default, cameras lock accounts".to_owned())
    }),
    ("404: no such stream", |clips| {
        let (recovery, _) = refused(clips, "404 Not Found", |state| matches!(state, CameraState::Unusable { .. }));
        (recovery, "asked again after 2 s here; 30 s by default".to_owned())
    }),
    ("503: server overloaded", |clips| {
        refused(clips, "503 Service Unavailable", |state| {
            matches!(state, CameraState::Lost { .. } | CameraState::Unreachable { .. })
        })
    }),
    ("wrong codec (Theora)", |clips| {
        let line = "( videotestsrc is-live=true ! video/x-raw,width=320,height=240 ! theoraenc ! rtptheorapay name=pay0 pt=96 )";
        let mut bench = Bench::new(&Serve::pipeline(line));
        bench.watch(Transport::Tcp);
        told(&bench, |state| matches!(state, CameraState::Unusable { .. }));
        bench.restart(&Serve::clip(&clips.h264));
        bench.is_well();
        (bench.recovery(), "asked again after 2 s here; 30 s by default".to_owned())
    }),
    ("codec change (H.264 to VP8)", |clips| {
        after(clips, |bench| {
            let line = "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 \
                    keyframe-max-dist=15 ! rtpvp8pay name=pay0 pt=96 )";
            bench.restart(&Serve::pipeline(line));
        })
    }),
    ("resolution change mid-stream", |clips| mid_stream(&clips.two_sizes)),
    ("SPS change mid-stream", |clips| mid_stream(&clips.two_profiles)),
    ("clock jump +1 h", |clips| clock_jump(clips, 3600)),
    ("clock jump -1 h", |clips| clock_jump(clips, -3600)),
    ("timestamps stop", |clips| under(clips, FAULT, Faults { times: Times::Stopped, ..Faults::default() })),
    ("timestamps run backwards", |clips| under(clips, FAULT, Faults { times: Times::Backwards, ..Faults::default() })),
    ("packet loss 1 % (TCP)", |clips| lossy(clips, 0.01, Transport::Tcp)),
    ("packet loss 5 % (TCP)", |clips| lossy(clips, 0.05, Transport::Tcp)),
    ("packet loss 20 % (TCP)", |clips| lossy(clips, 0.20, Transport::Tcp)),
    ("packet loss 1 % (UDP)", |clips| lossy(clips, 0.01, Transport::Udp)),
    ("packet loss 5 % (UDP)", |clips| lossy(clips, 0.05, Transport::Udp)),
    ("packet loss 20 % (UDP)", |clips| lossy(clips, 0.20, Transport::Udp)),
    ("packets reordered (TCP)", |clips| reordered(clips, Transport::Tcp)),
    ("packets reordered (UDP)", |clips| reordered(clips, Transport::Udp)),
    ("TEARDOWN by the server", |clips| {
        after(clips, |bench| {
            bench.relay.say("TEARDOWN rtsp://127.0.0.1/sample RTSP/1.0\r\nCSeq: 1\r\n\r\n");
            pause(Duration::from_millis(200));
            bench.relay.hang_up();
        })
    }),
    ("slow handshake (2 s a reply)", |clips| {
        let mut bench = Bench::new(&Serve::clip(&clips.h264));
        bench.relay.set(Faults { delay: Duration::from_secs(2), ..Faults::default() });
        bench.watch(Transport::Tcp);
        told(&bench, |state| matches!(state, CameraState::Lost { .. } | CameraState::Unreachable { .. }));
        bench.relay.set(Faults::default());
        bench.is_well();
        (bench.recovery(), "given up after `connect` (5 s), tried anew".to_owned())
    }),
    ("garbage RTP", |clips| under(clips, FAULT, Faults { garbage: true, ..Faults::default() })),
    ("TLS certificate expired", |clips| tls(clips, "expired")),
    ("TLS certificate of another name", |clips| tls(clips, "wrong_name")),
    ("DNS failure", |clips| {
        let mut bench = Bench::new(&Serve::clip(&clips.h264));
        bench.camera =
            Some(Camera::start("tested", "rtsp://no-such-host.invalid/sample", TlsTrust::System, Transport::Tcp));
        told(&bench, |state| matches!(state, CameraState::Unreachable { .. } | CameraState::Lost { .. }));
        bench.camera = None;
        bench.is_well();
        bench.watch(Transport::Tcp);
        (bench.recovery(), "told as unreachable; recovery is from the address being corrected".to_owned())
    }),
    ("nobody answers a call (SYN lost)", |clips| {
        let mut bench = Bench::new(&Serve::clip(&clips.h264));
        let deaf = super::relay::deaf();
        let url = format!("rtsp://{}/sample", deaf.address);
        bench.camera = Some(Camera::start("tested", &url, TlsTrust::System, Transport::Tcp));
        told(&bench, |state| matches!(state, CameraState::Unreachable { .. } | CameraState::Lost { .. }));
        let words = said(&bench);
        bench.camera = None;
        bench.is_well();
        bench.watch(Transport::Tcp);
        (bench.recovery(), format!("{words}; recovery is from the address being corrected"))
    }),
    ("100 reconnects in a row", |clips| {
        let mut bench = Bench::live(&Serve::clip(&clips.h264), Transport::Tcp);
        let before = belongings();
        let mut slowest = 0.0_f64;
        for _ in 0..100 {
            bench.camera().wait_for_frames(31);
            bench.relay.reset();
            bench.is_well();
            match bench.recovery() {
                Some(seconds) => slowest = slowest.max(seconds),
                None => return (None, "it did not come back".to_owned()),
            }
        }
        (Some(slowest), format!("the slowest; (threads, descriptors) {before:?} before, {:?} after", belongings()))
    }),
];

/// A camera that was live; `fault` breaks something and heals it.
fn after(clips: &Clips, fault: impl FnOnce(&mut Bench)) -> Found {
    let mut bench = Bench::live(&Serve::clip(&clips.h264), Transport::Tcp);
    fault(&mut bench);
    bench.is_well();
    (bench.recovery(), said(&bench))
}

/// A camera that was live; the network does this wrong for a while.
fn under(clips: &Clips, time: Duration, faults: Faults) -> Found {
    after(clips, |bench| {
        bench.relay.set(faults);
        pause(time);
        bench.relay.set(Faults::default());
    })
}

/// Packets out of order are put right again: no picture may be missing.
fn reordered(clips: &Clips, transport: Transport) -> Found {
    let pictures = pictures(&clips.h264);
    let mut bench = Bench::live(&Serve::clip(&clips.h264), transport);
    let from = bench.camera().look(|notes| notes.frames.len()) - 1;
    bench.relay.set(Faults { reorder: true, ..Faults::default() });
    pause(FAULT);
    let missing = bench.camera().look(|notes| lost(notes, from, &pictures));
    bench.relay.set(Faults::default());
    bench.is_well();
    (bench.recovery().filter(|_| missing == 0), format!("{missing} pictures missing meanwhile; {}", said(&bench)))
}

fn lossy(clips: &Clips, share: f32, transport: Transport) -> Found {
    let mut bench = Bench::live(&Serve::clip(&clips.h264), transport);
    let before = bench.camera().look(|notes| notes.frames.len());
    bench.relay.set(Faults { lose: share, ..Faults::default() });
    pause(FAULT * 2);
    bench.relay.set(Faults::default());
    bench.is_well();
    let during = bench.camera().look(|notes| notes.frames.len()) - before;
    let sent = (FAULT * 2).as_secs() * 30;
    (bench.recovery(), format!("{during} of about {sent} pictures shown meanwhile; {}", said(&bench)))
}

fn refused(clips: &Clips, status: &'static str, tells: impl Fn(CameraState) -> bool) -> Found {
    let mut bench = Bench::new(&Serve::clip(&clips.h264));
    bench.relay.set(Faults { answer: Some(status), ..Faults::default() });
    bench.watch(Transport::Tcp);
    told(&bench, tells);
    pause(FAULT);
    bench.relay.set(Faults::default());
    bench.relay.hang_up();
    bench.is_well();
    (bench.recovery(), said(&bench))
}

/// A stream that changes within itself, over and over: no attempt may be lost to it.
fn mid_stream(stream: &std::path::Path) -> Found {
    let line = format!(
        "( multifilesrc location={} loop=true caps=video/x-h264,stream-format=byte-stream,framerate=30/1 ! h264parse ! \
         identity sync=true ! rtph264pay config-interval=-1 name=pay0 pt=96 )",
        stream.display()
    );
    let mut bench = Bench::live(&Serve::pipeline(&line), Transport::Tcp);
    bench.is_well();
    let recovery = bench.recovery();
    bench.camera().wait_for_frames(120);
    let mut sizes: Vec<_> =
        bench.camera().look(|notes| notes.frames.iter().map(|frame| (frame.1.w, frame.1.h)).collect());
    sizes.dedup();
    (recovery, format!("{} changes of size seen; {}", sizes.len() - 1, said(&bench)))
}

fn clock_jump(clips: &Clips, seconds: i64) -> Found {
    let mut bench = Bench::live(&Serve::clip(&clips.h264), Transport::Tcp);
    bench.camera().wait(|notes| (notes.frames.last()?.0.source == TimeSource::RtcpSr).then_some(()));
    bench.relay.set(Faults { shift_ntp: seconds, ..Faults::default() });
    bench.is_well();
    let recovery = bench.recovery();
    let flagged = bench.camera().wait(|notes| notes.clock.filter(|clock| clock.is_wrong).map(|clock| clock.ahead_ms));
    let off = bench.camera().look(|notes| notes.frames.last().map(|frame| apart(frame.0.wall, frame.0.ingested)));
    let off_ms = off.map_or(f64::NAN, |off| off.as_secs_f64() * 1e3);
    let words = match flagged {
        Some(ahead) => format!("flagged as {ahead} ms ahead; times corrected to within {off_ms:.0} ms of arrival"),
        None => "not flagged".to_owned(),
    };
    (recovery.filter(|_| flagged.is_some() && off_ms < 1_000.0), words)
}

fn apart(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|error| error.duration())
}

fn tls(clips: &Clips, certificate_name: &str) -> Found {
    let serve = |name: &str| Serve { certificate: Some(name.to_owned()), ..Serve::clip(&clips.h264) };
    let mut bench = Bench::new(&serve(certificate_name));
    let url = format!("rtsps://{}/sample", bench.peer.address);
    bench.camera = Some(Camera::start("tested", &url, TlsTrust::Authority(certificate("ca", "pem")), Transport::Tcp));
    told(&bench, |state| matches!(state, CameraState::Unreachable { .. }));
    bench.restart(&serve("good"));
    bench.is_well();
    (bench.recovery(), said(&bench))
}

/// The camera must say so before the row goes on.
fn told(bench: &Bench, fits: impl Fn(CameraState) -> bool) {
    let begun = now();
    if bench.camera().wait_for(fits).is_none() {
        tracing::error!(after = ?begun.elapsed(), states = ?bench.states(), "the fault was not told");
    }
}

/// The last trouble the camera told of.
fn said(bench: &Bench) -> String {
    let trouble = |(state, _): &&(CameraState, String)| !matches!(state, CameraState::Connecting | CameraState::Live);
    bench.states().iter().rev().find(trouble).map_or_else(|| "nothing was lost".to_owned(), |(_, words)| words.clone())
}

fn belongings() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).map_or(0, Iterator::count);
    (count("/proc/self/task"), count("/proc/self/fd"))
}
