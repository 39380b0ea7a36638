use std::time::Instant;

use super::*;
use crate::flow::testing::{frame, now};

fn camera(id: &str) -> CameraId {
    CameraId::new(id).unwrap()
}

/// Sweeps without waiting and names what came.
fn sweep(lanes: &Lanes, most: usize) -> (Swept, Vec<(String, u64)>) {
    let (at, mut frames): (Instant, Vec<Frame>) = (now(), Vec::new());
    let swept = lanes.sweep(most, at, || at, &mut frames);
    (swept, frames.iter().map(|f| (f.camera.to_string(), f.sequence)).collect())
}

#[test]
fn the_newest_frame_wins_and_the_rest_is_counted() {
    let drops = Drops::default();
    let lanes = Lanes::new(&drops);
    let inlet = lanes.open(&camera("a"), LaneKind::NewestWins);
    (0..10).for_each(|n| assert_eq!(inlet.offer(frame("a", n)), Accepted::Yes));
    assert_eq!(sweep(&lanes, 8), (Swept::Frames, vec![("a".into(), 9)]));
    assert_eq!(drops.of(&camera("a")), 9);
}

#[test]
fn a_fast_camera_does_not_starve_slow_ones() {
    let lanes = Lanes::new(&Drops::default());
    let inlets: Vec<_> = ["a", "b", "c"].map(|id| lanes.open(&camera(id), LaneKind::NewestWins)).into();
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for round in 0..30 {
        inlets[0].offer(frame("a", round));
        inlets[1].offer(frame("b", round));
        inlets[2].offer(frame("c", round));
        for (camera, _) in sweep(&lanes, 1).1 {
            *seen.entry(camera).or_default() += 1;
        }
    }
    assert_eq!(seen.values().copied().collect::<Vec<_>>(), [10, 10, 10]);
}

#[test]
fn a_lossless_lane_loses_nothing() {
    let drops = Drops::default();
    let lanes = Lanes::new(&drops);
    let inlet = lanes.open(&camera("file"), LaneKind::Lossless);
    lanes.seal();
    let source =
        std::thread::Builder::new().spawn(move || (0..500).all(|n| inlet.offer(frame("file", n)) == Accepted::Yes));
    let (mut got, patience) = (Vec::new(), Duration::from_secs(20));
    let deadline = now() + patience;
    while lanes.sweep(4, deadline, now, &mut got) == Swept::Frames {}
    assert!(source.unwrap().join().unwrap());
    assert_eq!(got.iter().map(|f| f.sequence).collect::<Vec<_>>(), (0..500).collect::<Vec<_>>());
    assert_eq!(drops.total(), 0);
}

#[test]
fn lanes_end_when_sealed_closed_and_empty() {
    let lanes = Lanes::new(&Drops::default());
    let inlet = lanes.open(&camera("a"), LaneKind::NewestWins);
    inlet.offer(frame("a", 1));
    drop(inlet);
    lanes.seal();
    assert_eq!(sweep(&lanes, 1).0, Swept::Frames, "the last frame still comes out");
    assert_eq!(sweep(&lanes, 1).0, Swept::Ended);
}

#[test]
fn sources_learn_that_nobody_sweeps_any_more() {
    let lanes = Lanes::new(&Drops::default());
    let inlet = lanes.open(&camera("a"), LaneKind::Lossless);
    lanes.close();
    assert_eq!(inlet.offer(frame("a", 0)), Accepted::ReaderGone);
}
