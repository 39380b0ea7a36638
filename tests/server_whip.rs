//! A real browser sends a painted canvas over WHIP; what arrives is compared block by block, and how late it is is printed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "latency needs the clock")]
#![allow(clippy::print_stderr, reason = "measured figures are shown, not asserted")]

mod browser;
mod support;

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use browser::{Browser, Page};
use flyball::media::{
    CameraEnd, CameraInput, CameraReports, CameraState, Doors, FrameSink, Ice, Offer, Refused, SdpOffer, SourceSpec,
    SystemClock, run_camera,
};
use flyball::memory::Pixels;
use flyball::scene::{CameraId, Frame};
use support::{DONE, Place, Running, flyball, text};

/// Frames to look at once the picture has settled.
const LOOKED_AT: usize = 60;
/// The first frames are coded coarsely, until congestion control has found what the line carries.
const SETTLING: usize = 30;
/// Red, green, blue, yellow, cyan, magenta, grey and black as BT.601 or BT.709 luma, with room for either and for the codec.
const COLOURS: [(i32, &str); 8] = [
    (72, "red"),
    (159, "green"),
    (36, "blue"),
    (215, "yellow"),
    (178, "cyan"),
    (92, "magenta"),
    (126, "grey"),
    (16, "black"),
];
const TOLERANCE: i32 = 30;

fn gate() -> CameraId {
    CameraId::new("gate").unwrap()
}

/// Reads each frame as it comes.
struct Eyes {
    seen: Sender<Result<Duration, String>>,
}

impl FrameSink for Eyes {
    fn offer(&self, frame: Frame) -> Offer {
        match self.seen.send(read(&frame.pixels)) {
            Ok(()) => Offer::Taken,
            Err(_) => Offer::Closed,
        }
    }
}

/// The time between the painting and now, if the picture is whole.
fn read(pixels: &Pixels) -> Result<Duration, String> {
    let bit = |at: u32, row: u32| u32::from(luma(pixels, at, row) > 125) << at;
    let rows: Vec<u32> = (0..5).map(|row| (0..8).map(|at| bit(at, row)).sum()).collect();
    if rows[0] ^ rows[1] ^ rows[2] ^ rows[3] != rows[4] {
        return Err(format!("blocks do not fit together: {rows:?}"));
    }
    for (at, (wanted, name)) in COLOURS.iter().enumerate() {
        let found = luma(pixels, at as u32, 5);
        if (found - wanted).abs() > TOLERANCE {
            return Err(format!("{name} should be {wanted} and is {found}"));
        }
    }
    let stamp = rows[..4].iter().rev().fold(0_u32, |all, row| all << 8 | row);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u32;
    Ok(Duration::from_millis(u64::from(now.wrapping_sub(stamp))))
}

/// Mean brightness in the middle of a block; the browser may send fewer pixels than were painted.
fn luma(pixels: &Pixels, at: u32, row: u32) -> i32 {
    let ((plane, stride), size) = (pixels.plane(0), pixels.size());
    let (w, h) = (size.w / 8, size.h / 6);
    let (mut sum, mut count) = (0, 0);
    for y in row * h + h / 3..row * h + 2 * h / 3 {
        for x in at * w + w / 3..at * w + 2 * w / 3 {
            sum += i32::from(plane[y as usize * stride + x as usize]);
            count += 1;
        }
    }
    sum / count.max(1)
}

#[derive(Default)]
struct Ears {
    heard: Mutex<Vec<(CameraState, String)>>,
    news: Condvar,
}

impl CameraReports for Ears {
    fn state(&self, _: &CameraId, state: CameraState, detail: &str) {
        self.heard.lock().unwrap().push((state, detail.to_owned()));
        self.news.notify_all();
    }
}

impl Ears {
    fn wait_until(&self, done: impl Fn(&[(CameraState, String)]) -> bool) {
        let heard = self.heard.lock().unwrap();
        let (heard, late) = self.news.wait_timeout_while(heard, browser::PATIENCE, |heard| !done(heard)).unwrap();
        assert!(!late.timed_out(), "it never happened: {heard:?}");
    }

    /// Its door is open, after so many senders were lost.
    fn wait_for_open_door(&self, lost: usize) {
        let is_lost = |(state, _): &&(CameraState, String)| matches!(state, CameraState::Lost { .. });
        let waits =
            |heard: &[(CameraState, String)]| heard.last().is_some_and(|(_, word)| word == "waiting for a sender");
        self.wait_until(|heard| waits(heard) && heard.iter().filter(is_lost).count() == lost);
    }
}

