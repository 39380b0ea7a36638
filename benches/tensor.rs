//! From planes to tensor: what one frame and one face may cost. Budgets: a 1280×720 NV12 frame to 640×384 within 1.0 ms, an
//! aligned 112×112 or 150×150 face within 0.15 ms. Measured in CPU time of this thread, so that a busy machine does not
//! count. Run with `cargo bench --bench tensor`.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::{hint::black_box, time::Duration};

use criterion::{
    Criterion, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use flyball::{
    inference::manifest::Channels,
    inference::tensor::{Anchor, Border, Placement, Rect, Resizer, TensorFormat, warp},
    memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size},
    vision::Affine,
};

/// CPU time of the calling thread.
struct CpuTime;

impl CpuTime {
    #[allow(unsafe_code, reason = "the standard library has no clock of CPU time")]
    fn now() -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place for the answer; the clock exists on every Linux.
        let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        assert_eq!(answer, 0, "no clock of CPU time");
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::now()
    }

    fn end(&self, start: Duration) -> Duration {
        Self::now().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// A picture of noise: no two neighbours alike, so nothing is faster than on real footage.
fn noise(format: PixelFormat, size: Size) -> Pixels {
    let mut random = fastrand::Rng::with_seed(7);
    let mut plane = |index| {
        let (row, rows) = format.plane_extent(index, size);
        (0..row * rows).map(|_| random.u8(..)).collect::<Vec<u8>>()
    };
    let planes: [Vec<u8>; 3] = [0, 1, 2].map(|p| if p < format.planes() { plane(p) } else { Vec::new() });
    let strides = [0, 1, 2].map(|p| format.plane_extent(p, size).0);
    Pixels::new(format, size, strides, ColorMatrix::Bt709, ColorRange::Limited, Box::new(HostPlanes::from(planes)))
        .expect("planes of the right length")
}

fn frames(c: &mut Criterion<CpuTime>) {
    let input = Size::new(640, 384);
    let mut item = vec![0.0; 3 * input.area() as usize];
    let format = TensorFormat::raw(Channels::Bgr);
    for (name, pixels, size) in [
        ("nv12 1280x720", PixelFormat::Nv12, Size::new(1280, 720)),
        ("i420 1280x720", PixelFormat::I420, Size::new(1280, 720)),
        ("nv12 1920x1080", PixelFormat::Nv12, Size::new(1920, 1080)),
        ("nv12 960x540", PixelFormat::Nv12, Size::new(960, 540)),
        ("rgb 1280x720", PixelFormat::Rgb, Size::new(1280, 720)),
    ] {
        let frame = noise(pixels, size);
        let placement = Placement::letterbox(size, input, Anchor::TopLeft);
        let mut resizer = Resizer::default();
        c.bench_function(&format!("letterbox {name} to 640x384"), |b| {
            b.iter(|| resizer.fill(black_box(&frame), &placement, &format, 0.0, input, &mut item));
        });
    }
}

fn faces(c: &mut Criterion<CpuTime>) {
    let frame = noise(PixelFormat::Nv12, Size::new(1280, 720));
    let rgb = noise(PixelFormat::Rgb, Size::new(1280, 720));
    let format = TensorFormat { channels: Channels::Rgb, mean: [127.0; 3], scale: [1.0 / 128.0; 3] };
    // a face of some 180 pixels, tilted by 12 degrees
    let (sin, cos) = (0.21_f32 * 1.6, 0.98_f32 * 1.6);
    let map = Affine([[cos, -sin, 560.0], [sin, cos, 240.0]]);
    for side in [112, 150] {
        let size = Size::new(side, side);
        let mut item = vec![0.0; 3 * size.area() as usize];
        for (name, pixels) in [("nv12", &frame), ("rgb", &rgb)] {
            c.bench_function(&format!("warp {name} to {side}x{side}"), |b| {
                b.iter(|| warp(black_box(pixels), &map, Border::default(), &format, size, &mut item));
            });
        }
    }
    let size = Size::new(128, 128);
    let mut item = vec![0.0; 3 * size.area() as usize];
    let mut resizer = Resizer::default();
    let source = Rect { x: 401, y: 133, w: 437, h: 519 };
    let placement = Placement::stretch(source, size);
    c.bench_function("liveness crop nv12 to 128x128", |b| {
        b.iter(|| resizer.fill(black_box(&frame), &placement, &format, 0.0, size, &mut item));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = frames, faces
}
criterion_main!(benches);
