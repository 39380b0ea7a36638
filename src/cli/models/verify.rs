//! `flyball models verify`: is every file what its manifest claims? Terms, length, checksum, declared and real shapes,
//! finite outputs, and the agreement with golden outputs of the Python reference, each variant against its declared tolerance.

use std::{io::Write, path::Path};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{EXIT_PROBLEMS, ModelsError, RuntimeArgs, golden};
use crate::inference::{
    Backend, InferenceError,
    manifest::{Catalogue, Model, Variant},
};

/// What to verify.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// Only these models; otherwise all that are fetched.
    #[arg(value_name = "MODEL")]
    pub only: Vec<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
    /// The runtime.
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

/// One variant's verdict.
#[derive(Serialize)]
struct Verdict {
    name: String,
    variant: String,
    ok: bool,
    /// Not fetched at all, and not asked for by name.
    skipped: bool,
    /// What was wrong, and what to try.
    error: Option<String>,
    /// What was measured.
    note: Option<String>,
}

pub(super) fn run(
    args: &VerifyArgs,
    catalogue: &Catalogue,
    root: &Path,
    out: &mut dyn Write,
) -> Result<u8, ModelsError> {
    let models = chosen(catalogue, &args.only)?;
    let backend = args.runtime.backend();
    let (mut verdicts, mut pictures) = (Vec::new(), golden::Pictures::new(root));
    let bar = bar(models.iter().map(|m| m.manifest.variant.len()).sum());
    for model in models {
        let optional = args.only.is_empty() && !model.manifest.variant.iter().any(|v| model.file(v).exists());
        for variant in &model.manifest.variant {
            bar.set_message(format!("{} {}", model.manifest.name, variant.id));
            let found = if optional { None } else { Some(check(model, variant, &mut pictures, &backend, args)) };
            verdicts.push(Verdict::new(model, variant, found));
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    report(&verdicts, args.json, out)
}

/// The models asked for, or all.
pub(super) fn chosen<'a>(catalogue: &'a Catalogue, only: &[String]) -> Result<Vec<&'a Model>, InferenceError> {
    if only.is_empty() {
        return Ok(catalogue.models().collect());
    }
    only.iter().map(|name| catalogue.model(name)).collect()
}

/// A progress bar on standard error; invisible where that is no terminal.
pub(super) fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// All checks of one variant; a measurement in words, or why it failed.
fn check(
    model: &Model,
    variant: &Variant,
    pictures: &mut golden::Pictures,
    backend: &Result<Box<dyn Backend>, InferenceError>,
    args: &VerifyArgs,
) -> Result<Option<String>, InferenceError> {
    let Ok(backend) = backend else {
        return check_file(model, variant, backend, args).map(|()| None);
    };
    let session = backend.open(model, variant)?;
    let Some(agreement) = golden::agreement(pictures, model, variant, session)? else {
        return Ok(Some("no golden outputs here to compare with".to_owned()));
    };
    let golden::Agreement { found, expected, fits } = agreement;
    if fits {
        return Ok(Some(found));
    }
    let problem = format!("{found}, expected {expected}: prepare it again with `make setup`");
    Err(InferenceError::BadModel { file: model.file(variant).display().to_string(), problem })
}

/// Without a runtime the file itself can still be checked; then the missing runtime is the problem.
fn check_file(
    model: &Model,
    variant: &Variant,
    backend: &Result<Box<dyn Backend>, InferenceError>,
    args: &VerifyArgs,
) -> Result<(), InferenceError> {
    model.check_terms(variant, args.runtime.allow_unlicensed)?;
    model.check_length(variant)?;
    model.check_sha256(variant)?;
    backend.as_ref().map(|_| ()).map_err(Clone::clone)
}

impl Verdict {
    /// From the checks; `None` is a model that is not fetched and was not asked for.
    fn new(model: &Model, variant: &Variant, found: Option<Result<Option<String>, InferenceError>>) -> Self {
        let skipped = found.is_none();
        let (error, note) = match found {
            None => (None, Some("not fetched".into())),
            Some(Ok(note)) => (None, note),
            Some(Err(error)) => (Some(error.to_string()), None),
        };
        Self {
            name: model.manifest.name.clone(),
            variant: variant.id.clone(),
            ok: error.is_none() && !skipped,
            skipped,
            error,
            note,
        }
    }
}

fn report(verdicts: &[Verdict], json: bool, out: &mut dyn Write) -> Result<u8, ModelsError> {
    let failed = verdicts.iter().filter(|v| v.error.is_some()).count();
    if json {
        writeln!(out, "{}", serde_json::json!({ "models": verdicts, "failed": failed }))?;
    } else {
        for verdict in verdicts {
            let word = if verdict.skipped {
                "skipped"
            } else if verdict.ok {
                "ok"
            } else {
                "failed"
            };
            let said = verdict.error.as_ref().or(verdict.note.as_ref()).map_or("", String::as_str);
            writeln!(out, "{word:8} {} {}  {said}", verdict.name, verdict.variant)?;
        }
        writeln!(out, "{} variants, {failed} failed", verdicts.len())?;
    }
    Ok(if failed == 0 { 0 } else { EXIT_PROBLEMS })
}
