//! A face on a frame brought to the size a network wants: aligned by its points, or its box grown and stretched.

use super::network::unfit;
use crate::{
    inference::{
        InferenceError,
        manifest::{Align, Fit, ModelManifest},
        tensor::{Border, Placement, Rect, Resizer, TensorFormat, warp},
    },
    memory::{Pixels, Size},
    scene::{FaceObservation, Landmarks5, Point},
    vision::{self, Affine},
};

/// How the faces for one network are cut out.
pub(super) struct FaceCrop {
    rule: Rule,
    format: TensorFormat,
    size: Size,
}

enum Rule {
    /// The template, and where it puts the first points of a face in crops of the present size.
    Points(Align, Vec<Point>),
    /// The box grown by this factor.
    Grown(f32),
}

/// Where a crop lies on its frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cut {
    /// Turned and scaled.
    Turned(Affine),
    /// Upright.
    Upright(Placement),
}

impl Cut {
    /// A position in the crop as a position on the frame.
    pub(super) fn point_to_frame(&self, p: Point) -> Point {
        match self {
            Self::Turned(map) => map.apply(p),
            Self::Upright(placed) => placed.point_to_frame(p),
        }
    }
}

impl FaceCrop {
    pub(super) fn new(manifest: &ModelManifest) -> Result<Self, InferenceError> {
        let input = &manifest.input;
        let rule = match (input.fit, &input.align, input.crop) {
            (Fit::Align, Some(align), _) => Rule::Points(align.clone(), Vec::new()),
            (Fit::Crop, _, Some(crop)) => Rule::Grown(crop.scale),
            (Fit::Stretch, ..) => Rule::Grown(1.0),
            _ => {
                return Err(unfit(manifest, "faces are fitted by `align`, `crop` or `stretch`: change [input] fit"));
            }
        };
        Ok(Self { rule, format: TensorFormat::of(input), size: Size::new(0, 0) })
    }

    /// Makes crops of this size from now on.
    pub(super) fn fit(&mut self, size: Size) {
        if self.size == size {
            return;
        }
        self.size = size;
        if let Rule::Points(align, targets) = &mut self.rule {
            targets.clear();
            targets.extend(align.targets(size.w as f32).into_iter().map(|[x, y]| Point::new(x, y)));
        }
    }

    /// Fills `item` with what lies behind the cut; black where there is none.
    pub(super) fn fill(&self, resizer: &mut Resizer, pixels: &Pixels, cut: Option<&Cut>, item: &mut [f32]) {
        match cut {
            Some(Cut::Turned(map)) => warp(pixels, map, Border::default(), &self.format, self.size, item),
            Some(Cut::Upright(placed)) => resizer.fill(pixels, placed, &self.format, 0.0, self.size, item),
            None => item.fill(0.0),
        }
    }

    /// Where to cut; `None` for a face that cannot be placed: no points where they are needed, a box without area, numbers
    /// that are not finite.
    pub(super) fn place(&self, pixels: &Pixels, face: &FaceObservation) -> Option<Cut> {
        match &self.rule {
            Rule::Points(_, targets) => aligned(face.landmarks.as_ref()?, targets).map(Cut::Turned),
            Rule::Grown(scale) => {
                let found = vision::scaled_crop(face.bbox, pixels.size(), f64::from(*scale))?;
                let source = Rect { x: found.x, y: found.y, w: found.size.w, h: found.size.h };
                Some(Cut::Upright(Placement::stretch(source, self.size)))
            }
        }
    }
}

/// The least-squares similarity from the face onto the template, turned round to lead from crop to frame. The error is
/// measured in the crop, as in the reference implementations.
fn aligned(points: &Landmarks5, targets: &[Point]) -> Option<Affine> {
    let points = &points[..targets.len().min(points.len())];
    Affine::similarity(points, targets).ok()?.inverse()
}
