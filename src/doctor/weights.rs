//! The models asked for: their manifests, their files, checksums and terms.

use super::{Area, Check, Depth, Health, Needs, Weight};
use crate::inference::{
    InferenceError,
    manifest::{Catalogue, ManifestProblem, Model, Variant},
};

/// What puts a file right, whatever is wrong with it.
const FETCH: &str = "make setup";
/// What shows the models there are, where one that is named cannot be read or is not there.
pub(super) const LIST: &str = "flyball models list";

pub(super) fn checks(needs: &Needs, depth: Depth) -> Vec<Check> {
    let (catalogue, unusable) = Catalogue::read_usable(&needs.models_dir);
    let Some(asked) = &needs.models else { return all(&catalogue, &unusable, depth) };
    let one = |(name, variant): &(String, Option<String>)| match catalogue.model(name) {
        Ok(model) => one(model, variant.as_deref(), needs.allow_unlicensed, depth),
        Err(cause) => absent(name, &cause, &unusable),
    };
    asked.iter().map(one).collect()
}

/// Without a deployment: every model that is there. What was never fetched is nobody's complaint, unless nothing was.
fn all(catalogue: &Catalogue, unusable: &[ManifestProblem], depth: Depth) -> Vec<Check> {
    let fetched = |model: &Model| model.manifest.variant.iter().any(|variant| model.file(variant).exists());
    let none = !catalogue.models().any(fetched);
    let mut checks: Vec<Check> = catalogue
        .models()
        .map(|model| {
            let check = one(model, None, false, depth);
            if none || fetched(model) {
                check.clone().weighing(check.weight.min(Weight::Advice))
            } else {
                optional(check)
            }
        })
        .collect();
    checks.extend(unusable.iter().map(|problem| {
        let check = Check::of(Area::Models, problem.file.clone(), Health::Error, Weight::Advice);
        check.note(problem.to_string()).mend(LIST)
    }));
    checks
}

fn optional(check: Check) -> Check {
    check.weighing(Weight::NotNeeded)
}

fn absent(name: &str, cause: &InferenceError, unusable: &[ManifestProblem]) -> Check {
    let manifest = std::path::Path::new(name).join("model.toml");
    let problem = unusable.iter().find(|problem| std::path::Path::new(&problem.file).ends_with(&manifest));
    let note = problem.map_or_else(|| cause.to_string(), ToString::to_string);
    let health = if problem.is_some() { Health::Error } else { Health::Missing };
    Check::of(Area::Models, name, health, Weight::Fatal).note(note).mend(LIST)
}

/// One model: the variant named, or every one.
fn one(model: &Model, variant: Option<&str>, allow_unlicensed: bool, depth: Depth) -> Check {
    let name = model.manifest.name.clone();
    let named: Result<Vec<&Variant>, _> = match variant {
        Some(id) => model.variant(id).map(|variant| vec![variant]),
        None => Ok(model.manifest.variant.iter().take(1).collect()),
    };
    let found = named.and_then(|variants| {
        variants.iter().try_for_each(|variant| refusal(model, variant, allow_unlicensed, depth)).map(|()| variants)
    });
    match found {
        Ok(variants) => Check::healthy(Area::Models, name).found(facts(model, &variants, depth)),
        Err(cause) => ill(model, variant, &cause, allow_unlicensed),
    }
}

/// The same checks a session makes before it opens, in the same words.
fn refusal(model: &Model, variant: &Variant, allow_unlicensed: bool, depth: Depth) -> Result<(), InferenceError> {
    model.check_terms(variant, allow_unlicensed)?;
    model.check_length(variant)?;
    if depth == Depth::Full { model.check_sha256(variant) } else { Ok(()) }
}

fn ill(model: &Model, variant: Option<&str>, cause: &InferenceError, allow_unlicensed: bool) -> Check {
    let variant = variant.map_or_else(|| model.manifest.variant.first(), |id| model.manifest.variant(id));
    let health = match variant {
        Some(variant) if model.file(variant).exists() => Health::Error,
        _ => Health::Missing,
    };
    let can_be_fetched = variant.is_some_and(|variant| model.check_terms(variant, allow_unlicensed).is_ok());
    let mend = if can_be_fetched { FETCH } else { "flyball models licences" };
    Check::of(Area::Models, model.manifest.name.clone(), health, Weight::Fatal).note(cause.to_string()).mend(mend)
}

fn facts(model: &Model, variants: &[&Variant], depth: Depth) -> String {
    let ids: Vec<&str> = variants.iter().map(|variant| variant.id.as_str()).collect();
    let licence = model.manifest.licence.as_ref().map_or("terms not recorded", |licence| licence.weights.as_str());
    let hash = if depth == Depth::Full { ", checksum right" } else { "" };
    format!("{}{hash}, {licence}", ids.join(", "))
}
