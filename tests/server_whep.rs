//! A camera that is another server's WebRTC stream: a small WHEP server plays a moving picture, refuses, and hangs up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod media_support;

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use browser::Page;
use flyball::media::{
    CameraEnd, CameraInput, CameraReports, CameraState, FrameSink, Ice, Offer, SourceSpec, SystemClock, WhepSource,
    run_camera,
};
use flyball::scene::{CameraId, Frame};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp::SDPMessage;
use gstreamer_webrtc::{WebRTCICEGatheringState, WebRTCSDPType, WebRTCSessionDescription};

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Plays to whoever asks; the pipelines end when it is dropped.
#[derive(Clone, Default)]
struct Player(Arc<Mutex<Vec<gst::Pipeline>>>);

impl Player {
    fn answer(&self, offer: &str) -> String {
        let (encoder, payload) = ("vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30", 96);
        let line = format!(
            "webrtcbin name=out bundle-policy=max-bundle videotestsrc is-live=true pattern=ball \
             ! video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! {encoder} ! rtpvp8pay name=pay pt={payload} \
             ! application/x-rtp,media=video,encoding-name=VP8,payload={payload},clock-rate=90000 ! out."
        );
        let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
        let out = pipeline.by_name("out").unwrap();
        let agent = out.property::<gst::glib::Object>("ice-agent");
        agent.emit_by_name::<bool>("add-local-ip-address", &[&LOCAL.to_string()]);
        let ready = caps_known(&pipeline.by_name("pay").unwrap());
        pipeline.set_state(gst::State::Playing).unwrap();
        ready.recv_timeout(media_support::PATIENCE).unwrap();
        self.0.lock().unwrap().push(pipeline);
        let sdp = SDPMessage::parse_buffer(offer.as_bytes()).unwrap();
        let theirs = WebRTCSessionDescription::new(WebRTCSDPType::Offer, sdp);
        promised(|promise| out.emit_by_name("set-remote-description", &[&theirs, promise]));
        let reply = promised(|promise| out.emit_by_name("create-answer", &[&None::<gst::Structure>, promise]));
        let ours = reply.unwrap().get::<WebRTCSessionDescription>("answer").unwrap();
        let (done, gathered) = channel();
        out.connect_notify(Some("ice-gathering-state"), move |out, _| {
            if out.property::<WebRTCICEGatheringState>("ice-gathering-state") == WebRTCICEGatheringState::Complete {
                let _heard = done.send(());
            }
        });
        promised(|promise| out.emit_by_name("set-local-description", &[&ours, promise]));
        gathered.recv_timeout(media_support::PATIENCE).unwrap();
        out.property::<WebRTCSessionDescription>("local-description").sdp().as_text().unwrap()
    }

    fn hang_up(&self) {
        for pipeline in self.0.lock().unwrap().drain(..) {
            pipeline.set_state(gst::State::Null).unwrap();
        }
    }
}

/// An answer made before webrtcbin knows what it sends would send nothing.
fn caps_known(payloader: &gst::Element) -> Receiver<()> {
    let (tell, known) = channel();
    let tell = Mutex::new(Some(tell));
    let exit = payloader.static_pad("src").unwrap();
    exit.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
        tell.lock().unwrap().take().map(|tell| tell.send(()));
        gst::PadProbeReturn::Remove
    });
    known
}

fn promised(ask: impl FnOnce(&gst::Promise)) -> Option<gst::Structure> {
    let (kept, heard) = channel();
    let promise = gst::Promise::with_change_func(move |reply| {
        let _heard = kept.send(reply.unwrap().map(ToOwned::to_owned));
    });
    ask(&promise);
    heard.recv_timeout(media_support::PATIENCE).unwrap()
}

struct Seen(Sender<Frame>);

impl FrameSink for Seen {
    fn offer(&self, frame: Frame) -> Offer {
        if self.0.send(frame).is_ok() { Offer::Taken } else { Offer::Closed }
    }
}

struct Told(Sender<CameraState>);

impl CameraReports for Told {
    fn state(&self, _: &CameraId, state: CameraState, _: &str) {
        let _test_is_over = self.0.send(state);
    }
}

