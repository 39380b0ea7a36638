//! Finding a network's outputs by the names its manifest gives, and checking that they hold what a decoder will read.

use crate::inference::{OutputTensor, Outputs, manifest::OutputNames};

/// Why an answer cannot be read: the manifest and the file do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No output of that name.
    #[error("the network has no output `{wanted}`, only {found}: correct the names under [output] in model.toml")]
    Missing {
        /// The name in the manifest.
        wanted: String,
        /// The names the network has.
        found: String,
    },
    /// The output is shorter or longer than the decoder's arithmetic asks for.
    #[error(
        "output `{name}` holds {found} numbers an item where the decoder reads {wanted}: check decoder and input size"
    )]
    Length {
        /// Which output.
        name: String,
        /// Numbers found.
        found: usize,
        /// Numbers wanted.
        wanted: usize,
    },
    /// The manifest names a decoder that does not belong to this kind of model.
    #[error("decoder `{decoder}` does not give {wanted}: choose another decoder under [output] in model.toml")]
    Unfit {
        /// The decoder named.
        decoder: String,
        /// What was asked of it.
        wanted: &'static str,
    },
}

/// The numbers of one item in the output called `name`, checked to be `wanted` many.
pub(super) fn numbers<'a>(
    outputs: &'a Outputs,
    name: &str,
    item: usize,
    wanted: usize,
) -> Result<&'a [f32], DecodeError> {
    let values = find(outputs, name)?.item(item);
    if values.len() == wanted {
        return Ok(values);
    }
    Err(DecodeError::Length { name: name.to_owned(), found: values.len(), wanted })
}

/// The output called `name`.
pub(super) fn find<'a>(outputs: &'a Outputs, name: &str) -> Result<&'a OutputTensor, DecodeError> {
    outputs.iter().find(|o| o.name == name).ok_or_else(|| DecodeError::Missing {
        wanted: name.to_owned(),
        found: outputs.iter().map(|o| format!("`{}`", o.name)).collect::<Vec<_>>().join(", "),
    })
}

/// One name for each stride; one that a short list lacks is reported when it is looked up.
pub(super) fn per_stride(names: &OutputNames, strides: &[u32]) -> Vec<String> {
    strides.iter().enumerate().map(|(at, &stride)| names.name(at, stride)).collect()
}
