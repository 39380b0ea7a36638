//! The kernel on a real device: its tensor beside the CPU's, and the bytes it moves a second beside a plain copy's.

use std::{sync::Arc, time::Instant};

use cudarc::driver::{CudaSlice, CudaStream};
use flyball::{
    inference::{
        manifest::Channels,
        tensor::{Anchor, Letterbox, Placement, Resizer, TensorFormat, cuda::LetterboxKernel},
    },
    memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size},
};

/// Frames in turn: several times what the device's cache holds.
const FRAMES: usize = 96;
const ROUNDS: usize = 20;
const SEED: u64 = 20_261_126;

/// A frame on the device, and room for its tensor.
struct Loaded {
    luma: CudaSlice<u8>,
    chroma: CudaSlice<u8>,
    out: CudaSlice<f32>,
}

pub(crate) fn run() {
    let kernel = LetterboxKernel::new(0).expect("a GPU and NVRTC");
    let name = kernel.stream().context().name().expect("its name");
    println!("{name}, seed {SEED}");
    for (frame, input) in [((1280, 720), (640, 384)), ((1920, 1080), (640, 384)), ((1280, 720), (320, 192))] {
        measure(&kernel, Size::new(frame.0, frame.1), Size::new(input.0, input.1));
    }
}

fn measure(kernel: &LetterboxKernel, size: Size, input: Size) {
    let stream = kernel.stream();
    let (pixels, [luma, chroma]) = picture(size);
    let placement = Placement::letterbox(size, input, Anchor::TopLeft);
    let format = TensorFormat { channels: Channels::Bgr, mean: [0.0; 3], scale: [1.0; 3] };
    let job = Letterbox::new(&pixels, &placement, &format, 0.0, input).expect("an NV12 picture");
    let mut wanted = vec![0.0; job.floats()];
    let begun = Instant::now();
    let mut resizer = Resizer::default();
    (0..ROUNDS).for_each(|_| resizer.fill(&pixels, &placement, &format, 0.0, input, &mut wanted));
    let cpu_us = begun.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64;
    let load = |_| Loaded {
        luma: stream.clone_htod(&luma).expect("room"),
        chroma: stream.clone_htod(&chroma).expect("room"),
        out: stream.alloc_zeros(job.floats()).expect("room"),
    };
    let mut frames: Vec<Loaded> = (0..FRAMES).map(load).collect();
    let launch =
        |frame: &mut Loaded| kernel.launch(&frame.luma, &frame.chroma, &mut frame.out, &job).expect("a launch");
    let us = timed(stream, &mut frames, launch);
    let found = stream.clone_dtoh(&frames[FRAMES / 2].out).expect("the tensor");
    let (error, rounded) = difference(&wanted, &found);
    let bytes = luma.len() + chroma.len() + job.floats() * size_of::<f32>();
    let (copy_us, copied) = copy(stream, bytes);
    println!(
        "{{\"frame\":\"{}x{}\",\"input\":\"{}x{}\",\"max_error\":{error:.6},\"one_level_off_per_million\":{rounded:.1},\
         \"us\":{us:.2},\"gb_per_s\":{:.0},\"copy_us\":{copy_us:.2},\"copy_gb_per_s\":{:.0},\"of_copy\":{:.2},\"cpu_us\":{cpu_us:.0}}}",
        size.w,
        size.h,
        input.w,
        input.h,
        bytes as f64 / us / 1e3,
        copied as f64 / copy_us / 1e3,
        (bytes as f64 / us) / (copied as f64 / copy_us),
    );
}

/// Microseconds a frame, queued one after the other.
fn timed(stream: &Arc<CudaStream>, frames: &mut [Loaded], mut work: impl FnMut(&mut Loaded)) -> f64 {
    frames.iter_mut().for_each(&mut work);
    stream.synchronize().expect("the device");
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            frames.iter_mut().for_each(&mut work);
            stream.synchronize().expect("the device");
            begun.elapsed().as_secs_f64() * 1e6 / FRAMES as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// A plain copy that moves as many bytes (half of them read, half written), in turn over as many places.
fn copy(stream: &Arc<CudaStream>, bytes: usize) -> (f64, usize) {
    let half = bytes / 2;
    let place = |_| Loaded {
        luma: stream.alloc_zeros(half).expect("room"),
        chroma: stream.alloc_zeros(half).expect("room"),
        out: stream.alloc_zeros(1).expect("room"),
    };
    let mut places: Vec<Loaded> = (0..FRAMES).map(place).collect();
    let us = timed(stream, &mut places, |place| stream.memcpy_dtod(&place.luma, &mut place.chroma).expect("a copy"));
    (us, half * 2)
}

/// Noise with soft edges in it.
fn picture(size: Size) -> (Pixels, [Vec<u8>; 2]) {
    let mut random = fastrand::Rng::with_seed(SEED);
    let (w, h) = (size.w as usize, size.h as usize);
    let luma: Vec<u8> = (0..w * h).map(|at| ((at / 3) as u8).wrapping_add(random.u8(0..64))).collect();
    let chroma: Vec<u8> = (0..w * h / 2).map(|_| random.u8(..)).collect();
    let planes = [luma, chroma];
    let owner = Box::new(HostPlanes::from(planes.clone()));
    let pixels = Pixels::new(PixelFormat::Nv12, size, [w, w, 0], ColorMatrix::Bt709, ColorRange::Limited, owner);
    (pixels.expect("whole planes"), planes)
}

/// Largest error as a part of the range, apart from values one level off; how many of those there are in a million.
fn difference(wanted: &[f32], found: &[f32]) -> (f32, f64) {
    let (mut worst, mut rounded) = (0.0_f32, 0);
    for levels in wanted.iter().zip(found).map(|(a, b)| (a - b).abs()) {
        if (levels - 1.0).abs() < 0.01 {
            rounded += 1;
        } else {
            worst = worst.max(levels / 255.0);
        }
    }
    (worst, f64::from(rounded) * 1e6 / wanted.len() as f64)
}