/// A camera on a WHEP address, and what it says.
struct Camera {
    frames: Receiver<Frame>,
    states: Receiver<CameraState>,
    stop: crossbeam_channel::Sender<std::convert::Infallible>,
    thread: JoinHandle<CameraEnd>,
}

fn watch(url: &str, token: Option<&str>) -> Camera {
    let (seen, frames) = channel();
    let (told, states) = channel();
    let (stop, stopped) = crossbeam_channel::bounded(0);
    let ice = Ice { addresses: vec![LOCAL], ..Ice::default() };
    let source = WhepSource { url: url.to_owned(), token: token.map(str::to_owned), ice };
    let input = CameraInput::new(CameraId::new("far").unwrap(), SourceSpec::Whep(source));
    let (sink, reports) = (Arc::new(Seen(seen)), Arc::new(Told(told)));
    let thread = std::thread::Builder::new().name("far".into());
    let thread = thread.spawn(move || run_camera(input, sink, reports, &stopped, Arc::new(SystemClock))).unwrap();
    Camera { frames, states, stop, thread }
}

impl Camera {
    fn frame(&self) -> Frame {
        self.frames.recv_timeout(media_support::PATIENCE).expect("a frame comes")
    }

    fn wait_for(&self, wanted: impl Fn(&CameraState) -> bool) {
        while !wanted(&self.states.recv_timeout(media_support::PATIENCE).expect("the state comes")) {}
    }

    fn end(self) {
        drop(self.stop);
        assert!(matches!(self.thread.join().unwrap(), CameraEnd::Stopped));
    }
}

/// White ball on black: both are in every picture.
fn shows_the_ball(frame: &Frame) -> bool {
    let (plane, stride) = frame.pixels.plane(0);
    let size = frame.pixels.size();
    let rows = (0..size.h as usize).map(|y| &plane[y * stride..y * stride + size.w as usize]);
    let bright = rows.flatten().filter(|luma| **luma > 180).count();
    (200..10_000).contains(&bright) && (size.w, size.h) == (320, 240)
}

#[test]
fn a_stream_is_asked_for_shown_and_asked_for_again() {
    gst::init().unwrap();
    let player = Player::default();
    let plays = player.clone();
    let page = Page::serve(Arc::new(move |path, offer| match path {
        "/whep/ball" => (201, "/whep/ball/session".to_owned(), plays.answer(offer)),
        _ => (404, String::new(), String::new()),
    }));
    let camera = watch(&format!("{}/whep/ball", page.base), None);
    camera.wait_for(|state| *state == CameraState::Live);
    let first: Vec<_> = (0..20).map(|_| camera.frame()).collect();
    assert!(first.iter().all(shows_the_ball), "the ball is in every picture");
    player.hang_up();
    camera.wait_for(|state| matches!(state, CameraState::Stalled | CameraState::Lost { .. }));
    camera.wait_for(|state| *state == CameraState::Live);
    let last = first.last().unwrap().sequence;
    assert!(camera.frames.iter().take(60).any(|frame| frame.sequence > last && shows_the_ball(&frame)));
    camera.end();
    player.hang_up();
}

#[test]
fn refusals_are_told_apart() {
    let page = Page::serve(Arc::new(|path, _| match path {
        "/locked" => (401, String::new(), String::new()),
        "/empty" => (201, String::new(), "no description".to_owned()),
        _ => (404, String::new(), String::new()),
    }));
    let at = |path: &str| format!("{}{path}", page.base);
    for (url, wanted) in [
        (at("/locked"), CameraState::AuthenticationFailed { retry_in: std::time::Duration::ZERO }),
        (at("/nowhere"), CameraState::Unusable { retry_in: std::time::Duration::ZERO }),
        (at("/empty"), CameraState::Lost { retry_in: std::time::Duration::ZERO }),
        ("http://127.0.0.1:9/whep".to_owned(), CameraState::Unreachable { retry_in: std::time::Duration::ZERO }),
    ] {
        let camera = watch(&url, Some("a-token-of-ours"));
        let same_kind = |state: &CameraState| std::mem::discriminant(state) == std::mem::discriminant(&wanted);
        camera.wait_for(same_kind);
        camera.end();
    }
}
