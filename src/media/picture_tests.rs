//! A camera's picture goes bad in every way, in made-up pictures and made-up time.

use std::sync::Arc;

use super::*;
use crate::media::{SyntheticSpec, SyntheticWorld};
use crate::memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels};

/// The usual limits, for pictures of this size.
fn limits() -> PictureLimits {
    PictureLimits { size: Some(Size { w: 320, h: 180 }), ..PictureLimits::default() }
}

/// Shows pictures to a judge, one a second, and remembers what it said and at which second.
struct Show {
    judge: PictureJudge,
    start: Instant,
    second: u64,
    said: Vec<(u64, PictureState)>,
}

impl Show {
    #[allow(clippy::disallowed_methods, reason = "an Instant can only be had from the clock; nothing here waits")]
    fn new() -> Self {
        Self { judge: PictureJudge::new(limits()), start: Instant::now(), second: 0, said: Vec::new() }
    }

    fn look(&mut self, pixels: &Pixels, pts: Duration) {
        let figures = PictureFigures::of(pixels).unwrap();
        let look = Look {
            at: self.start + Duration::from_secs(self.second),
            size: pixels.size(),
            pts: Some(pts),
            figures: &figures,
        };
        if let Some((state, evidence)) = self.judge.look(&look) {
            assert_eq!(evidence.is_none(), state == PictureState::Good, "every fault has its evidence");
            self.said.push((self.second, state));
        }
        self.second += 1;
    }

    fn show(&mut self, seconds: u64, picture: impl Fn(u64) -> Pixels) {
        for _ in 0..seconds {
            self.look(&picture(self.second), Duration::from_secs(self.second));
        }
    }
}

fn luma(value: impl Fn(usize, usize) -> u8, chroma: u8) -> Pixels {
    sized(Size::new(320, 180), value, chroma)
}

fn sized(size: Size, value: impl Fn(usize, usize) -> u8, chroma: u8) -> Pixels {
    let (w, h) = (size.w as usize, size.h as usize);
    let y = (0..w * h).map(|at| value(at % w, at / w)).collect();
    let planes = HostPlanes::from([y, vec![chroma; w * h / 4], vec![chroma; w * h / 4]]);
    let strides = [w, w / 2, w / 2];
    Pixels::new(PixelFormat::I420, size, strides, ColorMatrix::default(), ColorRange::Limited, Box::new(planes))
        .unwrap()
}

/// A street with a little noise of the sensor.
fn street(second: u64) -> Pixels {
    luma(|x, y| (60 + (x / 8 % 5) * 25 + y / 4 + (x * 7 + y * 3 + second as usize * 11) % 3) as u8, 128)
}

#[test]
fn an_ordinary_camera_is_never_blamed() {
    let mut show = Show::new();
    show.show(300, street);
    assert_eq!(show.said, []);
}

#[test]
fn each_fault_is_said_once_after_five_seconds_and_cleared_after_three() {
    let black = |_| luma(|_, _| 16, 128);
    let burnt = |_| luma(|x, _| if x < 300 { 235 } else { 100 }, 128);
    let green = |_| luma(|_, _| 80, 0);
    let moved = |second: u64| luma(move |x, y| (200 - (x / 8 % 5) * 25 + (x + y + second as usize) % 3) as u8, 128);
    let faults: [(PictureState, &dyn Fn(u64) -> Pixels); 4] = [
        (PictureState::Black, &black),
        (PictureState::Overexposed, &burnt),
        (PictureState::Garbage, &green),
        (PictureState::SceneChanged, &moved),
    ];
    for (fault, picture) in faults {
        let mut show = Show::new();
        show.show(20, street);
        show.show(10, picture);
        show.show(10, street);
        assert_eq!(show.said, [(25, fault), (33, PictureState::Good)], "{fault:?}");
    }
}

#[test]
fn a_lens_that_loses_focus_is_compared_with_its_own_past() {
    let mut show = Show::new();
    let sharp = |second: u64| luma(move |x, y| (90 + (x % 2) * 60 + y / 4 + (x + second as usize) % 2) as u8, 128);
    let soft = |second: u64| luma(move |x, y| (90 + y / 4 + (x / 40) * 3 + (x / 40 + second as usize) % 2) as u8, 128);
    show.judge.limits.changed_below = -1.0;
    show.show(20, sharp);
    show.show(10, soft);
    assert_eq!(show.said, [(25, PictureState::OutOfFocus)]);
}

#[test]
fn a_picture_that_stands_still_is_frozen_and_one_that_moves_again_is_not() {
    let mut show = Show::new();
    show.show(20, street);
    show.show(30, |_| street(0));
    show.show(10, street);
    assert_eq!(show.said, [(35, PictureState::Frozen), (53, PictureState::Good)]);
}

#[test]
fn a_wrong_size_and_a_clock_that_stands_still_are_told() {
    let mut show = Show::new();
    show.show(10, |second| sized(Size::new(640, 360), |x, y| (x / 4 + y / 4 + second as usize % 3) as u8, 128));
    assert_eq!(show.said, [(5, PictureState::WrongResolution)]);
    let mut show = Show::new();
    show.show(10, street);
    (0..10).for_each(|second| show.look(&street(second + 50), Duration::from_secs(9)));
    assert_eq!(show.said, [(15, PictureState::ClockStuck)]);
}

/// A camera that was moved on purpose is told about once; a minute later the new scene is the scene.
#[test]
fn a_new_scene_becomes_the_scene() {
    let mut show = Show::new();
    show.show(20, street);
    let moved = |second: u64| luma(move |x, y| (200 - (x / 8 % 5) * 25 + (x + y + second as usize) % 3) as u8, 128);
    show.show(120, moved);
    assert_eq!(
        show.said.iter().map(|said| said.1).collect::<Vec<_>>(),
        [PictureState::SceneChanged, PictureState::Good]
    );
}

/// One bad second is no news: a flash, a reconnection.
#[test]
fn what_passes_is_not_said() {
    let mut show = Show::new();
    for _ in 0..20 {
        show.show(6, street);
        show.show(2, |_| luma(|_, _| 16, 128));
    }
    assert_eq!(show.said, []);
}

#[test]
fn a_synthetic_world_is_a_good_picture() {
    let spec = SyntheticSpec { size: Size::new(320, 180), shapes: 2, ..SyntheticSpec::default() };
    let (world, mut show) = (Arc::new(SyntheticWorld::new(spec)), Show::new());
    show.show(60, |second| world.draw(second * 30).unwrap());
    assert_eq!(show.said, []);
}
