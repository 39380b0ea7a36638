//! A picture as planes of bytes, whoever owns them: a decoder's buffer, a vector, a device download.

use std::fmt;

use super::{HostPlanes, Size};

/// How the planes are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Full-size luma, then one half-size plane of interleaved U and V.
    Nv12,
    /// Full-size luma, then half-size U, then half-size V.
    I420,
    /// One plane of packed R, G, B.
    Rgb,
}

/// How luma and chroma combine into RGB (ITU-R BT.601 / BT.709).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorMatrix {
    /// Standard definition, and what most cameras mean when they say nothing.
    #[default]
    Bt601,
    /// High definition.
    Bt709,
}

/// Whether luma uses 16..235 or 0..255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorRange {
    /// 16..235 luma, 16..240 chroma: video.
    #[default]
    Limited,
    /// 0..255: JPEG.
    Full,
}

/// Whoever holds the bytes. Implemented by mapped decoder buffers, so that no frame is copied to be read.
pub trait Planes: Send + Sync {
    /// The bytes of plane `index`; at least `stride * (rows - 1) + row bytes` long.
    fn plane(&self, index: usize) -> &[u8];
}

/// Why bytes do not form a picture.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("plane {plane} holds {found} bytes, but a {format:?} picture of {w}x{h} with stride {stride} needs {wanted}")]
pub struct PixelsError {
    plane: usize,
    found: usize,
    wanted: usize,
    format: PixelFormat,
    w: u32,
    h: u32,
    stride: usize,
}

/// A picture: format, size, strides, colour, and the owner of the bytes. Checked once here, so readers can trust it.
pub struct Pixels {
    format: PixelFormat,
    size: Size,
    strides: [usize; 3],
    matrix: ColorMatrix,
    range: ColorRange,
    planes: Box<dyn Planes>,
}

impl PixelFormat {
    /// Number of planes.
    pub const fn planes(self) -> usize {
        match self {
            Self::Nv12 => 2,
            Self::I420 => 3,
            Self::Rgb => 1,
        }
    }

    /// Bytes in a row and rows of one plane. Odd sizes round chroma up, as decoders do.
    pub const fn plane_extent(self, plane: usize, size: Size) -> (usize, usize) {
        let (w, h) = (size.w as usize, size.h as usize);
        let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
        match (self, plane) {
            (Self::Rgb, _) => (w * 3, h),
            (_, 0) => (w, h),
            (Self::Nv12, _) => (half_w * 2, half_h),
            (Self::I420, _) => (half_w, half_h),
        }
    }
}

impl Pixels {
    /// Wraps planes after checking that each is long enough for its rows.
    pub fn new(
        format: PixelFormat,
        size: Size,
        strides: [usize; 3],
        matrix: ColorMatrix,
        range: ColorRange,
        planes: Box<dyn Planes>,
    ) -> Result<Self, PixelsError> {
        for (plane, &stride) in strides.iter().enumerate().take(format.planes()) {
            let (row, rows) = format.plane_extent(plane, size);
            let wanted = stride * rows.saturating_sub(1) + row;
            let found = planes.plane(plane).len();
            if found < wanted || stride < row {
                return Err(PixelsError { plane, found, wanted, format, w: size.w, h: size.h, stride });
            }
        }
        Ok(Self { format, size, strides, matrix, range, planes })
    }

    /// An RGB picture from packed bytes (a decoded photo).
    pub fn rgb(size: Size, bytes: Vec<u8>) -> Result<Self, PixelsError> {
        let strides = [size.w as usize * 3, 0, 0];
        Self::new(
            PixelFormat::Rgb,
            size,
            strides,
            ColorMatrix::default(),
            ColorRange::Full,
            Box::new(HostPlanes::from([bytes])),
        )
    }

    /// Layout of the planes.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Size in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// How luma and chroma combine.
    pub fn matrix(&self) -> ColorMatrix {
        self.matrix
    }

    /// Value range of luma.
    pub fn range(&self) -> ColorRange {
        self.range
    }

    /// Bytes and stride of one plane.
    pub fn plane(&self, index: usize) -> (&[u8], usize) {
        (self.planes.plane(index), self.strides[index])
    }

    /// Bytes the picture occupies, padding included: what the ledger counts.
    pub fn bytes(&self) -> usize {
        (0..self.format.planes()).map(|p| self.strides[p] * self.format.plane_extent(p, self.size).1).sum()
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pixels({:?} {}x{})", self.format, self.size.w, self.size.h)
    }
}
