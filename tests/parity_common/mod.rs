//! What the parity tests share: golden cases, their pictures, and the figures they report.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![allow(unreachable_pub, reason = "a module of each test, not a library")]
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::print_stderr, reason = "a skipped test says so, and measured figures are for people")]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use flyball::{
    inference::{
        heads::Supply,
        manifest::{Model, Variant},
        ort::OrtBackend,
    },
    memory::{ColorMatrix, ColorRange, HostPlanes, PixelFormat, Pixels, Size, read_photo},
    scene::{BBox, FaceObservation, Point},
};
use serde_json::Value;

/// The cases of `tests/golden/<model>.json`, or `None` with a word.
pub fn golden(root: &Path, model: &str) -> Option<Vec<Value>> {
    let path = root.join(format!("tests/golden/{model}.json"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not here", path.display());
        return None;
    };
    let golden: Value = serde_json::from_str(&text).unwrap();
    Some(golden["cases"].as_array().unwrap().clone())
}

/// Pictures by file name, read once a process: decoding them takes longer than looking at them.
static READ: Mutex<BTreeMap<String, Option<Arc<Pixels>>>> = Mutex::new(BTreeMap::new());

/// The picture of a case: the photo, or the stored frame of a clip. `None` with a word where it is not fetched.
pub fn picture_of(root: &Path, case: &Value) -> Option<Arc<Pixels>> {
    let picture = &case["picture"];
    let file = picture["pixels"]["file"].as_str().or(picture["file"].as_str())?;
    picture_at(root, file)
}

/// Any picture below the repository. `None` with a word where it is not fetched.
pub fn picture_at(root: &Path, file: &str) -> Option<Arc<Pixels>> {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = read.entry(file.to_owned()).or_insert_with(|| {
        let picture = read_photo(&root.join(file));
        if let Err(problem) = &picture {
            eprintln!("SKIPPED: {problem} (run `make setup`)");
        }
        picture.ok().map(Arc::new)
    });
    slot.clone()
}

/// Numbers of a JSON list.
pub fn numbers(list: &Value) -> Vec<f32> {
    list.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// A face as golden files write it.
pub fn face(said: &Value) -> FaceObservation {
    let b = numbers(&said["box"]);
    let points = said["points"].as_array().map(|points| {
        let list: Vec<Point> = points.iter().map(numbers).map(|p| Point::new(p[0], p[1])).collect();
        list.try_into().unwrap()
    });
    FaceObservation::detected(BBox::new(b[0], b[1], b[2], b[3]), points, said["score"].as_f64().unwrap() as f32)
}

/// A session of one variant.
pub fn supply(backend: &OrtBackend, model: &Model, variant: &Variant) -> Supply {
    let session = backend.open_session(model, variant).unwrap();
    Supply::own(&model.manifest, variant, Box::new(session))
}

/// Cosine of the angle between two vectors.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()) as f32
}

/// The picture without its last row or column where their number is odd.
pub fn even(rgb: &Pixels) -> Pixels {
    let size = Size::new(rgb.size().w & !1, rgb.size().h & !1);
    let (bytes, stride) = rgb.plane(0);
    let rows = bytes.chunks(stride).take(size.h as usize);
    Pixels::rgb(size, rows.flat_map(|row| &row[..size.w as usize * 3]).copied().collect()).unwrap()
}

/// The picture as a decoder would deliver it: NV12, BT.709, limited range, chroma the mean of four pixels.
pub fn as_nv12(rgb: &Pixels) -> Pixels {
    let Size { w, h } = rgb.size();
    let size = Size::new(w & !1, h & !1);
    let (bytes, stride) = rgb.plane(0);
    let at = |x: usize, y: usize| [0, 1, 2].map(|c| f32::from(bytes[y * stride + 3 * x + c]));
    let (wide, high) = (size.w as usize, size.h as usize);
    let weigh = |[r, g, b]: [f32; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let luma = (0..wide * high).map(|i| (16.5 + weigh(at(i % wide, i / wide)) * 219.0 / 255.0) as u8).collect();
    let mut chroma = Vec::with_capacity(wide * high / 2);
    for (y, x) in (0..high).step_by(2).flat_map(|y| (0..wide).step_by(2).map(move |x| (y, x))) {
        let four = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
        let mean = [0, 1, 2].map(|c| four.iter().map(|p| p[c]).sum::<f32>() / 4.0);
        let (r, b, y) = (mean[0], mean[2], weigh(mean));
        chroma.push((128.5 + (b - y) / 1.8556 * 224.0 / 255.0) as u8);
        chroma.push((128.5 + (r - y) / 1.5748 * 224.0 / 255.0) as u8);
    }
    let owner = Box::new(HostPlanes::from([luma, chroma]));
    Pixels::new(PixelFormat::Nv12, size, [wide, wide, 0], ColorMatrix::Bt709, ColorRange::Limited, owner).unwrap()
}
