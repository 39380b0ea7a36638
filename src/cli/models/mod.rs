//! `flyball models …`: what models there are ([`list`]), under which terms ([`licences`]), where they come from ([`pull`]),
//! whether they are what they claim ([`verify`], with [`golden`] numbers), and what they cost here ([`bench`], [`measure`]d by
//! the [`clock`], told by [`measured`]; [`switches`] watches memory while variants change).

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use crate::inference::{
    Backend, InferenceError,
    manifest::{Catalogue, ManifestProblem},
};

mod bench;
#[cfg(feature = "ort")]
mod clock;
mod golden;
mod licences;
mod list;
#[cfg(feature = "ort")]
mod measure;
#[cfg(feature = "ort")]
mod measured;
mod pull;
#[cfg(feature = "ort")]
mod switches;
mod verify;

/// The exit code when a model is not what it claims, or a manifest is wrong.
pub const EXIT_PROBLEMS: u8 = 2;

const EXAMPLES: &str = "Examples:
  flyball models list
  flyball models verify yunet
  flyball models bench --seconds 2

";

/// Show, verify and measure the models.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub struct ModelsArgs {
    /// Folder with one folder a model.
    #[arg(long, global = true, default_value = "models", value_name = "FOLDER")]
    pub models: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: ModelsCommand,
}

/// What can be done with models.
#[derive(Subcommand, Debug)]
pub enum ModelsCommand {
    /// Show every model with its variants, terms and whether it is fetched.
    #[command(after_help = "Example: flyball models list --json | jq -r '.models[].name'")]
    List(list::ListArgs),
    /// Fetch and prepare what is missing.
    #[command(after_help = "Example: flyball models pull yunet dlib_resnet")]
    Pull(pull::PullArgs),
    /// Check files, shapes, golden outputs and the agreement of variants.
    #[command(after_help = "Example: flyball models verify yunet dlib_resnet")]
    Verify(verify::VerifyArgs),
    /// Measure time and memory of every variant and batch here, and store them for the governor.
    #[command(after_help = "Example: flyball models bench yunet --batches 1,2,4 --seconds 2")]
    Bench(bench::BenchArgs),
    /// Show the terms of every model.
    #[command(after_help = "Example: flyball models licences --json")]
    Licences(licences::LicencesArgs),
}

/// Where the runtime and its models are, for commands that run them.
#[derive(Args, Debug)]
pub struct RuntimeArgs {
    /// ONNX Runtime's library or its folder; otherwise vendor/onnxruntime is searched.
    #[arg(long, value_name = "PATH")]
    pub onnxruntime: Option<PathBuf>,
    /// Where to run: auto, cpu or cuda:N.
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    pub device: crate::inference::Device,
    /// Also run models whose licence or checksum is not recorded.
    #[arg(long)]
    pub allow_unlicensed: bool,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// Manifests that do not read, one problem a line.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Manifests(Vec<ManifestProblem>),
    /// A model or the runtime.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// Writing the answer, or a file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Does what was asked; answers the exit code: 0, or [`EXIT_PROBLEMS`] when something is not as it should be.
pub fn run(args: &ModelsArgs, out: &mut dyn Write) -> Result<u8, ModelsError> {
    let catalogue = Catalogue::read(&args.models).map_err(ModelsError::Manifests)?;
    let root = args.models.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match &args.command {
        ModelsCommand::List(list) => list::run(list, &catalogue, out),
        ModelsCommand::Pull(pull) => pull::run(pull, &catalogue, &args.models, out),
        ModelsCommand::Verify(verify) => verify::run(verify, &catalogue, root, out),
        ModelsCommand::Bench(bench) => bench::run(bench, &catalogue, out),
        ModelsCommand::Licences(licences) => licences::run(licences, &catalogue, out),
    }
}

impl RuntimeArgs {
    /// The backend these arguments ask for; on a GPU for batches of up to `gpu_batch`.
    #[cfg(feature = "ort")]
    fn ort(&self, gpu_batch: usize) -> Result<crate::inference::ort::OrtBackend, InferenceError> {
        use crate::inference::ort::{LibrarySearch, OrtBackend, OrtOptions};
        let search = LibrarySearch { explicit: self.onnxruntime.clone(), roots: Vec::new() };
        let options = OrtOptions {
            device: self.device,
            allow_unlicensed: self.allow_unlicensed,
            gpu_batch,
            ..OrtOptions::default()
        };
        OrtBackend::new(&search, options)
    }

    /// The same for one item at a time, whatever it is; without a runtime in this build, the sentence that says so.
    #[cfg_attr(not(feature = "ort"), allow(clippy::unused_self, reason = "there is nothing to ask for"))]
    fn backend(&self) -> Result<Box<dyn Backend>, InferenceError> {
        #[cfg(feature = "ort")]
        return Ok(Box::new(self.ort(1)?));
        #[cfg(not(feature = "ort"))]
        Err(InferenceError::Runtime("this build has no ONNX Runtime in it; build with --features ort".into()))
    }
}
