//! Which outputs a file must have so that its decoder can read them: names, and shapes as far as the manifest fixes them.
//! A model file whose outputs differ is refused when it is loaded, not when the first face comes out wrong.

use std::fmt;

use super::{Bins, Centerface, Output, OutputNames, Retinaface, Scrfd, Ultraface, Yolov8, Yunet};
use crate::scene::Size;

/// One dimension of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// The batch: free, or 1.
    Batch,
    /// Exactly this many.
    Is(usize),
    /// The decoder does not care.
    Any,
}

/// One output a file must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedOutput {
    /// Its name.
    pub name: String,
    /// Its dimensions, batch first.
    pub dims: Vec<Dim>,
}

impl ExpectedOutput {
    /// An output `[n, dims…]`.
    fn new(name: impl Into<String>, dims: &[Dim]) -> Self {
        let dims = std::iter::once(Dim::Batch).chain(dims.iter().copied()).collect();
        Self { name: name.into(), dims }
    }

    /// Whether a shape of a run or of a file fits. A negative number stands for a dimension the file leaves open.
    pub fn fits(&self, shape: &[i64]) -> bool {
        let fits = |(dim, &found): (&Dim, &i64)| match dim {
            Dim::Is(wanted) => found < 0 || usize::try_from(found) == Ok(*wanted),
            Dim::Batch | Dim::Any => true,
        };
        self.dims.len() == shape.len() && self.dims.iter().zip(shape).all(fits)
    }

    /// Its shape in words, such as `[n, 128]`.
    pub fn shape(&self) -> String {
        let words: Vec<String> = self.dims.iter().map(ToString::to_string).collect();
        format!("[{}]", words.join(", "))
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch => f.write_str("n"),
            Self::Is(n) => write!(f, "{n}"),
            Self::Any => f.write_str("any"),
        }
    }
}

impl Output {
    /// The outputs a file must have for an input of `size` pixels, in no particular order.
    pub fn expected(&self, size: Size) -> Vec<ExpectedOutput> {
        match self {
            Self::Yunet(head) => yunet(head, size),
            Self::Centerface(head) => centerface(head, size),
            Self::Ultraface(head) => ultraface(head),
            Self::Yolov8(head) => yolov8(head),
            Self::Scrfd(head) => scrfd(head, size),
            Self::Retinaface(head) => retinaface(head, size),
            Self::Embedding(head) => vec![ExpectedOutput::new(&head.name, &[Dim::Is(head.dims)])],
            Self::Softmax(head) => vec![ExpectedOutput::new(&head.name, &[Dim::Is(head.classes.len())])],
            Self::Expectation(head) => vec![ExpectedOutput::new(&head.name, &[Dim::Is(head.values.len())])],
            Self::Points(head) => vec![ExpectedOutput::new(&head.name, &[Dim::Is(2 * head.count)])],
            Self::Bins(head) => bins(head),
        }
    }

    /// Pixels that an input's sides must be multiples of; 1 where any size does.
    pub fn granularity(&self) -> u32 {
        let coarsest = |strides: &[u32]| strides.iter().copied().max().unwrap_or(1).max(1);
        match self {
            Self::Yunet(head) => coarsest(&head.strides),
            Self::Scrfd(head) => coarsest(&head.strides),
            Self::Retinaface(head) => coarsest(&head.strides),
            Self::Centerface(_) | Self::Yolov8(_) => 32, // the depth of both backbones
            _ => 1,
        }
    }

    /// Whether boxes come out: the input is then a whole picture.
    pub fn is_detector(&self) -> bool {
        use Output::{Centerface, Retinaface, Scrfd, Ultraface, Yolov8, Yunet};
        matches!(self, Yunet(_) | Centerface(_) | Ultraface(_) | Yolov8(_) | Scrfd(_) | Retinaface(_))
    }
}

/// Cells of a grid over `size` with `stride` pixels a cell; the last cell may be partly outside.
fn cells(size: Size, stride: u32) -> usize {
    let stride = stride.max(1);
    (size.w.div_ceil(stride) * size.h.div_ceil(stride)) as usize
}

/// One output a stride, with `values` numbers for each of `anchors` a cell.
fn per_stride(names: &OutputNames, strides: &[u32], size: Size, anchors: usize, values: usize) -> Vec<ExpectedOutput> {
    let output = |(index, &stride): (usize, &u32)| {
        let rows = Dim::Is(cells(size, stride) * anchors);
        ExpectedOutput::new(names.name(index, stride), &[rows, Dim::Is(values)])
    };
    strides.iter().enumerate().map(output).collect()
}

fn yunet(head: &Yunet, size: Size) -> Vec<ExpectedOutput> {
    [(&head.cls, 1), (&head.obj, 1), (&head.bbox, 4), (&head.kps, 10)]
        .into_iter()
        .flat_map(|(names, values)| per_stride(names, &head.strides, size, 1, values))
        .collect()
}

fn centerface(head: &Centerface, size: Size) -> Vec<ExpectedOutput> {
    let rows = Dim::Is(size.h.div_ceil(head.stride.max(1)) as usize);
    let columns = Dim::Is(size.w.div_ceil(head.stride.max(1)) as usize);
    [(&head.heatmap, 1), (&head.scale, 2), (&head.offset, 2), (&head.landmarks, 10)]
        .into_iter()
        .map(|(name, planes)| ExpectedOutput::new(name, &[Dim::Is(planes), rows, columns]))
        .collect()
}

fn ultraface(head: &Ultraface) -> Vec<ExpectedOutput> {
    vec![
        ExpectedOutput::new(&head.scores, &[Dim::Any, Dim::Is(2)]),
        ExpectedOutput::new(&head.boxes, &[Dim::Any, Dim::Is(4)]),
    ]
}

fn yolov8(head: &Yolov8) -> Vec<ExpectedOutput> {
    let rows = 4 + head.classes.len() + head.points * head.point_values;
    vec![ExpectedOutput::new(&head.name, &[Dim::Is(rows), Dim::Any])]
}

fn scrfd(head: &Scrfd, size: Size) -> Vec<ExpectedOutput> {
    [(Some(&head.scores), 1), (Some(&head.bbox), 4), (head.kps.as_ref(), 10)]
        .into_iter()
        .filter_map(|(names, values)| Some((names?, values)))
        .flat_map(|(names, values)| per_stride(names, &head.strides, size, head.anchors, values))
        .collect()
}

fn retinaface(head: &Retinaface, size: Size) -> Vec<ExpectedOutput> {
    let grids = head.strides.iter().zip(&head.min_sizes);
    let priors = Dim::Is(grids.map(|(&stride, sides)| cells(size, stride) * sides.len()).sum());
    [(Some(&head.boxes), 4), (Some(&head.scores), 2), (head.landmarks.as_ref(), 10)]
        .into_iter()
        .filter_map(|(name, values)| Some(ExpectedOutput::new(name?, &[priors, Dim::Is(values)])))
        .collect()
}

fn bins(head: &Bins) -> Vec<ExpectedOutput> {
    let angle = |name| ExpectedOutput::new(name, &[Dim::Is(head.bins)]);
    vec![angle(&head.yaw), angle(&head.pitch), angle(&head.roll)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_length_of_embedding_does_not_fit() {
        let wanted = ExpectedOutput::new("output", &[Dim::Is(128)]);
        assert!(wanted.fits(&[-1, 128]) && wanted.fits(&[4, -1]));
        assert!(!wanted.fits(&[-1, 512]) && !wanted.fits(&[-1, 128, 1]));
        assert_eq!(wanted.shape(), "[n, 128]");
    }
}