/// Runs a camera, has a browser send to it, and looks at what comes.
fn push(codec: &str, more: &str, decoded: &str) {
    if !browser::is_there() {
        return;
    }
    let (doors, ears) = (Doors::default(), Arc::new(Ears::default()));
    let (seen, frames) = channel();
    let (stop, stopped) = crossbeam_channel::bounded(0);
    let ice = Ice { addresses: vec!["127.0.0.1".parse().unwrap()], ..Ice::default() };
    let input = CameraInput::new(gate(), SourceSpec::Whip(doors.clone(), ice));
    let (sink, reports) = (Arc::new(Eyes { seen }), Arc::clone(&ears));
    let camera = std::thread::spawn(move || run_camera(input, sink, reports, &stopped, Arc::new(SystemClock)));
    ears.wait_for_open_door(0);
    let page = Page::serve(answer_with(doors.clone()));
    let browser = Browser::open(&format!("{}/?whip=/whip&codec={codec}{more}", page.base));
    page.wait_for("session");
    let mut late = Vec::new();
    for at in 0..SETTLING + LOOKED_AT {
        let frame = frames.recv_timeout(browser::PATIENCE).expect("frames come");
        if at >= SETTLING {
            late.push(frame);
        }
    }
    let sent = page.wait_for("sent");
    let broken: Vec<_> = late.iter().filter_map(|frame| frame.as_ref().err()).collect();
    assert!(broken.is_empty(), "{} of {LOOKED_AT} frames were broken, such as: {}", broken.len(), broken[0]);
    let mut late: Vec<_> = late.into_iter().flatten().collect();
    late.sort();
    let (p50, p95) = (late[late.len() / 2], late[late.len() * 95 / 100]);
    eprintln!("WebRTC {codec}: glass to callback p50 {} ms, p95 {} ms; {sent}", p50.as_millis(), p95.as_millis());
    assert!(p50 < Duration::from_secs(2), "the stamps are from now: {p50:?}");
    ears.wait_until(|heard| heard.iter().any(|(state, detail)| *state == CameraState::Live && detail == decoded));
    assert!(matches!(doors.call(&gate(), "other", offer()), Err(Refused::Busy(_))), "one sender at a time");

    // The browser vanishes without a word; the camera notices by itself, and its door stays open.
    drop(browser);
    ears.wait_for_open_door(1);
    assert!(!doors.goodbye(&gate(), "long gone").unwrap());
    drop(stop);
    assert!(matches!(camera.join().unwrap(), CameraEnd::Stopped));
    assert!(!doors.has(&gate()));
}

/// Stands in for the HTTP server, which the test below asks itself.
fn answer_with(doors: Doors) -> browser::Answer {
    Arc::new(move |_, body| {
        let offer = SdpOffer::parse(body).unwrap();
        assert!(offer.transport_cc().is_some(), "browsers offer congestion control:\n{body}");
        match doors.call(&gate(), "mine", offer) {
            Ok(answer) => {
                assert!(answer.contains("transport-wide-cc"), "congestion control is agreed on:\n{answer}");
                (201, "/whip/gate/mine".to_owned(), answer)
            }
            Err(cause) => (500, String::new(), cause.to_string()),
        }
    })
}

/// An offer as good as a browser's, from nobody.
fn offer() -> SdpOffer {
    let session = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=setup:actpass\r\na=fingerprint:sha-256 ";
    let print = ["AB"; 32].join(":");
    let media = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";
    let ice = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n";
    SdpOffer::parse(&format!("{session}{print}\r\n{media}{ice}")).unwrap()
}

#[test]
fn a_browser_sends_vp8() {
    push("VP8", "", "VP8 by vp8dec over whip");
}

#[test]
fn a_browser_sends_h264_and_sound() {
    push("H264", "&sound=1", "H.264 by avdec_h264 over whip");
}

