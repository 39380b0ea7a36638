//! Reading a manifest, and the rules that types alone cannot hold. Every problem is collected, then reported together.

use std::{fs, path::Path};

use super::problem::Located;
use super::{Channels, Fit, ManifestProblem, ModelManifest, Output, PerChannel, Variant};

/// Hexadecimal digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

impl ModelManifest {
    /// Reads and checks `model.toml` at `path`.
    pub fn read(path: &Path) -> Result<Self, Vec<ManifestProblem>> {
        let file = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|why| vec![ManifestProblem::unreadable(&file, &why)])?;
        Self::parse(&file, &text)
    }

    /// Checks the text of a manifest; `file` is only for the problems.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<ManifestProblem>> {
        let located = Located::new(file, text);
        let manifest: Self = toml::from_str(text).map_err(|e| vec![located.parser(&e)])?;
        let mut rules = Rules { located, problems: Vec::new() };
        rules.input(&manifest);
        rules.output(&manifest.output);
        rules.variants(&manifest);
        if rules.problems.is_empty() { Ok(manifest) } else { Err(rules.problems) }
    }
}

struct Rules<'a> {
    located: Located<'a>,
    problems: Vec<ManifestProblem>,
}

impl Rules<'_> {
    fn require(&mut self, holds: bool, path: &[&str], message: impl Into<String>, hint: &str) {
        if !holds {
            self.problems.push(self.located.problem(path, message, hint));
        }
    }

    fn input(&mut self, manifest: &ModelManifest) {
        let input = &manifest.input;
        self.per_channel("mean", &input.mean, input.channels);
        self.per_channel("scale", &input.scale, input.channels);
        let divides = input.scale.given().iter().all(|s| s.abs() > 0.0);
        self.require(divides, &["input", "scale"], "a scale of 0 erases the picture", "write 1.0 for none");
        let (needs_align, needs_crop) = (input.fit == Fit::Align, input.fit == Fit::Crop);
        let aligned = !needs_align || input.align.is_some();
        self.require(aligned, &["input", "fit"], "fit = \"align\" needs an [input.align] table", ALIGN_HINT);
        let cropped = !needs_crop || input.crop.is_some_and(|c| c.scale.is_finite() && c.scale > 0.0);
        self.require(cropped, &["input", "fit"], "fit = \"crop\" needs [input.crop] with a scale above 0", CROP_HINT);
        let whole = !manifest.output.is_detector() || !(needs_align || needs_crop);
        self.require(whole, &["input", "fit"], "a detector sees the whole picture", FIT_HINT);
    }

    fn per_channel(&mut self, key: &str, given: &PerChannel, channels: Channels) {
        let numbers = given.given();
        let enough = matches!(given, PerChannel::All(_)) || numbers.len() >= channels.count();
        let message = format!("{key} has {} numbers for {} channels", numbers.len(), channels.count());
        self.require(enough, &["input", key], message, "write one number, or one a channel");
        let finite = numbers.iter().all(|n| n.is_finite());
        self.require(finite, &["input", key], format!("{key} is not a finite number"), "");
    }

    fn output(&mut self, output: &Output) {
        for (key, value) in thresholds(output) {
            let message = format!("{key} = {value} is outside 0 to 1");
            self.require((0.0..=1.0).contains(&value), &["output", key], message, "");
        }
        for expected in output.expected(crate::scene::Size::new(1, 1)) {
            let message = "an output has no name, or there are fewer names than strides";
            self.require(!expected.name.is_empty(), &["output"], message, "open the file with Netron to see its names");
        }
        if let Output::Softmax(head) = output {
            let inside = head.live_index.is_none_or(|index| index < head.classes.len());
            self.require(inside, &["output", "live_index"], "live_index is not one of the classes", "count from 0");
        }
        if let Output::Retinaface(head) = output {
            let even = head.strides.len() == head.min_sizes.len();
            self.require(even, &["output", "min_sizes"], "min_sizes needs one list for each stride", "");
        }
    }

    fn variants(&mut self, manifest: &ModelManifest) {
        let any = !manifest.variant.is_empty();
        self.require(any, &["variant"], "there is no [[variant]]", "add one with id, precision, size and file");
        for (index, variant) in manifest.variant.iter().enumerate() {
            let earlier = &manifest.variant[..index];
            self.variant(&index.to_string(), variant, earlier, manifest);
        }
    }

    fn variant(&mut self, index: &str, variant: &Variant, earlier: &[Variant], manifest: &ModelManifest) {
        let key = |name| ["variant", index, name];
        let unique = earlier.iter().all(|v| v.id != variant.id);
        self.require(unique, &key("id"), format!("two variants are called {}", variant.id), "");
        let plain = !variant.file.is_empty() && !variant.file.contains(['/', '\\']) && variant.file != "..";
        self.require(plain, &key("file"), "file is not a plain file name", "put the file next to model.toml");
        let digits = variant.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let whole = variant.sha256.is_empty() || (digits && variant.sha256.len() == SHA256_DIGITS);
        self.require(
            whole,
            &key("sha256"),
            "sha256 is not 64 lower-case hexadecimal digits",
            "run sha256sum on the file",
        );
        let quality = (0.0..=1.0).contains(&variant.quality);
        self.require(quality, &key("quality"), "quality is outside 0 to 1", "1.0 is the model's best");
        let step = manifest.output.granularity();
        let size = variant.size;
        let even = size.area() > 0 && size.w.is_multiple_of(step) && size.h.is_multiple_of(step);
        let message = format!("{}x{} is not a multiple of {step} pixels, or empty", size.w, size.h);
        self.require(even, &key("size"), message, "the network's coarsest cells would be cut");
        for other in &variant.compatible_with {
            let known = manifest.variant(other).is_some();
            self.require(known, &key("compatible_with"), format!("there is no variant {other}"), "");
        }
    }
}

const ALIGN_HINT: &str = "add template = \"arcface5\" or \"dlib_eyes\"";
const CROP_HINT: &str = "1.0 keeps the bare face box";
const FIT_HINT: &str = "use letterbox_top_left, letterbox_center or stretch";

/// The limits in an output table that must lie in 0 to 1.
fn thresholds(output: &Output) -> Vec<(&'static str, f32)> {
    let both = |score, iou| vec![("score_threshold", score), ("nms_iou", iou)];
    match output {
        Output::Yunet(head) => both(head.score_threshold, head.nms_iou),
        Output::Centerface(head) => both(head.score_threshold, head.nms_iou),
        Output::Ultraface(head) => both(head.score_threshold, head.nms_iou),
        Output::Yolov8(head) => both(head.score_threshold, head.nms_iou),
        Output::Scrfd(head) => both(head.score_threshold, head.nms_iou),
        Output::Retinaface(head) => both(head.score_threshold, head.nms_iou),
        _ => Vec::new(),
    }
}
