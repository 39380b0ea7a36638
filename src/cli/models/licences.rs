//! `flyball models licences`: under which terms each model may be used, and what is not known of that.

use std::io::Write;

use clap::Args;

use super::ModelsError;
use crate::inference::manifest::{Catalogue, Model};

/// How to show them.
#[derive(Args, Debug)]
pub struct LicencesArgs {
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(args: &LicencesArgs, catalogue: &Catalogue, out: &mut dyn Write) -> Result<u8, ModelsError> {
    if args.json {
        let entry = |m: &Model| {
            let manifest = &m.manifest;
            let package = manifest.source.as_ref().map(|s| &s.package);
            serde_json::json!({ "name": manifest.name, "package": package, "licence": manifest.licence })
        };
        let models: Vec<_> = catalogue.models().map(entry).collect();
        writeln!(out, "{}", serde_json::json!({ "models": models }))?;
        return Ok(0);
    }
    for model in catalogue.models() {
        write_one(model, out)?;
    }
    Ok(0)
}

fn write_one(model: &Model, out: &mut dyn Write) -> Result<(), ModelsError> {
    let manifest = &model.manifest;
    writeln!(out, "{}: {}", manifest.name, manifest.summary)?;
    if let Some(source) = &manifest.source {
        writeln!(out, "  from        {}", source.package)?;
    }
    let Some(licence) = &manifest.licence else {
        writeln!(out, "  not recorded: refused unless --allow-unlicensed is given\n")?;
        return Ok(());
    };
    writeln!(out, "  package     {}", licence.code)?;
    writeln!(out, "  weights     {}", licence.weights)?;
    writeln!(out, "  commercial  {}", licence.commercial.word())?;
    if let Some(note) = &licence.note {
        writeln!(out, "  note        {note}")?;
    }
    writeln!(out)?;
    Ok(())
}
