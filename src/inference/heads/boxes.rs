//! What all networks that look at whole frames share: placing frames in the tensor, and boxes back on the frame.

use super::{
    network::{Network, unfit},
    supply::Supply,
};
use crate::{
    inference::{
        InferenceError,
        decode::{DetectorHead, Proposal},
        manifest::{Fit, ModelManifest},
        tensor::{Anchor, Placement, Rect, TensorFormat},
    },
    memory::{Pixels, Size},
};

/// A network that finds boxes on frames.
pub(super) struct Boxes {
    network: Network,
    head: DetectorHead,
    fit: Fit,
    format: TensorFormat,
    placed: Vec<Placement>,
    proposals: Vec<Proposal>,
}

impl Boxes {
    pub(super) fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let fit = manifest.input.fit;
        if matches!(fit, Fit::Align | Fit::Crop) {
            return Err(unfit(
                manifest,
                "a detector sees whole frames: use fit = \"letterbox_top_left\" or \"stretch\"",
            ));
        }
        Ok(Self {
            network: Network::new(manifest, supply),
            head: DetectorHead::new(&manifest.output).map_err(|problem| unfit(manifest, &problem))?,
            fit,
            format: TensorFormat::of(&manifest.input),
            placed: Vec::new(),
            proposals: Vec::new(),
        })
    }

    /// Looks at each frame; `each` gets the frame's index and what was found there, best first, in the frame's pixels.
    pub(super) fn look(
        &mut self,
        frames: &[&Pixels],
        mut each: impl FnMut(usize, Proposal),
    ) -> Result<(), InferenceError> {
        let mut done = 0;
        while done < frames.len() {
            done += self.some(done, &frames[done..], &mut each)?;
        }
        Ok(())
    }

    /// One turn; answers how many frames it has done. `first` is the number of the first.
    fn some(
        &mut self,
        first: usize,
        frames: &[&Pixels],
        each: &mut dyn FnMut(usize, Proposal),
    ) -> Result<usize, InferenceError> {
        let Self { network, head, fit, format, placed, proposals } = self;
        let turn = network.turn()?;
        let input = turn.rung.size;
        placed.clear();
        placed.extend(frames.iter().map(|frame| place(frame.size(), input, *fit)));
        let placed = &*placed;
        turn.each(
            frames.len(),
            |index, hand, item| hand.fill(frames[index], &placed[index], format, 0.0, input, item),
            |index, outputs, at| {
                head.read(outputs, at, input, proposals)?;
                for proposal in &*proposals {
                    each(first + index, on_frame(proposal, &placed[index]));
                }
                Ok(())
            },
        )
    }
}

fn place(frame: Size, input: Size, fit: Fit) -> Placement {
    match fit {
        Fit::LetterboxCenter => Placement::letterbox(frame, input, Anchor::Center),
        Fit::Stretch => Placement::stretch(Rect::whole(frame), input),
        _ => Placement::letterbox(frame, input, Anchor::TopLeft),
    }
}

fn on_frame(found: &Proposal, placed: &Placement) -> Proposal {
    Proposal {
        bbox: placed.box_to_frame(found.bbox),
        points: found.points.map(|points| points.map(|p| placed.point_to_frame(p))),
        ..*found
    }
}
