//! A real browser watches a camera over WHEP: what it shows is compared with what was painted, block by block; and the whole
//! program lets in who may watch, and nobody else.
#![cfg(all(feature = "media", feature = "server", feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "pictures are painted at a pace, and waited for")]

mod browser;
mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use browser::{Browser, Page};
use flyball::{
    media::{Ice, SdpOffer, ViewError, ViewTerms, Views},
    memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size},
    scene::{CameraId, Capture, Frame},
};
use support::{DONE, Place, Running, flyball, text};

const SIZE: Size = Size { w: 640, h: 480 };
/// Luma, blue and red difference by ITU-R BT.601, and what a screen makes of it.
const COLOURS: [([u8; 3], [i32; 3]); 8] = [
    ([81, 90, 240], [255, 0, 0]),
    ([145, 54, 34], [0, 255, 0]),
    ([41, 240, 110], [0, 0, 255]),
    ([210, 16, 146], [255, 255, 0]),
    ([170, 166, 16], [0, 255, 255]),
    ([106, 202, 222], [255, 0, 255]),
    ([126, 128, 128], [128, 128, 128]),
    ([16, 128, 128], [0, 0, 0]),
];
/// Room for the codec, and for a browser that takes BT.709's weights.
const TOLERANCE: i32 = 45;

fn gate() -> CameraId {
    CameraId::new("gate").unwrap()
}

/// Which colour is painted in a block; no two rows alike.
fn colour(x: usize, y: usize) -> usize {
    (x + 3 * y) % COLOURS.len()
}

fn painted() -> Pixels {
    let plane = |c: usize, w: usize, h: usize| -> Vec<u8> {
        (0..w * h).map(|at| COLOURS[colour(at % w * 8 / w, at / w * 6 / h)].0[c]).collect()
    };
    let (w, h) = (SIZE.w as usize, SIZE.h as usize);
    let planes = HostPlanes::from([plane(0, w, h), plane(1, w / 2, h / 2), plane(2, w / 2, h / 2)]);
    let strides = [w, w / 2, w / 2];
    Pixels::new(PixelFormat::I420, SIZE, strides, ColorMatrix::Bt601, ColorRange::Limited, Box::new(planes)).unwrap()
}

/// Shows the painted picture some thirty times a second, until told to stop.
fn paint(views: &Views, stop: &AtomicBool) {
    let pixels = Arc::new(painted());
    for sequence in 0.. {
        if stop.load(Relaxed) {
            return;
        }
        let captured = Capture::on_arrival(Instant::now(), SystemTime::now(), None);
        views.show(&Frame { camera: gate(), sequence, captured, pixels: Arc::clone(&pixels) });
        thread::park_timeout(Duration::from_millis(33));
    }
}

/// How a line `seen WxH r,g,b …` differs from what was painted.
fn difference(line: &str) -> Result<(), String> {
    let mut words = line.split(' ').skip(1);
    let size = words.next().unwrap();
    if size != format!("{}x{}", SIZE.w, SIZE.h) {
        return Err(format!("the picture is {size}"));
    }
    for (at, seen) in words.enumerate() {
        let wanted = COLOURS[colour(at % 8, at / 8)].1;
        let seen: Vec<i32> = seen.split(',').map(|level| level.parse().unwrap()).collect();
        if seen.iter().zip(wanted).any(|(seen, wanted)| (seen - wanted).abs() > TOLERANCE) {
            return Err(format!("block {at} should be {wanted:?} and is {seen:?}"));
        }
    }
    Ok(())
}

/// The first pictures are coded coarsely.
fn wait_for_the_picture(page: &Page) {
    let (begun, mut last) = (Instant::now(), Ok(()));
    while begun.elapsed() < browser::PATIENCE {
        last = difference(&page.wait_for("seen"));
        if last.is_ok() {
            return;
        }
    }
    panic!("{last:?}");
}

fn local() -> Ice {
    Ice { addresses: vec!["127.0.0.1".parse().unwrap()], ..Ice::default() }
}

