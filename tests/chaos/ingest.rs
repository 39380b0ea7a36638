//! `make chaos-ingest`: breaks a camera's server and network in every way we know, and measures how long the camera takes to
//! be back once they are well, while a healthy camera beside it must lose nothing. Prints a table, writes
//! `target/reports/chaos-ingest.json`, and looks for the password in everything that was said.
//!
//! `cargo run --example chaos-ingest -- [PART OF A ROW'S NAME]…`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed preparation ends the run")]
#![allow(clippy::print_stdout, reason = "the table is the result")]
#![allow(unreachable_pub, missing_docs, reason = "one program in several files")]

#[path = "ingest/bench.rs"]
mod bench;
#[path = "ingest/datagrams.rs"]
mod datagrams;
#[path = "ingest/peer.rs"]
mod peer;
#[path = "ingest/relay.rs"]
mod relay;
#[path = "ingest/rows.rs"]
mod rows;

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use bench::{Camera, lost, make, pictures};
use flyball::media::{SampleCamera, TlsTrust, Transport};
use gstreamer as gst;
use peer::PASSWORD;
use rows::{Clips, ROWS};
use serde::Serialize;

const REPORT: &str = "target/reports/chaos-ingest.json";
const LOG: &str = "target/reports/chaos-ingest.log";
/// As much as GStreamer says about addresses, requests and passwords. Later words override earlier ones.
const GST_DEBUG: &str = "*:3,rtspsrc:7,rtspconnection:9,rtspmessage:9,rtspsdp:9,sdp:9,GST_BUS:6,GST_URI:9,GST_ELEMENT_FACTORY:6,GST_PIPELINE:6";
/// Of a hundred recoveries ninety-five take at most this long.
const OBJECTIVE_S: f64 = 5.0;

#[derive(Serialize)]
struct Line {
    row: String,
    recovered: bool,
    recovery_s: Option<f64>,
    others_lost: usize,
    note: String,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == "serve") {
        peer::Serve::from_args(&args[1..]);
    }
    fs::create_dir_all("target/reports").unwrap();
    let log = File::create(LOG).unwrap();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(Mutex::new(log))
        .init();
    gst::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clips = clips(folder.path());
    gst::log::set_active(true);
    gst::log::set_threshold_from_string(GST_DEBUG, true);
    let lines = run(&clips, &args);
    finish(&lines)
}

fn run(clips: &Clips, wanted: &[String]) -> Vec<Line> {
    let reference = pictures(&clips.h264);
    let healthy = SampleCamera::new(&clips.h264).start().unwrap();
    let witness = Camera::start("witness", &healthy.url(), TlsTrust::System, Transport::Tcp);
    assert!(witness.wait_for_frames(30), "the healthy camera does not begin");
    let mut lines = Vec::new();
    for (name, row) in ROWS {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let from = witness.look(|notes| notes.frames.len()) - 1;
        let (recovery, note) = row(clips);
        let recovery_s = recovery.map(|seconds| (seconds * 100.0).round() / 100.0);
        let others_lost = witness.look(|notes| lost(notes, from, &reference));
        let line = Line { row: (*name).to_owned(), recovered: recovery.is_some(), recovery_s, others_lost, note };
        print(&line);
        lines.push(line);
    }
    lines
}

fn print(line: &Line) {
    let recovery = line.recovery_s.map_or_else(|| "NEVER".to_owned(), |seconds| format!("{seconds:.2} s"));
    println!("{:<34} {recovery:>8}  others lost {:<3} {}", line.row, line.others_lost, line.note);
}

fn finish(lines: &[Line]) -> ExitCode {
    fs::write(REPORT, serde_json::to_string_pretty(lines).unwrap() + "\n").unwrap();
    let mut seconds: Vec<f64> = lines.iter().map(|line| line.recovery_s.unwrap_or(f64::INFINITY)).collect();
    seconds.sort_by(f64::total_cmp);
    let p95 = seconds.get((seconds.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default();
    let others: usize = lines.iter().map(|line| line.others_lost).sum();
    let leaks = leaks();
    println!(
        "{} rows; recovery p95 {p95:.2} s (objective {OBJECTIVE_S} s); others lost {others}; {}",
        lines.len(),
        leaks.1
    );
    let passed = p95 <= OBJECTIVE_S && others == 0 && leaks.0 == 0 && seconds.iter().all(|seconds| seconds.is_finite());
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How often the password, in any form, stands in what was said: our log, GStreamer's through it, and the report.
fn leaks() -> (usize, String) {
    let escaped = PASSWORD.replace('@', "%40");
    let basic = gst::glib::base64_encode(format!("{}:{PASSWORD}", peer::USER).as_bytes());
    let said = [LOG, REPORT].map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned());
    let found = said.iter().flat_map(|text| text.lines());
    let found =
        found.filter(|line| [PASSWORD, &escaped, basic.as_str()].iter().any(|form| line.contains(form))).count();
    let (lines, from) = (said[0].lines().count(), said[0].lines().filter(|line| line.contains("gstreamer: ")).count());
    (found, format!("password found {found} times in {lines} lines of log, {from} of them GStreamer's"))
}

fn clips(folder: &Path) -> Clips {
    let moving = |frames: u32, size: &str| {
        format!(
            "videotestsrc num-buffers={frames} pattern=zone-plate kx2=20 ky2=20 kt=7 ! video/x-raw,format=I420,{size},framerate=30/1"
        )
    };
    let (small, large) = ("width=320,height=240", "width=480,height=270");
    let encode = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 threads=1";
    let bytes = "video/x-h264,stream-format=byte-stream,alignment=au";
    let h264 = format!("{} ! {encode} ! h264parse ! mp4mux", moving(90, small));
    let raw = |name: &str, size: &str, profile: &str| {
        let line = format!("{} ! {encode} ! {bytes},profile={profile}", moving(30, size));
        fs::read(make(folder, name, &line)).unwrap()
    };
    let first = raw("first.h264", small, "constrained-baseline");
    let joined = |name: &str, second: Vec<u8>| {
        let path = folder.join(name);
        fs::write(&path, [first.clone(), second].concat()).unwrap();
        path
    };
    Clips {
        h264: make(folder, "clip.mp4", &h264),
        two_sizes: joined("sizes.h264", raw("large.h264", large, "constrained-baseline")),
        two_profiles: joined("profiles.h264", raw("main.h264", small, "main")),
    }
}
