//! The CUDA letterbox kernel without a GPU: its source compiled as C++ gives what our CPU path gives, and NVRTC compiles it to
//! PTX where NVRTC is there (`LD_LIBRARY_PATH` to the wheel `nvidia-cuda-nvrtc-cu12`; skipped aloud otherwise).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::{fs, path::Path, process::Command};

use flyball::{
    inference::{
        manifest::Channels,
        tensor::{Anchor, LETTERBOX_KERNEL, LETTERBOX_SOURCE, Letterbox, Placement, Rect, Resizer, TensorFormat},
    },
    memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size},
};

/// What a result may be off, as a part of the range of values.
const OFF: f32 = 1e-3;
/// Pixels in a million that may round to the neighbouring level: sums that end a hair from one half.
const ROUNDED_OTHERWISE: usize = 200;
const SEED: u64 = 20_261_125;

/// Runs the kernel over a grid, thread by thread: reads a job, its planes, and writes the floats.
const HARNESS: &str = r#"
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>
#define __global__
#define __device__
struct Index { unsigned x, y, z; };
static Index blockIdx, threadIdx, blockDim = {1, 1, 1};
using std::fmin; using std::fmax; using std::floor;
#include "letterbox.cu"
int main(int, char** names) {
    std::vector<unsigned char> job(1 << 26);
    FILE* in = fopen(names[1], "rb");
    job.resize(fread(job.data(), 1, job.size(), in));
    fclose(in);
    Letterbox p;
    memcpy(&p, job.data(), sizeof p);
    const unsigned char* luma = job.data() + sizeof p;
    const unsigned char* chroma = luma + p.luma_stride * p.frame_h;
    std::vector<float> out((p.gray ? 1 : 3) * p.input_w * p.input_h);
    for (blockIdx.y = 0; blockIdx.y < (unsigned)p.input_h + 3; blockIdx.y++)
        for (blockIdx.x = 0; blockIdx.x < (unsigned)p.input_w + 5; blockIdx.x++)
            nv12_letterbox(luma, chroma, out.data(), p);
    FILE* to = fopen(names[2], "wb");
    fwrite(out.data(), 4, out.size(), to);
    return fclose(to);
}
"#;