#[test]
fn a_browser_shows_what_was_painted_and_is_let_go_when_it_vanishes() {
    if !browser::is_there() {
        return;
    }
    let (views, stop) = (Views::default(), Arc::new(AtomicBool::new(false)));
    let painter = {
        let (views, stop) = (views.clone(), Arc::clone(&stop));
        thread::spawn(move || paint(&views, &stop))
    };
    let terms = ViewTerms { ice: local(), most: 1 };
    let page = {
        let (views, terms) = (views.clone(), terms.clone());
        Page::serve(Arc::new(move |_, body| {
            let offer = SdpOffer::of_viewer(body).unwrap();
            match views.watch(&gate(), "mine", &offer, &terms) {
                Ok(answer) => (201, "/whep/gate/mine".to_owned(), answer),
                Err(cause) => (500, String::new(), cause.to_string()),
            }
        }))
    };
    let browser = Browser::open(&format!("{}/watch?whep=/whep", page.base));
    page.wait_for("session");
    wait_for_the_picture(&page);
    assert_eq!(views.count(), 1);
    let offer = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=recvonly\r\n\
                 a=setup:actpass\r\na=fingerprint:sha-256 AA\r\na=rtpmap:96 VP8/90000\r\n";
    let another = views.watch(&gate(), "other", &SdpOffer::of_viewer(offer).unwrap(), &terms);
    assert!(matches!(another, Err(ViewError::Full(1))), "{another:?}");
    drop(browser);
    let begun = Instant::now();
    while views.count() > 0 {
        assert!(begun.elapsed() < browser::PATIENCE, "a viewer who vanished is still played to");
        thread::park_timeout(Duration::from_millis(100));
    }
    stop.store(true, Relaxed);
    painter.join().unwrap();
}

/// The page at `/`, under the policy it is served with: `#gate` watches at once.
#[test]
fn the_page_of_a_running_program_watches_a_camera() {
    if !browser::is_there() {
        return;
    }
    let place = Place::new();
    let world = "synthetic = { width = 320, height = 240, fps = 15, faces = 1, seed = 1 }";
    let server = "[server]\nlisten = \"127.0.0.1:0\"\nview = { ice = { addresses = [\"127.0.0.1\"] } }\n";
    let mut running =
        Running::start(flyball(&["run", text(&place.light_deployment(&[("gate", world)], server)), "--plain"]));
    let base = running.wait_for("listening on").split("listening on ").nth(1).unwrap().trim().to_owned();
    let browser = Browser::open(&format!("{base}/#gate"));
    running.wait_for("a viewer was let in");
    let metrics = ureq::get(format!("{base}/metrics")).call().unwrap().into_body().read_to_string().unwrap();
    assert!(metrics.contains("flyball_viewers 1.0"), "{metrics}");
    drop(browser);
    running.signal("TERM");
    assert_eq!(running.end().code, Some(DONE));
}

/// Page of another origin, roles, refusals, goodbye by DELETE, orderly end.
#[test]
fn who_may_watch_watches_a_camera_of_a_running_program() {
    let page = Page::serve(Arc::new(|_, _| (404, String::new(), String::new())));
    let place = Place::new();
    place.write("eyes.token", "0123456789abcdef\n");
    place.write("ears.token", "fedcba9876543210\n");
    let more = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\norigins = [\"{}\"]\nview = {{ ice = {{ addresses = [\"127.0.0.1\"] }} }}\n\
         [[server.client]]\nname = \"eyes\"\ntoken_file = \"eyes.token\"\nroles = [\"view\"]\ncameras = [\"gate\"]\n\
         [[server.client]]\nname = \"ears\"\ntoken_file = \"ears.token\"\nroles = [\"read\"]\n",
        page.base
    );
    let world = "synthetic = { width = 320, height = 240, fps = 15, faces = 1, seed = 1 }";
    let file = place.light_deployment(&[("gate", world), ("yard", world)], &more);
    let mut running = Running::start(flyball(&["run", text(&file), "--plain"]));
    let base = running.wait_for("listening on").split("listening on ").nth(1).unwrap().trim().to_owned();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ask = |path: &str, token: &str, body: &str| {
        let request = agent.post(format!("{base}{path}")).header("authorization", format!("Bearer {token}"));
        let mut answer = request.content_type("application/sdp").send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    let refused = [
        ("/whep/gate", "fedcba9876543210", "", 403, "roles"),
        ("/whep/yard", "0123456789abcdef", "", 403, "cameras"),
        ("/whep/gate", "0123456789abcdef", "hello", 400, "session description"),
    ];
    for (path, token, body, status, word) in refused {
        let (found, said) = ask(path, token, body);
        assert!(found == status && said.contains(word), "{path} {status}: {found} {said}");
    }
    if browser::is_there() {
        let browser = Browser::open(&format!("{}/watch?whep={base}/whep/gate&token=0123456789abcdef", page.base));
        let session = page.wait_for("session ")["session ".len()..].to_owned();
        let seen = page.wait_for("seen 320x240");
        assert!(seen.split(' ').skip(2).any(|block| block != "0,0,0"), "{seen}");
        let delete = || {
            let request = agent.delete(format!("{base}{session}")).header("authorization", "Bearer 0123456789abcdef");
            request.call().unwrap().status()
        };
        assert_eq!((delete().as_u16(), delete().as_u16()), (200, 404), "it is gone after the first");
        drop(browser);
    }
    running.signal("TERM");
    let ended = running.end();
    assert_eq!(ended.code, Some(DONE), "{ended:#?}");
}
