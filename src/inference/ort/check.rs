//! Is the network in the file the one its manifest describes? Names, types and shapes as the file declares them, then one
//! run on a gray picture for what only a run can show.

use ort::{
    session::Session as Graph,
    value::{Outlet, TensorElementType},
};

use crate::inference::{
    Batch, Outputs, Session,
    manifest::{Dim, ExpectedOutput, ModelManifest, Variant},
};

use super::OrtSession;

/// Rank of every input: batch, channels, height, width.
const RANK: usize = 4;

/// What the file declares, held against the manifest. The error is a sentence that follows the file's name.
pub(super) fn declarations(graph: &Graph, manifest: &ModelManifest, variant: &Variant) -> Result<(), String> {
    let [input] = graph.inputs() else {
        let names = names(graph.inputs());
        return Err(format!("has inputs {names}, expected one called {}", manifest.input.name));
    };
    check_input(input, manifest, variant)?;
    for expected in manifest.output.expected(variant.size) {
        check_output(graph.outputs(), &expected, variant)?;
    }
    Ok(())
}

/// Runs a gray picture and holds the shapes against the manifest.
pub(super) fn trial(session: &mut OrtSession, manifest: &ModelManifest, variant: &Variant) -> Result<(), String> {
    let mut batch = Batch::default();
    batch.reshape(manifest.input.shape(1, variant.size));
    let mut outputs = Outputs::new();
    session.run(&batch, &mut outputs).map_err(|e| format!("fails on a flat picture: {e}"))?;
    for expected in manifest.output.expected(variant.size) {
        let found = outputs.iter().find(|o| o.name == expected.name);
        let shape: Vec<i64> = found.map(|o| o.shape.iter().map(|&d| d as i64).collect()).unwrap_or_default();
        if !expected.fits(&shape) || shape.first() != Some(&1) {
            let (name, wanted) = (&expected.name, expected.shape());
            return Err(format!("gives output {name} as {shape:?} for one picture, expected {wanted} with n = 1"));
        }
    }
    Ok(())
}

fn check_input(input: &Outlet, manifest: &ModelManifest, variant: &Variant) -> Result<(), String> {
    let wanted = manifest.input.shape(1, variant.size).map(|d| d as i64);
    if input.name() != manifest.input.name {
        return Err(format!("calls its input {}, expected {}", input.name(), manifest.input.name));
    }
    let Some(shape) = floats(input) else {
        return Err(format!("takes {}, expected 32-bit floats", input.dtype()));
    };
    let [_, c, h, w] = wanted;
    let expected =
        format!("expected [n, {c}, {h}, {w}]: correct `size` in model.toml, or fetch the right file with `make setup`");
    if shape.len() != RANK || shape.iter().zip(&wanted).skip(1).any(|(&found, &want)| found >= 0 && found != want) {
        return Err(format!("takes {}, {expected}", words(shape)));
    }
    if shape[1] < 0 {
        return Err(format!("leaves its channels open: takes {}, {expected}", words(shape)));
    }
    check_batch(shape[0], variant).map_err(|problem| format!("takes {}: {problem}", words(shape)))
}

fn check_output(outputs: &[Outlet], expected: &ExpectedOutput, variant: &Variant) -> Result<(), String> {
    let (name, wanted) = (&expected.name, expected.shape());
    let Some(output) = outputs.iter().find(|o| o.name() == expected.name) else {
        return Err(format!("has outputs {}, expected {name} {wanted} among them", names(outputs)));
    };
    let Some(shape) = floats(output) else {
        return Err(format!("gives output {name} as {}, expected 32-bit floats", output.dtype()));
    };
    if shape.is_empty() || !expected.fits(shape) {
        return Err(format!("gives output {name} as {}, expected {wanted}", words(shape)));
    }
    let one_number = expected.dims.len() == 2 && matches!(expected.dims[1], Dim::Is(_));
    if one_number && shape[1] < 0 {
        return Err(format!("leaves the length of output {name} open, expected {wanted}"));
    }
    if shape[0] > 1 || (variant.dynamic_batch && shape[0] == 1) {
        return Err(format!("fixes the batch of output {name} at {}, expected it open", shape[0]));
    }
    Ok(())
}

fn check_batch(found: i64, variant: &Variant) -> Result<(), &'static str> {
    match (variant.dynamic_batch, found) {
        // An open batch may be run one by one all the same: some int8 networks scale by the whole batch, so that a face's
        // result would depend on its neighbours.
        (true, -1) | (false, -1 | 1) => Ok(()),
        (true, _) => Err("its batch is fixed, but model.toml says dynamic_batch = true"),
        (false, _) => Err("its batch is fixed, expected 1"),
    }
}

/// Dimensions of a float tensor; open ones are -1. `None` for anything else.
fn floats(outlet: &Outlet) -> Option<&[i64]> {
    let is_float = outlet.dtype().tensor_type() == Some(TensorElementType::Float32);
    outlet.dtype().tensor_shape().filter(|_| is_float).map(|shape| &**shape)
}

fn words(shape: &[i64]) -> String {
    let words: Vec<String> = shape.iter().map(|&d| if d < 0 { "open".into() } else { d.to_string() }).collect();
    format!("[{}]", words.join(", "))
}

fn names(outlets: &[Outlet]) -> String {
    let names: Vec<&str> = outlets.iter().map(Outlet::name).collect();
    names.join(", ")
}
