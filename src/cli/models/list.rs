//! `flyball models list`: one row a variant.

use std::io::Write;

use clap::Args;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

use super::ModelsError;
use crate::inference::manifest::{Catalogue, Model, Precision, Role, Variant};

/// How to show them.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Print one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// One variant as it is shown.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    role: Role,
    variant: &'a str,
    precision: Precision,
    /// Width and height, pixels.
    size: [u32; 2],
    bytes: u64,
    licence: String,
    commercial: &'static str,
    /// The file is there, at its recorded length.
    fetched: bool,
    /// Its checksum is recorded, so that it can be run.
    prepared: bool,
}

pub(super) fn run(args: &ListArgs, catalogue: &Catalogue, out: &mut dyn Write) -> Result<u8, ModelsError> {
    let models = catalogue.models();
    let rows: Vec<Row<'_>> = models.flat_map(|m| m.manifest.variant.iter().map(|v| row(m, v))).collect();
    if args.json {
        writeln!(out, "{}", serde_json::json!({ "models": rows }))?;
    } else {
        writeln!(out, "{}", table(&rows))?;
    }
    Ok(0)
}

fn row<'a>(model: &'a Model, variant: &'a Variant) -> Row<'a> {
    let licence = model.manifest.licence.as_ref();
    Row {
        name: &model.manifest.name,
        role: model.manifest.role,
        variant: &variant.id,
        precision: variant.precision,
        size: [variant.size.w, variant.size.h],
        bytes: variant.bytes,
        licence: licence.map_or_else(|| "not recorded".into(), |l| l.weights.clone()),
        commercial: licence.map_or("not recorded", |l| l.commercial.word()),
        fetched: model.is_fetched(variant),
        prepared: variant.has_checksum(),
    }
}

fn table(rows: &[Row<'_>]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "model",
        "role",
        "variant",
        "input",
        "size",
        "weights' licence",
        "commercial",
        "fetched",
        "prepared",
    ]);
    for row in rows {
        let role = serde_json::to_value(row.role).ok();
        table.add_row([
            row.name.to_owned(),
            role.as_ref().and_then(|r| r.as_str()).unwrap_or_default().to_owned(),
            row.variant.to_owned(),
            format!("{}x{}", row.size[0], row.size[1]),
            bytesize::ByteSize(row.bytes).to_string(),
            row.licence.clone(),
            row.commercial.to_owned(),
            yes(row.fetched).to_owned(),
            yes(row.prepared).to_owned(),
        ]);
    }
    table
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}
