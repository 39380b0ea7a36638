//! `flyball gallery add|list|remove`: the people known.

use std::{
    io::{self, Write},
    path::PathBuf,
    time::SystemTime,
};

use clap::{Args, Subcommand};
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::json;

use super::{Exit, complain};
use crate::{
    config::Environment,
    gallery::{Gallery, GalleryError, Person},
    scene::PersonId,
    telemetry::{LogFormat, log_to_stderr},
    topology::{AssembleError, EnrolError, Enrolled, Enroller, Opened, open, open_gallery},
};

const EXAMPLES: &str = "Examples:
  flyball gallery add ada --name \"Ada Lovelace\" ada_1.jpg ada_2.jpg
  flyball gallery list --json
  flyball gallery remove ada

No picture is kept: the gallery holds one vector a photo.";

/// Add the people known from photos, list them, remove them
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", super::exit::HELP))]
pub(super) struct GalleryArgs {
    /// The deployment whose gallery and models are used
    #[arg(long, global = true, default_value = "config/demo.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    command: GalleryCommand,
}

#[derive(Debug, Subcommand)]
enum GalleryCommand {
    /// Enrol a person from photos with one face each; a running deployment knows them within a second
    #[command(after_help = "Example: flyball gallery add ada --name \"Ada Lovelace\" ada_1.jpg ada_2.jpg")]
    Add {
        /// The person's stable id, as events carry it: letters, digits, `-`, `_`, `.`
        person: PersonId,
        /// How people call them; never part of an event
        #[arg(long)]
        name: Option<String>,
        /// JPEG or PNG files
        #[arg(required = true)]
        photos: Vec<PathBuf>,
        /// Enrol even if the face looks like somebody enrolled under another id
        #[arg(long)]
        even_if_alike: bool,
    },
    /// List everybody
    #[command(after_help = "Example: flyball gallery list --json | jq -r '.people[].id'")]
    List {
        /// One JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Remove a person with all enrolments
    #[command(after_help = "Example: flyball gallery remove ada")]
    Remove {
        /// The person's id
        person: PersonId,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum GalleryFailure {
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error(transparent)]
    Gallery(#[from] GalleryError),
    #[error("standard output cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// Runs the command.
pub(super) fn run(args: &GalleryArgs, out: &mut dyn Write) -> Exit {
    let Opened { deployment: Some(deployment), graph: Some(graph), .. } =
        open(&args.config, &Environment::of_process())
    else {
        open(&args.config, &Environment::of_process()).problems.iter().for_each(|problem| complain(problem));
        return Exit::BadInput;
    };
    let _usual_filter = log_to_stderr("warn", LogFormat::Human);
    let done = match &args.command {
        GalleryCommand::Add { person, name, photos, even_if_alike } => {
            let name = name.as_deref().unwrap_or(person.as_str());
            Enroller::open(&deployment, &graph).map_err(Into::into).and_then(|mut enroller| {
                photos.iter().try_fold(Exit::Done, |exit, photo| {
                    let outcome = enroller.enrol(person, name, photo, *even_if_alike, now());
                    told(out, person, photo, outcome).map(|told| if told == Exit::Done { exit } else { told })
                })
            })
        }
        GalleryCommand::List { json } => {
            open_gallery(&deployment).map_err(Into::into).and_then(|gallery| list(&gallery, *json, out))
        }
        GalleryCommand::Remove { person } => open_gallery(&deployment).map_err(Into::into).and_then(|gallery| {
            let count = gallery.remove(person)?;
            writeln!(out, "removed {person} with {count} enrolments")?;
            Ok(Exit::Done)
        }),
    };
    done.unwrap_or_else(failed)
}

fn failed(cause: GalleryFailure) -> Exit {
    complain(&cause);
    match cause {
        GalleryFailure::Assemble(cause) => cause.into(),
        GalleryFailure::Gallery(cause) if cause.is_of_input() => Exit::BadInput,
        GalleryFailure::Gallery(_) | GalleryFailure::Io(_) => Exit::Failed,
    }
}

/// One line a photo; a photo that was refused does not keep the others out.
fn told(
    out: &mut dyn Write,
    person: &PersonId,
    photo: &std::path::Path,
    outcome: Result<Enrolled, EnrolError>,
) -> Result<Exit, GalleryFailure> {
    match outcome {
        Ok(Enrolled::Added(quality)) => writeln!(out, "{person}: added {} (quality {quality:.2})", photo.display())?,
        Ok(Enrolled::AlreadyThere) => writeln!(out, "{person}: {} is enrolled already", photo.display())?,
        Err(EnrolError::Gallery(cause)) => return Err(cause.into()),
        Err(cause) => {
            complain(&cause);
            return Ok(Exit::BadInput);
        }
    }
    Ok(Exit::Done)
}

fn list(gallery: &Gallery, as_json: bool, out: &mut dyn Write) -> Result<Exit, GalleryFailure> {
    let people = gallery.people();
    if as_json {
        let people: Vec<_> = people.iter().map(as_object).collect();
        writeln!(out, "{}", json!({ "people": people }))?;
    } else {
        writeln!(out, "{}", table(&people))?;
    }
    Ok(Exit::Done)
}

fn as_object(person: &Person) -> serde_json::Value {
    json!({ "id": person.id, "name": person.name, "enrolments": person.enrolments, "spaces": spaces(person) })
}

fn table(people: &[Person]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["person", "name", "photos", "spaces"]);
    for person in people {
        let cells =
            [person.id.to_string(), person.name.clone(), person.enrolments.to_string(), spaces(person).join(" ")];
        table.add_row(cells);
    }
    table
}

fn spaces(person: &Person) -> Vec<String> {
    person.spaces.iter().map(ToString::to_string).collect()
}

#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
fn now() -> SystemTime {
    SystemTime::now()
}
