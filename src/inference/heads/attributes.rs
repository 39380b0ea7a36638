//! Age and gender.

use super::{Sight, faces::Faces, network::unfit, supply::Supply};
use crate::{
    inference::{
        InferenceError, Outputs,
        decode::{self, DecodeError},
        manifest::{Expectation, ModelManifest, Output, Softmax},
    },
    scene::Finding,
};

/// The class whose probability answers a gender model's question.
const FEMALE: &str = "female";
/// How far from the mean a probability still speaks for it, in the unit of the values (years): the accuracy to expect of
/// such networks on footage of their kind.
const NEAR: f32 = 8.0;

/// Answers one question about faces with one number each.
pub struct AttributeModel {
    faces: Faces,
    question: Question,
    scratch: Vec<f32>,
}

enum Question {
    /// Years.
    Mean(Expectation),
    /// Probability of the class with this index.
    Class(Softmax, usize),
}

impl AttributeModel {
    /// A model from its manifest and its sessions: an age model (decoder `expectation`) or
    /// a gender model (decoder `softmax` with a class `female`).
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let question = match &manifest.output {
            Output::Expectation(said) => Question::Mean(said.clone()),
            Output::Softmax(said) => Question::Class(said.clone(), female(manifest, said)?),
            other => return Err(unfit(manifest, &decode::unfit(other, "an attribute"))),
        };
        Ok(Self { faces: Faces::new(manifest, supply)?, question, scratch: Vec::new() })
    }

    /// Years, or the probability of "female", for each face in order. `Unsure` for a face that cannot be cut out or for
    /// which the network answers nonsense. The confidence is the probability within 8 years of the mean, or the likelier
    /// class's probability. Overwrites `answers`.
    pub fn answer(&mut self, faces: &[Sight], answers: &mut Vec<Finding<f32>>) -> Result<(), InferenceError> {
        let Self { faces: network, question, scratch } = self;
        answers.clear();
        network.each(faces, |answer| {
            let read = question.read(answer.outputs, answer.at, scratch)?;
            let known = read.filter(|_| answer.cut.is_some());
            answers.push(known.map_or(Finding::Unsure, |(value, confidence)| Finding::Known { value, confidence }));
            Ok(())
        })
    }
}

impl Question {
    fn read(&self, outputs: &Outputs, at: usize, scratch: &mut Vec<f32>) -> Result<Option<(f32, f32)>, DecodeError> {
        match self {
            Self::Mean(said) => {
                let mean = decode::expectation(said, outputs, at, scratch)?;
                Ok(mean.map(|mean| (mean, support(mean, &said.values, scratch))))
            }
            Self::Class(said, class) => {
                let sound = decode::probabilities(said, outputs, at, scratch)?;
                let likeliest = scratch.iter().copied().fold(0.0, f32::max);
                Ok(sound.then(|| (scratch[*class], likeliest)))
            }
        }
    }
}

/// How much probability lies near the mean.
fn support(mean: f32, values: &[f32], chances: &[f32]) -> f32 {
    let near = values.iter().zip(chances).filter(|(value, _)| (*value - mean).abs() <= NEAR);
    near.map(|(_, p)| p).sum::<f32>().min(1.0)
}

fn female(manifest: &ModelManifest, said: &Softmax) -> Result<usize, InferenceError> {
    let found = said.classes.iter().position(|class| class == FEMALE);
    found.ok_or_else(|| unfit(manifest, "a gender model needs a class `female` under [output] classes"))
}
