//! What a person who writes a manifest would notice: where a problem is, what it says, and what spaces variants live in.

use super::ModelManifest;

const GOOD: &str = r#"
name = "toy"
role = "recognize"
summary = "a toy"

[input]
name = "input"
layout = "nchw"
channels = "rgb"
size = [112, 112]
mean = 127.5
scale = [0.0078125, 0.0078125, 0.0078125]
fit = "align"

[input.align]
template = "arcface5"

[output]
decoder = "embedding"
name = "output"
dims = 8
metric = "cosine"
space = "toy"

[output.thresholds]
known = 0.4
margin = 0.05

[[variant]]
id = "fp32"
precision = "fp32"
size = [112, 112]
file = "toy.onnx"

[[variant]]
id = "int8"
precision = "int8"
size = [112, 112]
file = "toy.int8.onnx"
"#;

fn problem_of(text: &str) -> String {
    let problems = ModelManifest::parse("toy.toml", text).unwrap_err();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn another_precision_is_another_space_until_declared_compatible() {
    let manifest = ModelManifest::parse("toy.toml", GOOD).unwrap();
    let int8 = manifest.variant("int8").unwrap();
    assert_eq!(manifest.space(int8).as_deref(), Some("toy/int8"));
    let declared = GOOD.replace("file = \"toy.int8.onnx\"", "file = \"a.onnx\"\ncompatible_with = [\"fp32\"]");
    let manifest = ModelManifest::parse("toy.toml", &declared).unwrap();
    let int8 = manifest.variant("int8").unwrap();
    assert_eq!(manifest.space(int8).as_deref(), Some("toy"));
}

#[test]
fn an_unknown_key_in_the_output_is_named_with_its_line() {
    let told = problem_of(&GOOD.replace("dims = 8", "dims = 8\ndimensions = 8"));
    assert!(told.starts_with("toy.toml:22:1: unknown field `dimensions`"), "{told}");
}

#[test]
fn a_wrong_value_is_told_with_line_column_and_hint() {
    let told = problem_of(&GOOD.replace("file = \"toy.int8.onnx\"", "file = \"../toy.onnx\""));
    assert_eq!(told, "toy.toml:39:1: file is not a plain file name; put the file next to model.toml");
}

#[test]
fn all_problems_come_at_once() {
    let text =
        GOOD.replace("template = \"arcface5\"", "template = \"dlib_eyes\"").replace("mean = 127.5", "mean = [1.0]");
    let told = problem_of(&text.replace("id = \"int8\"", "id = \"fp32\""));
    assert!(
        told.contains("mean has 1 numbers for 3 channels") && told.contains("two variants are called fp32"),
        "{told}"
    );
}
