//! Where a box will be next: a constant-velocity Kalman filter on centre, width and height.
//!
//! Motion, measurement and noise treat the four coordinates alike and apart, so the eight-state filter of SORT (Bewley et
//! al., ICIP 2016) falls apart into four two-state ones, exactly. Time is in seconds rather than frames: cameras differ in
//! rate, and frames may be missing. Noise grows with the size of the box, as in DeepSORT (Wojke et al., ICIP 2017).
//!
//! Next: `stages::track`, which keeps one filter for each person.

use crate::scene::{BBox, Point};

/// Standard deviation of a detected coordinate, in box sizes. DeepSORT's 1/20; YuNet's boxes jitter by 2 to 5 %.
const MEASURED: f32 = 0.05;
/// Spread of a newcomer's velocity, in box sizes per second: somebody walking past a door camera crosses 3 in a second.
const FIRST_VELOCITY: f32 = 3.0;
/// Spread of how fast a newcomer's box grows, in box sizes per second: walking up to a camera doubles it in a second or two.
const FIRST_GROWTH: f32 = 0.5;
/// Strength of the random acceleration of the centre, box sizes² / s³: a head that changes its speed by 2 box sizes a
/// second within a second.
const ACCELERATION: f32 = 4.0;
/// The same for width and height, which change slowly.
const GROWTH_CHANGE: f32 = 0.25;
/// Smallest side of a predicted box, in pixels, so that a shrinking box never turns inside out.
const SMALLEST: f32 = 1.0;

/// One coordinate: its value, its rate, and how far both may be off.
#[derive(Clone, Copy, Debug)]
struct Axis {
    value: f32,
    rate: f32,
    /// Variance of the value, covariance, variance of the rate.
    spread: [f32; 3],
}

impl Axis {
    fn new(value: f32, deviation: f32, rate_deviation: f32) -> Self {
        Self { value, rate: 0.0, spread: [deviation * deviation, 0.0, rate_deviation * rate_deviation] }
    }

    /// Lets `dt` seconds pass under white-noise acceleration of strength `noise`, units² / s³.
    fn predict(&mut self, dt: f32, noise: f32) {
        let [value, both, rate] = self.spread;
        self.value += self.rate * dt;
        self.spread = [
            value + 2.0 * dt * both + dt * dt * rate + noise * dt.powi(3) / 3.0,
            both + dt * rate + noise * dt * dt / 2.0,
            rate + noise * dt,
        ];
    }

    /// Takes in a measurement with the given standard deviation.
    fn update(&mut self, measured: f32, deviation: f32) {
        let [value, both, rate] = self.spread;
        let total = value + deviation * deviation;
        let (gain, rate_gain) = (value / total, both / total);
        let surprise = measured - self.value;
        self.value += gain * surprise;
        self.rate += rate_gain * surprise;
        self.spread = [(1.0 - gain) * value, (1.0 - gain) * both, rate - rate_gain * both];
    }
}

/// Follows one box through time.
#[derive(Clone, Debug)]
pub struct BoxFilter {
    x: Axis,
    y: Axis,
    w: Axis,
    h: Axis,
}

/// Mean side of a box in pixels; never below one, so that noise never vanishes.
fn size(b: BBox) -> f32 {
    f32::midpoint(b.w, b.h).max(SMALLEST)
}

impl BoxFilter {
    /// A filter that has seen one box and knows nothing of its motion.
    pub fn new(seen: BBox) -> Self {
        let (center, unit) = (seen.center(), size(seen));
        let moving = |value| Axis::new(value, MEASURED * unit, FIRST_VELOCITY * unit);
        let growing = |value| Axis::new(value, MEASURED * unit, FIRST_GROWTH * unit);
        Self { x: moving(center.x), y: moving(center.y), w: growing(seen.w), h: growing(seen.h) }
    }

    /// Lets `dt` seconds pass; zero or less changes nothing.
    pub fn predict(&mut self, dt: f32) {
        if dt <= 0.0 {
            return;
        }
        let area = size(self.bbox()).powi(2);
        self.x.predict(dt, ACCELERATION * area);
        self.y.predict(dt, ACCELERATION * area);
        self.w.predict(dt, GROWTH_CHANGE * area);
        self.h.predict(dt, GROWTH_CHANGE * area);
    }

    /// Takes in a detected box.
    pub fn update(&mut self, seen: BBox) {
        let (center, deviation) = (seen.center(), MEASURED * size(seen));
        self.x.update(center.x, deviation);
        self.y.update(center.y, deviation);
        self.w.update(seen.w, deviation);
        self.h.update(seen.h, deviation);
    }

    /// Freezes width and height. While nobody sees the box, its growth would only be guessed on and on.
    pub fn stop_growing(&mut self) {
        self.w.rate = 0.0;
        self.h.rate = 0.0;
    }

    /// The box as the filter believes it, in pixels.
    pub fn bbox(&self) -> BBox {
        let (w, h) = (self.w.value.max(SMALLEST), self.h.value.max(SMALLEST));
        BBox::new(self.x.value - w / 2.0, self.y.value - h / 2.0, w, h)
    }

    /// How fast the centre moves, in pixels per second.
    pub fn velocity(&self) -> Point {
        Point::new(self.x.rate, self.y.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: f32 = 1.0 / 30.0;

    fn walker(t: f32) -> BBox {
        BBox::new(100.0 + 200.0 * t, 50.0 - 40.0 * t, 80.0 + 10.0 * t, 100.0)
    }

    #[test]
    fn a_steady_walker_is_foreseen_within_a_few_pixels() {
        let mut filter = BoxFilter::new(walker(0.0));
        for i in 1..=30u8 {
            filter.predict(FRAME);
            filter.update(walker(f32::from(i) * FRAME));
        }
        filter.predict(0.5);
        let (told, real) = (filter.bbox().center(), walker(1.5).center());
        assert!((told.x - real.x).abs() < 4.0 && (told.y - real.y).abs() < 4.0, "{told:?} {real:?}");
        assert!((filter.velocity().x - 205.0).abs() < 5.0);
    }

    #[test]
    fn one_long_step_is_many_short_ones() {
        let (mut long, mut short) = (BoxFilter::new(walker(0.0)), BoxFilter::new(walker(0.0)));
        for filter in [&mut long, &mut short] {
            filter.predict(FRAME);
            filter.update(walker(FRAME));
        }
        long.predict(0.4);
        (0..4).for_each(|_| short.predict(0.1));
        assert!((long.bbox().x - short.bbox().x).abs() < 0.5);
        assert!((long.x.spread[0] / short.x.spread[0] - 1.0).abs() < 0.05);
    }

    #[test]
    fn a_box_never_turns_inside_out() {
        let mut filter = BoxFilter::new(BBox::new(0.0, 0.0, 40.0, 40.0));
        for i in 1..8u8 {
            filter.predict(FRAME);
            filter.update(BBox::new(0.0, 0.0, 40.0 - 5.0 * f32::from(i), 40.0));
        }
        filter.predict(10.0);
        assert!(filter.bbox().w >= SMALLEST);
    }
}