/// Compiles the kernel as C++; `None` with a word where there is no compiler.
fn compiled(folder: &Path) -> Option<std::path::PathBuf> {
    fs::write(folder.join("letterbox.cu"), LETTERBOX_SOURCE).unwrap();
    fs::write(folder.join("harness.cpp"), HARNESS).unwrap();
    let program = folder.join("harness");
    let mut call = Command::new("g++");
    call.args(["-O1", "-ffp-contract=off", "-o"]).arg(&program).arg(folder.join("harness.cpp"));
    let Ok(done) = call.output() else {
        eprintln!("SKIPPED: g++ is not here; run `make setup`");
        return None;
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(program)
}

/// Noise with soft edges in it, rows padded by `extra` bytes.
fn picture(size: Size, extra: usize, matrix: ColorMatrix, range: ColorRange) -> (Pixels, Vec<u8>) {
    let mut random = fastrand::Rng::with_seed(SEED);
    let (stride, rows) = (size.w.next_multiple_of(2) as usize + extra, size.h as usize);
    let luma: Vec<u8> = (0..stride * rows).map(|at| ((at / 3) as u8).wrapping_add(random.u8(0..64))).collect();
    let chroma: Vec<u8> = (0..stride * rows.div_ceil(2)).map(|_| random.u8(..)).collect();
    let both = [luma.clone(), chroma.clone()].concat();
    let owner = Box::new(HostPlanes::from([luma, chroma]));
    (Pixels::new(PixelFormat::Nv12, size, [stride, stride, 0], matrix, range, owner).unwrap(), both)
}

fn format(channels: Channels) -> TensorFormat {
    TensorFormat { channels, mean: [127.5, 100.0, 90.0], scale: [1.0 / 128.0, 0.01, 0.02] }
}

/// Largest error as a part of the range, apart from pixels one level off; how many of those there were.
fn difference(wanted: &[f32], found: &[f32], format: &TensorFormat) -> (f32, usize) {
    let each = wanted.len() / format.channels.count();
    let (mut worst, mut rounded) = (0.0_f32, 0);
    for (at, (a, b)) in wanted.iter().zip(found).enumerate() {
        let levels = (a - b).abs() / format.scale[at / each];
        if (levels - 1.0).abs() < 0.01 {
            rounded += 1;
        } else {
            worst = worst.max(levels / 255.0);
        }
    }
    (worst, rounded)
}

#[test]
fn the_kernel_says_what_the_cpu_says() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compiled(folder.path()) else { return };
    let (hd, odd) = (Size::new(1280, 720), Size::new(131, 77));
    let wide = Size::new(640, 384);
    let boxed = |frame, input, anchor| Placement::letterbox(frame, input, anchor);
    let part = Placement::stretch(Rect { x: 31, y: 17, w: 64, h: 40 }, Size::new(112, 112));
    let jobs = [
        (hd, 0, ColorMatrix::Bt709, ColorRange::Limited, boxed(hd, wide, Anchor::TopLeft), wide, Channels::Bgr),
        (hd, 64, ColorMatrix::Bt601, ColorRange::Full, boxed(hd, wide, Anchor::Center), wide, Channels::Rgb),
        (
            odd,
            6,
            ColorMatrix::Bt709,
            ColorRange::Limited,
            boxed(odd, Size::new(320, 192), Anchor::Center),
            Size::new(320, 192),
            Channels::Rgb,
        ),
        (odd, 0, ColorMatrix::Bt601, ColorRange::Limited, part, Size::new(112, 112), Channels::Gray),
    ];
    for (size, extra, matrix, range, placed, input, channels) in jobs {
        let (pixels, planes) = picture(size, extra, matrix, range);
        let format = format(channels);
        let job = Letterbox::new(&pixels, &placed, &format, 114.0, input).unwrap();
        let mut wanted = vec![0.0; job.floats()];
        Resizer::default().fill(&pixels, &placed, &format, 114.0, input, &mut wanted);
        let (from, to) = (folder.path().join("job"), folder.path().join("floats"));
        fs::write(&from, [job.bytes(), planes].concat()).unwrap();
        assert!(Command::new(&program).args([&from, &to]).status().unwrap().success());
        let bytes = fs::read(&to).unwrap();
        let found: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_ne_bytes(b.try_into().unwrap())).collect();
        assert_eq!(found.len(), wanted.len());
        let (worst, rounded) = difference(&wanted, &found, &format);
        eprintln!(
            "{size:?} to {input:?} {channels:?}: largest error {worst:e} of the range, {rounded} of {} one level off",
            found.len()
        );
        assert!(worst <= OFF, "seed {SEED}: {size:?} {channels:?}: off by {worst} of the range");
        assert!(
            rounded <= 1 + found.len() * ROUNDED_OTHERWISE / 1_000_000,
            "seed {SEED}: {rounded} of {} round otherwise",
            found.len()
        );
    }
}

#[test]
fn the_source_names_its_kernel() {
    assert!(LETTERBOX_SOURCE.contains(&format!("void {LETTERBOX_KERNEL}(")));
}

#[cfg(feature = "cuda")]
#[test]
fn nvrtc_compiles_it_and_without_a_driver_that_is_said() {
    use flyball::inference::tensor::cuda::{LetterboxKernel, compile, driver_is_here, nvrtc_is_here};
    if !driver_is_here() {
        let told = LetterboxKernel::new(0).err().unwrap().to_string();
        assert!(told.contains("libcuda.so") && told.contains("device = \"cpu\""), "{told}");
    }
    if !nvrtc_is_here() {
        let told = compile().unwrap_err().to_string();
        assert!(told.contains("nvidia-cuda-nvrtc-cu12"), "{told}");
        eprintln!(
            "SKIPPED (optional): NVRTC is not here; pip install nvidia-cuda-nvrtc-cu12 and name its lib folder in LD_LIBRARY_PATH"
        );
        return;
    }
    let ptx = compile().unwrap_or_else(|e| panic!("{e}")).to_src();
    assert!(ptx.contains(LETTERBOX_KERNEL) && ptx.contains(".target sm_75"), "{ptx}");
}
