//! No whole frame is copied between decoder and tensor: the decoder's own bytes are what the tensor is filled from. Alone in
//! its program, because it counts.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, reason = "a failed preparation fails the test")]

mod media_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use flyball::inference::manifest::Channels;
use flyball::inference::tensor::{Anchor, Placement, Resizer, TensorFormat};
use flyball::media::{SampleCamera, Transport, decode_file};
use flyball::memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size, frame_copies};
use media_support::{MOVING, Running, h264_clip, make_clip, raw, rtsp};

thread_local! { static LARGEST: Cell<usize> = const { Cell::new(0) }; }

/// The system's allocator, which remembers the largest piece this thread has asked for.
struct Remembering;

#[allow(unsafe_code, reason = "an allocator is unsafe by nature; this one passes everything on")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Remembering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _at_exit = LARGEST.try_with(|largest| largest.set(largest.get().max(layout.size())));
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: idem.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Remembering = Remembering;

/// Fills a tensor from a frame; the largest piece of memory that was asked for meanwhile.
fn largest_while_filling(pixels: &Pixels, resizer: &mut Resizer, item: &mut [f32]) -> usize {
    let (size, input) = (pixels.size(), Size::new(640, 384));
    let format = TensorFormat { channels: Channels::Rgb, mean: [0.0; 3], scale: [1.0; 3] };
    LARGEST.set(0);
    resizer.fill(pixels, &Placement::letterbox(size, input, Anchor::Center), &format, 0.0, input, item);
    LARGEST.get()
}

#[test]
fn nv12_and_i420_reach_the_tensor_as_the_decoder_left_them() {
    let folder = tempfile::tempdir().unwrap();
    let clip = |name: &str, format: &str, encoder: &str| {
        make_clip(folder.path(), name, &format!("{} ! {encoder}", raw(format, 1280, 720)))
    };
    let kinds = [
        (clip("h264.mp4", "I420", "x264enc bframes=2 ! h264parse ! mp4mux"), PixelFormat::I420),
        (clip("h265.mp4", "I420", "x265enc ! h265parse ! mp4mux"), PixelFormat::I420),
        (clip("vp8.webm", "I420", "vp8enc ! webmmux"), PixelFormat::I420),
        (clip("raw.mkv", "I420", "matroskamux"), PixelFormat::I420),
    ];
    let (mut resizer, mut item) = (Resizer::default(), vec![0.0; 3 * 640 * 384]);
    for (clip, format) in kinds {
        let before = frame_copies();
        let mut frames = 0;
        decode_file(&clip, |frame| {
            assert_eq!(frame.pixels.format(), format, "{}", clip.display());
            let largest = largest_while_filling(&frame.pixels, &mut resizer, &mut item);
            assert!(largest < 1280 * 720 / 4, "{}: a piece of {largest} bytes", clip.display());
            frames += 1;
        })
        .unwrap();
        assert_eq!((frames, frame_copies() - before), (6, 0), "{}", clip.display());
    }
    nv12_is_read_in_place(&mut resizer, &mut item);
    over_the_network();
    what_must_be_converted_is_counted(&folder);
}

/// No software decoder here makes NV12: what a GPU's would hand over is filled from memory of the same shape.
fn nv12_is_read_in_place(resizer: &mut Resizer, item: &mut [f32]) {
    let planes = HostPlanes::from([vec![90; 1280 * 720], vec![128; 1280 * 360]]);
    let (matrix, range) = (ColorMatrix::Bt709, ColorRange::Limited);
    let strides = [1280, 1280, 0];
    let pixels =
        Pixels::new(PixelFormat::Nv12, Size::new(1280, 720), strides, matrix, range, Box::new(planes)).unwrap();
    assert!(largest_while_filling(&pixels, resizer, item) < 1280 * 720 / 4);
}

fn over_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let clip = h264_clip(folder.path(), "clip.mp4", 30, "tune=zerolatency key-int-max=10");
    let server = SampleCamera::new(&clip).start().unwrap();
    let before = frame_copies();
    let camera = Running::start(rtsp("gate", &server.url(), Transport::Tcp));
    camera.ears.wait_for_frames(40);
    camera.stop();
    assert_eq!(frame_copies() - before, 0);
}

/// The counter counts: 4:4:4 has to be converted, each picture of it.
fn what_must_be_converted_is_counted(folder: &tempfile::TempDir) {
    let line = format!(
        "videotestsrc num-buffers=6 {MOVING} ! video/x-raw,format=Y444,width=320,height=240 ! x264enc ! h264parse ! mp4mux"
    );
    let clip = make_clip(folder.path(), "444.mp4", &line);
    let before = frame_copies();
    decode_file(&clip, drop).unwrap();
    assert_eq!(frame_copies() - before, 6);
}
