//! What a network wants to see: channel order, normalisation, and what lies outside the picture.

use crate::inference::manifest::{Channels, Input};

/// How pixel values become tensor values: `(value - mean) * scale`, on values 0 to 255, in the tensor's channel order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorFormat {
    /// Channels and their order.
    pub channels: Channels,
    /// Subtracted from each channel, in units of 0 to 255. Gray uses the first.
    pub mean: [f32; 3],
    /// Multiplies each channel after that. Gray uses the first.
    pub scale: [f32; 3],
}

/// What a crop sees beyond the edge of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Border {
    /// A grey of this value, 0 to 255; black is what OpenCV's `warpAffine` does when told nothing.
    Constant(f32),
    /// The nearest pixel of the frame.
    Replicate,
}

impl Default for Border {
    fn default() -> Self {
        Self::Constant(0.0)
    }
}

/// The normalisation as one multiply-add per channel, in the order red, green, blue (gray: first only).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Finish {
    pub(super) scale: [f32; 3],
    pub(super) bias: [f32; 3],
}

impl TensorFormat {
    /// Values 0 to 255 as they are.
    pub const fn raw(channels: Channels) -> Self {
        Self { channels, mean: [0.0; 3], scale: [1.0; 3] }
    }

    /// What a manifest's `[input]` asks for.
    pub fn of(input: &Input) -> Self {
        Self {
            channels: input.channels,
            mean: [0, 1, 2].map(|c| input.mean.of(c)),
            scale: [0, 1, 2].map(|c| input.scale.of(c)),
        }
    }

    /// The tensor's value for a pixel value, in channel `channel` of the tensor.
    pub fn value(&self, channel: usize, pixel: f32) -> f32 {
        (pixel - self.mean[channel]) * self.scale[channel]
    }

    /// The same as a multiply-add, reordered to red, green, blue.
    pub(super) fn finish(&self) -> Finish {
        let mut scale = self.scale;
        let mut bias = [0, 1, 2].map(|c| -self.mean[c] * self.scale[c]);
        if self.channels == Channels::Bgr {
            scale.swap(0, 2);
            bias.swap(0, 2);
        }
        Finish { scale, bias }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_multiply_add_says_the_same_as_the_definition() {
        let format = TensorFormat { channels: Channels::Bgr, mean: [10.0, 20.0, 30.0], scale: [0.5, 0.25, 0.125] };
        let finish = format.finish();
        for (rgb, tensor) in [(0, 2), (1, 1), (2, 0)] {
            let folded = 100.0 * finish.scale[rgb] + finish.bias[rgb];
            assert!((folded - format.value(tensor, 100.0)).abs() < 1e-4);
        }
    }
}
