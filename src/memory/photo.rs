//! Photos as pictures: enrolment and tests read JPEG and PNG files here, turned upright as their EXIF notes say.

use std::{
    io::{self, Cursor},
    path::Path,
};

use image::{DynamicImage, ImageDecoder, ImageReader, metadata::Orientation};

use super::{Pixels, Size};

/// Why a photo cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// Its bytes are no picture.
    #[error("photo {name} is no picture, or is damaged ({problem}): use a JPEG or PNG file")]
    NotAPicture {
        /// Which photo.
        name: String,
        /// The decoder's own words.
        problem: String,
    },
    /// Its bytes cannot be had.
    #[error("photo {name} cannot be read: {cause}: check the path")]
    Unreadable {
        /// Which photo.
        name: String,
        /// The system's own words.
        cause: io::Error,
    },
}

/// Reads a photo file as RGB, upright.
pub fn read_photo(path: &Path) -> Result<Pixels, PhotoError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|cause| PhotoError::Unreadable { name: name.clone(), cause })?;
    decode_photo(&name, &bytes)
}

/// Reads a photo's bytes as RGB, upright; `name` is for the error.
pub fn decode_photo(name: &str, bytes: &[u8]) -> Result<Pixels, PhotoError> {
    let wrong = |problem: &dyn ToString| PhotoError::NotAPicture { name: name.to_owned(), problem: clause(problem) };
    let picture = decode(bytes).map_err(|problem| wrong(&problem))?.into_rgb8();
    let size = Size::new(picture.width(), picture.height());
    Pixels::rgb(size, picture.into_raw()).map_err(|problem| wrong(&problem))
}

/// Decoders speak in several lines and full stops; ours is one clause.
fn clause(problem: &dyn ToString) -> String {
    problem.to_string().lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

fn decode(bytes: &[u8]) -> image::ImageResult<DynamicImage> {
    let mut decoder = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?.into_decoder()?;
    // a broken note about orientation is no reason to refuse the picture
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_comes_back_pixel_for_pixel_and_nonsense_is_refused_by_name() {
        let mut bytes = Vec::new();
        let picture = image::RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        picture.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
        let read = decode_photo("test", &bytes).unwrap();
        assert_eq!((read.size(), read.plane(0).0), (Size::new(3, 2), &picture.as_raw()[..]));
        let refused = decode_photo("enrol/bob.jpg", b"not a picture").unwrap_err();
        assert!(refused.to_string().starts_with("photo enrol/bob.jpg is no picture"), "{refused}");
    }
}