/// Nobody sends after the handshake: the session is reaped, and the next caller is answered.
#[test]
fn a_caller_who_never_sends_is_let_go() {
    let (doors, ears) = (Doors::default(), Arc::new(Ears::default()));
    let (seen, _frames) = channel();
    let (stop, stopped) = crossbeam_channel::bounded(0);
    let mut input = CameraInput::new(gate(), SourceSpec::Whip(doors.clone(), Ice::default()));
    input.limits.connect = Duration::from_millis(300);
    let (sink, reports) = (Arc::new(Eyes { seen }), Arc::clone(&ears));
    let camera = std::thread::spawn(move || run_camera(input, sink, reports, &stopped, Arc::new(SystemClock)));
    ears.wait_for_open_door(0);
    for round in 1..=3 {
        let answer = doors.call(&gate(), &format!("round-{round}"), offer()).unwrap();
        assert!(answer.contains("m=video") && answer.contains("a=recvonly"), "{answer}");
        ears.wait_for_open_door(round);
    }
    let answer = doors.call(&gate(), "polite", offer());
    assert!(answer.is_ok() && doors.goodbye(&gate(), "polite").unwrap(), "a goodbye ends it at once");
    let nonsense = "a=rtpmap:96 VP8/90000";
    let twisted = offer().sdp().replace(nonsense, "a=rtpmap:96 VP8/1\r\na=fmtp:96 x=\u{7f}");
    assert!(SdpOffer::parse(&twisted).is_err(), "control characters are refused before GStreamer sees them");
    drop(stop);
    assert!(matches!(camera.join().unwrap(), CameraEnd::Stopped));
    assert!(matches!(doors.call(&gate(), "late", offer()), Err(Refused::NoDoor(_))));
}

/// The whole program: page of another origin, token, camera listed as live, goodbye by DELETE, orderly end.
#[test]
fn a_page_with_a_token_sends_to_a_running_program() {
    if !browser::is_there() {
        return;
    }
    let page = Page::serve(Arc::new(|_, _| (404, String::new(), String::new())));
    let place = Place::new();
    place.write("browser.token", "0123456789abcdef\n");
    let more = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\norigins = [\"{}\"]\n[[server.client]]\nname = \"browser\"\n\
         token_file = \"browser.token\"\nroles = [\"publish\", \"read\"]\ncameras = [\"gate\"]\n",
        page.base
    );
    let file = place.light_deployment(&[("gate", "whip = { addresses = [\"127.0.0.1\"] }")], &more);
    let mut running = Running::start(flyball(&["run", text(&file), "--plain"]));
    let base = running.wait_for("listening on").split("listening on ").nth(1).unwrap().trim().to_owned();
    let browser = Browser::open(&format!("{}/?whip={base}/whip/gate&codec=VP8&token=0123456789abcdef", page.base));
    let session = page.wait_for("session ")["session ".len()..].to_owned();
    running.wait_for("live");
    running.wait_for("status");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let bearer = "Bearer 0123456789abcdef";
    let listed = agent.get(format!("{base}/api/v1/cameras")).header("authorization", bearer).call().unwrap();
    let listed = listed.into_body().read_to_string().unwrap();
    assert!(listed.contains("VP8 by vp8dec over whip"), "{listed}");
    let delete =
        |path: &str| agent.delete(format!("{base}{path}")).header("authorization", bearer).call().unwrap().status();
    assert_eq!(delete("/whip/gate/some-other-session"), 404);
    assert_eq!(delete(&session), 200);
    assert_eq!(delete(&session), 404, "it is gone");
    drop(browser);
    running.signal("TERM");
    let ended = running.end();
    assert_eq!(ended.code, Some(DONE), "{ended:#?}");
    assert!(!ended.err.contains("0123456789abcdef"), "{ended:#?}");
}

/// The page at `/` reads the events: as a browser reads it, under the policy it is served with.
#[test]
fn the_page_of_a_running_program_reads_events() {
    if !browser::is_there() {
        return;
    }
    let place = Place::new();
    let world = "synthetic = { width = 320, height = 240, fps = 15, faces = 1, seed = 1 }";
    let file = place.light_deployment(&[("gate", world)], "[server]\nlisten = \"127.0.0.1:0\"\n");
    let mut running = Running::start(flyball(&["run", text(&file), "--plain"]));
    let base = running.wait_for("listening on").split("listening on ").nth(1).unwrap().trim().to_owned();
    let _browser = Browser::open(&base);
    running.wait_for("somebody reads events");
    let metrics = ureq::get(format!("{base}/metrics")).call().unwrap().into_body().read_to_string().unwrap();
    assert!(metrics.contains("flyball_event_readers 1.0"), "{metrics}");
    running.signal("TERM");
    assert_eq!(running.end().code, Some(DONE));
}
