//! Y4M: uncompressed pictures in one file (`ffmpeg -i CLIP -pix_fmt yuv420p CLIP.y4m`). Read here and not by GStreamer, so
//! that a machine without it can still be given real pictures, and a benchmark need not pay for a decoder.
//!
//! The form, as `yuv4mpeg(5)` of mjpegtools describes it: one line `YUV4MPEG2 W1280 H720 F15:1 …`, then for every picture a
//! line `FRAME …` and its three planes. Only 4:2:0 with 8 bits is read. Next: [`super::raw_file`], which plays it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
    time::Duration,
};

use super::MediaError;
use crate::memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size};

/// How every such file begins.
const MAGIC: &[u8] = b"YUV4MPEG2 ";
/// A longer line is no header.
const LONGEST_LINE: u64 = 4096;
/// Pictures with more rows than standard definition has are in BT.709; the file itself does not say.
const MOST_ROWS_OF_SD: u32 = 576;
/// A picture whose file names no rate.
const USUAL_RATE: (u64, u64) = (25, 1);

/// An open file.
pub(super) struct Y4m {
    input: String,
    file: BufReader<File>,
    size: Size,
    range: ColorRange,
    /// Pictures in so many seconds.
    rate: (u64, u64),
    first: u64,
}

/// Whether the file is of this form. Files that cannot be read are not: whoever opens them says why.
pub fn is_y4m(path: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    path.is_file() && File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == MAGIC
}

impl Y4m {
    /// Reads the header; pictures of more than `max_pixels` are refused before memory is taken for one.
    pub(super) fn open(path: &Path, max_pixels: u64) -> Result<Self, MediaError> {
        let input = path.display().to_string();
        let file = File::open(path).map_err(|reason| MediaError::Unreadable { path: path.to_owned(), reason })?;
        let mut file = BufReader::new(file);
        let header = line(&mut file).map_err(|cause| damaged(&input, &cause.to_string()))?;
        let first = header.len() as u64 + 1;
        let (size, rate, range) = described(&input, &header)?;
        if size.area() > max_pixels {
            return Err(MediaError::TooLarge { input, w: size.w, h: size.h, max: max_pixels });
        }
        Ok(Self { input, file, size, range, rate, first })
    }

    /// The next picture; `None` at the end. A last picture that was cut short is an error.
    pub(super) fn next(&mut self) -> Result<Option<Pixels>, MediaError> {
        let at_end = self.file.fill_buf().map(<[u8]>::is_empty);
        if at_end.map_err(|cause| self.damaged(&cause.to_string()))? {
            return Ok(None);
        }
        let read = line(&mut self.file).and_then(|begin| {
            if begin.starts_with("FRAME") {
                self.planes()
            } else {
                Err(io::Error::other("a picture does not begin with FRAME"))
            }
        });
        let planes = read.map_err(|cause| self.damaged(&cause.to_string()))?;
        let matrix = if self.size.h > MOST_ROWS_OF_SD { ColorMatrix::Bt709 } else { ColorMatrix::Bt601 };
        let strides = [0, 1, 2].map(|plane| PixelFormat::I420.plane_extent(plane, self.size).0);
        Pixels::new(PixelFormat::I420, self.size, strides, matrix, self.range, Box::new(HostPlanes::from(planes)))
            .map(Some)
            .map_err(|cause| self.damaged(&cause.to_string()))
    }

    /// Begins again.
    pub(super) fn rewind(&mut self) -> Result<(), MediaError> {
        let back = self.file.seek(SeekFrom::Start(self.first));
        back.map(drop).map_err(|cause| self.damaged(&cause.to_string()))
    }

    /// When picture `sequence` is due, counted from the first.
    pub(super) fn position(&self, sequence: u64) -> Duration {
        let (pictures, seconds) = self.rate;
        let nanos = u128::from(sequence) * u128::from(seconds) * 1_000_000_000 / u128::from(pictures);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// What is wrong with this file, as an error that names it.
    pub(super) fn damaged(&self, why: &str) -> MediaError {
        damaged(&self.input, why)
    }

    fn planes(&mut self) -> io::Result<[Vec<u8>; 3]> {
        let mut planes: [Vec<u8>; 3] = Default::default();
        for (index, plane) in planes.iter_mut().enumerate() {
            let (row, rows) = PixelFormat::I420.plane_extent(index, self.size);
            *plane = vec![0; row * rows];
            self.file.read_exact(plane).map_err(|_| io::Error::other("a picture is not whole"))?;
        }
        Ok(planes)
    }
}

/// One line without its end.
fn line(file: &mut impl BufRead) -> io::Result<String> {
    let mut read = Vec::new();
    file.take(LONGEST_LINE).read_until(b'\n', &mut read)?;
    if read.pop() != Some(b'\n') {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "a line does not end"));
    }
    String::from_utf8(read).map_err(io::Error::other)
}

/// Size, rate and range of a header; keys that do not matter here are passed over.
fn described(input: &str, header: &str) -> Result<(Size, (u64, u64), ColorRange), MediaError> {
    let wrong = |what: &str| damaged(input, &format!("its first line says {what}"));
    let (mut size, mut rate, mut range) = (Size::new(0, 0), USUAL_RATE, ColorRange::Limited);
    for word in header.split(' ').skip(1).filter(|word| !word.is_empty()) {
        let rest = word.get(1..).unwrap_or_default();
        match word.as_bytes()[0] {
            b'W' => size.w = rest.parse().map_err(|_| wrong(word))?,
            b'H' => size.h = rest.parse().map_err(|_| wrong(word))?,
            b'F' => rate = parsed(rest).ok_or_else(|| wrong(word))?,
            b'C' if !matches!(rest, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                return Err(MediaError::UnsupportedCodec {
                    input: input.to_owned(),
                    codec: format!("raw video {word} (of Y4M only 4:2:0 with 8 bits is read)"),
                });
            }
            b'X' if rest == "COLORRANGE=FULL" => range = ColorRange::Full,
            _ => {}
        }
    }
    if size.area() == 0 { Err(wrong("no size")) } else { Ok((size, rate, range)) }
}

/// `15:1`; `0:0` means unknown.
fn parsed(rate: &str) -> Option<(u64, u64)> {
    let (pictures, seconds) = rate.split_once(':')?;
    match (pictures.parse::<u32>().ok()?, seconds.parse::<u32>().ok()?) {
        (0, _) | (_, 0) => Some(USUAL_RATE),
        (pictures, seconds) => Some((pictures.into(), seconds.into())),
    }
}

fn damaged(input: &str, why: &str) -> MediaError {
    MediaError::Damaged { input: input.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
#[path = "y4m_tests.rs"]
mod tests;
