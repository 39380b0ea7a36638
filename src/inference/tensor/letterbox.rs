//! What the CUDA kernel `letterbox.cu` is told, worked out on the CPU: the same plan as [`Resizer`](super::Resizer) follows.
//! Plain numbers, so that tests can hand them to the same source compiled as C++. Next: `cuda`, which launches it.

use super::{Placement, TensorFormat, color::ToRgb, rows::FIXED};
use crate::{
    inference::manifest::Channels,
    memory::{PixelFormat, Pixels, Size},
};

/// The kernel's source, as committed.
pub const LETTERBOX_SOURCE: &str = include_str!("letterbox.cu");
/// The kernel's name in it.
pub const LETTERBOX_KERNEL: &str = "nv12_letterbox";
/// Options under which it says the same as the CPU.
pub const LETTERBOX_OPTIONS: [&str; 2] = ["--fmad=false", "--std=c++14"];

/// The kernel's last argument: four-byte fields only, laid out as in `letterbox.cu`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Letterbox {
    frame: [i32; 2],
    strides: [i32; 2],
    source: [i32; 4],
    target: [i32; 4],
    input: [i32; 2],
    bgr: i32,
    gray: i32,
    weights: [f32; 5],
    offset: [f32; 3],
    scale: [f32; 3],
    bias: [f32; 3],
    pad: f32,
}

impl Letterbox {
    /// The job of filling one item of `input` with the placed part of an NV12 picture, `pad` (0 to 255) around it. `None`
    /// for pictures of another format or without pixels, and for numbers beyond the kernel's 31 bits.
    pub fn new(pixels: &Pixels, placement: &Placement, format: &TensorFormat, pad: f32, input: Size) -> Option<Self> {
        if pixels.format() != PixelFormat::Nv12 || pixels.size().area() == 0 {
            return None;
        }
        let whole = |number: u32| i32::try_from(number).ok();
        let stride = |plane: usize| i32::try_from(pixels.plane(plane).1).ok();
        let (source, target) = (placement.source.within(pixels.size()), placement.target);
        let (color, finish) = (ToRgb::of(pixels, FIXED), format.finish());
        Some(Self {
            frame: [whole(pixels.size().w)?, whole(pixels.size().h)?],
            strides: [stride(0)?, stride(1)?],
            source: [whole(source.x)?, whole(source.y)?, whole(source.w)?, whole(source.h)?],
            target: [whole(target.x)?, whole(target.y)?, whole(target.w)?, whole(target.h)?],
            input: [whole(input.w)?, whole(input.h)?],
            bgr: i32::from(format.channels == Channels::Bgr),
            gray: i32::from(format.channels == Channels::Gray),
            weights: [color.y, color.rv, color.gu, color.gv, color.bu],
            offset: color.offset,
            scale: finish.scale,
            bias: finish.bias,
            pad,
        })
    }

    /// Floats of the item it fills.
    pub fn floats(&self) -> usize {
        let channels = if self.gray == 1 { 1 } else { 3 };
        channels * (self.input[0] * self.input[1]) as usize
    }

    /// Its bytes as the kernel reads them.
    pub fn bytes(&self) -> Vec<u8> {
        let ends = [self.bgr, self.gray];
        let whole = [&self.frame[..], &self.strides, &self.source, &self.target, &self.input, &ends].concat();
        let real = [&self.weights[..], &self.offset, &self.scale, &self.bias, &[self.pad]].concat();
        let whole = whole.into_iter().flat_map(i32::to_ne_bytes);
        whole.chain(real.into_iter().flat_map(f32::to_ne_bytes)).collect()
    }

    /// Width and height of the item it fills.
    #[cfg(feature = "cuda")]
    pub(super) fn input(&self) -> [u32; 2] {
        self.input.map(i32::unsigned_abs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{ColorMatrix, ColorRange, HostPlanes};

    #[test]
    fn its_bytes_are_its_memory_and_other_formats_are_refused() {
        let size = Size::new(4, 4);
        let planes = HostPlanes::from([vec![0; 16], vec![0; 8]]);
        let nv12 =
            Pixels::new(PixelFormat::Nv12, size, [4, 4, 0], ColorMatrix::Bt709, ColorRange::Full, Box::new(planes))
                .unwrap();
        let placed = Placement::letterbox(size, Size::new(8, 8), super::super::Anchor::TopLeft);
        let format = TensorFormat::raw(Channels::Rgb);
        let job = Letterbox::new(&nv12, &placed, &format, 0.0, Size::new(8, 8)).unwrap();
        assert_eq!((job.bytes().len(), job.floats()), (size_of::<Letterbox>(), 192));
        let rgb = Pixels::rgb(size, vec![0; 48]).unwrap();
        assert_eq!(Letterbox::new(&rgb, &placed, &format, 0.0, Size::new(8, 8)), None);
    }
}
