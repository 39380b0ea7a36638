//! `make churn`: cameras come and go by the thousand while the graph runs; threads, descriptors and memory must be what they
//! were. Made-up cameras, files and a real RTSP server take turns, under a hundred names. Writes
//! `target/reports/churn.json`.
//!
//! `cargo run --example churn -- [CYCLES]`
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed preparation ends the run")]
#![allow(clippy::print_stdout, reason = "the figures are the result")]
#![allow(missing_docs, reason = "a program, not a library")]

#[path = "../small_graph/mod.rs"]
mod small_graph;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use flyball::media::{CameraInput, Pace, RtspSource, SampleCamera, SourceSpec, SyntheticSpec, Transport};
use flyball::memory::{Size, return_freed_memory, settle_heaps};
use flyball::scene::CameraId;
use flyball::topology::{Cameras, REMOVAL};
use gstreamer as gst;
use gstreamer::prelude::*;
use serde::Serialize;
use small_graph::{SmallGraph, live, now};

const REPORT: &str = "target/reports/churn.json";
/// Cycles unless the command line says otherwise.
const CYCLES: usize = 10_000;
/// Of so many cycles one is a real RTSP camera and one a file; the others are made up.
const MIX: usize = 10;
/// How often memory is looked at.
const READINGS: usize = 100;
/// How far memory may rise.
const OBJECTIVE: f64 = 0.02;
/// Cycles until pools, caches and heaps hold what they keep for good: from here on readings go up and down by 1.5 %.
const WARM_UP: usize = 2_000;

#[derive(Clone, Copy, Debug, Serialize)]
struct Belongings {
    rss_bytes: u64,
    threads: usize,
    descriptors: usize,
}

#[derive(Serialize)]
struct Report {
    cycles: usize,
    seconds: f64,
    /// After this many cycles whose traces are not counted.
    warm_up: usize,
    /// The middle one of the first ten readings: one alone is up to 1.5 % off, as the heap happens to lie.
    first: Belongings,
    /// The middle one of the last ten.
    last: Belongings,
    /// A hundred of them, evenly spread.
    readings: Vec<Belongings>,
}

fn main() -> ExitCode {
    let cycles = std::env::args().nth(1).map_or(CYCLES, |text| text.parse().expect("a number of cycles"));
    // As `flyball run` does.
    settle_heaps();
    gst::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(folder.path());
    let server = SampleCamera::new(&clip).start().unwrap();
    let mut graph = SmallGraph::start(&live("first", 1));
    let cameras = graph.assembly.running.cameras();
    let mut cycle = |number: usize| {
        come_and_go(&cameras, number, &clip, &server.url());
        graph.assembly.running.watch(Duration::ZERO);
        drop(graph.bus.take());
    };
    (0..WARM_UP).for_each(&mut cycle);
    let (begun, mut readings) = (now(), vec![belongings()]);
    for number in 0..cycles {
        cycle(number);
        if number % (cycles / READINGS).max(1) == 0 {
            readings.push(belongings());
        }
        if number % 1_000 == 999 {
            println!("{:>6} cycles  {:?}", number + 1, readings.last());
        }
    }
    let (first, last) = (middle(readings.iter().take(10)), middle(readings.iter().rev().take(10)));
    let report = Report { cycles, seconds: begun.elapsed().as_secs_f64(), warm_up: WARM_UP, first, last, readings };
    fs::create_dir_all("target/reports").unwrap();
    fs::write(REPORT, serde_json::to_string_pretty(&report).unwrap() + "\n").unwrap();
    println!("{} cycles in {:.0} s\nfirst {:?}\nlast  {:?}", cycles, report.seconds, report.first, report.last);
    let grown = report.last.rss_bytes as f64 / report.first.rss_bytes as f64 - 1.0;
    println!("memory {:+.1} % (objective: within {:.0} %)", grown * 100.0, OBJECTIVE * 100.0);
    let is_flat = grown <= OBJECTIVE
        && report.last.threads <= report.first.threads
        && report.last.descriptors <= report.first.descriptors;
    if is_flat { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// By memory; of threads and descriptors the most.
fn middle<'a>(readings: impl Iterator<Item = &'a Belongings>) -> Belongings {
    let mut sorted: Vec<_> = readings.copied().collect();
    sorted.sort_by_key(|reading| reading.rss_bytes);
    let most = |count: fn(&Belongings) -> usize| sorted.iter().map(count).max().unwrap_or_default();
    Belongings {
        rss_bytes: sorted[sorted.len() / 2].rss_bytes,
        threads: most(|reading| reading.threads),
        descriptors: most(|reading| reading.descriptors),
    }
}

fn come_and_go(cameras: &Cameras, number: usize, clip: &Path, url: &str) {
    let id = CameraId::new(&format!("guest{}", number % 100)).unwrap();
    let source = match number % MIX {
        0 => {
            let mut source = RtspSource::parse(url).unwrap();
            source.transport = Transport::Tcp;
            SourceSpec::Rtsp(source)
        }
        1 => SourceSpec::File { path: clip.to_owned(), pace: Pace::Realtime, repeat: true },
        _ => SourceSpec::Synthetic(SyntheticSpec { size: Size::new(320, 192), shapes: 1, ..SyntheticSpec::default() }),
    };
    cameras.add_input(CameraInput::new(id.clone(), source)).unwrap();
    if number % MIX < 2 {
        // Half of them are taken away while they still connect.
        let patience = Duration::from_millis(if number % (2 * MIX) < MIX { 60 } else { 0 });
        let _never = crossbeam_channel::never::<()>().recv_timeout(patience);
    }
    cameras.remove(&id, REMOVAL).unwrap();
}

fn clip(folder: &Path) -> PathBuf {
    let path = folder.join("clip.mp4");
    let line = format!(
        "videotestsrc num-buffers=60 ! video/x-raw,format=I420,width=320,height=240,framerate=30/1 ! \
         x264enc tune=zerolatency key-int-max=10 ! h264parse ! mp4mux ! filesink location={}",
        path.display()
    );
    let pipeline = gst::parse::launch(&line).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &[gst::MessageType::Eos]).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    path
}

/// After freed memory is given back, so that what the allocator keeps for itself is not counted.
fn belongings() -> Belongings {
    return_freed_memory();
    let count = |folder| fs::read_dir(folder).unwrap().count();
    let pages: u64 = fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    Belongings { rss_bytes: pages * 4096, threads: count("/proc/self/task"), descriptors: count("/proc/self/fd") }
}
