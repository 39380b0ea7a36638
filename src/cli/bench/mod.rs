//! `flyball bench CLIP…`: what the pipeline costs on this machine, beside its floor measured in the same run.
//!
//! Three passes: decoding alone; the pipeline; the same networks as often on prepared tensors. `overhead` is the pipeline's
//! CPU time over the sum of the other two; both sides count their start. `report` prints it. With `--rounds` all of it is done
//! again and the round in the middle is reported: on a shared machine the same network costs up to a fifth more from one
//! minute to the next. With `--policy both` the pipeline runs twice, looking at every frame and looking only where it may
//! pay, and `visits` says what that changed for subscribers.
//! With `--soak-faces` it measures memory instead: see `soak`.

mod policy;
mod report;
mod soak;
mod visits;

use std::{
    io::Write,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;

use self::policy::{Policy, Runs};
use self::report::{Figures, Report};
use self::visits::Told;
use super::{Exit, complain};
use crate::{
    config::{Camera, Deployment, Environment, Events, Pace, Source},
    events::{EventSink, MemoryBus},
    flow::Percentiles,
    memory::{frame_copies, peak_resident_bytes, process_cpu_time},
    scene::CameraId,
    telemetry::{LogFormat, log_to_stderr},
    topology::{AssembleError, Graph, Opened, assemble, networks_alone, open},
};

const EXAMPLES: &str = "Examples:
  flyball bench samples/footage/mosaic4_720p.mp4
  flyball bench a.mp4 b.mp4 --realtime --config config/bench.toml
  flyball bench samples/footage/mosaic4_720p.mp4 --rounds 5
  flyball bench samples/footage/mosaic4_720p.mp4 --policy both --config config/demo.toml
  flyball bench samples/footage/mosaic4_720p.mp4 --cameras 12 --realtime --policy adaptive
  flyball bench --soak-faces 1000000 --soak-variant int8 --for 30m

The last line is one JSON object. CPU time means the same on a busy machine, wall time does not.";

/// Run a pipeline on clips as fast as it goes and print what it costs
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", super::exit::HELP))]
pub(super) struct BenchArgs {
    /// Clips, one camera each
    #[arg(required_unless_present = "soak_faces", value_name = "CLIP")]
    clips: Vec<PathBuf>,
    /// Play the clips at their own pace instead of as fast as possible
    #[arg(long)]
    realtime: bool,
    /// Deployment whose pipeline, models and gallery are used; its cameras are replaced by the clips
    #[arg(long, default_value = "config/bench.toml", value_name = "FILE")]
    config: PathBuf,
    /// As many cameras, which play the clips in turn
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    cameras: Option<u16>,
    /// How often to look: at every frame, or only where it may pay (seldom while the same faces stay and nothing moves, at
    /// known faces again when they show themselves better); `both` runs both and compares the events. Without it the
    /// pipeline runs as written
    #[arg(long, value_enum)]
    policy: Option<Runs>,
    /// Measure all of it as often, one after the other, and report the round with the median overhead
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Only the JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    soak: soak::SoakArgs,
}

/// Measures and prints.
pub(super) fn run(args: &BenchArgs, out: &mut dyn Write) -> Exit {
    let _usual_filter = log_to_stderr("warn", LogFormat::Human);
    let Opened { deployment: Some(mut deployment), graph: Some(graph), .. } =
        open(&args.config, &Environment::of_process())
    else {
        open(&args.config, &Environment::of_process()).problems.iter().for_each(|problem| complain(problem));
        return Exit::BadInput;
    };
    if args.soak.soak_faces.is_some() {
        return soak::run(&args.soak, &deployment.models, args.json, out).map_or_else(
            |cause| {
                complain(&cause);
                cause.into()
            },
            |()| Exit::Done,
        );
    }
    let measured = replace_cameras(&mut deployment, args).and_then(|()| measure_all(&deployment, &graph, args));
    match measured {
        // A reader that went away wants no more figures.
        Ok(reports) => report::print(&reports, args.json, out).map_or(Exit::Done, |()| Exit::Done),
        Err(cause) => {
            complain(&cause);
            cause.into()
        }
    }
}

/// One camera a clip, named after its file; events stay in this process.
fn replace_cameras(deployment: &mut Deployment, args: &BenchArgs) -> Result<(), AssembleError> {
    let Some(pattern) = deployment.cameras.first().cloned() else {
        return Err(AssembleError::Bad("the deployment has no camera to replace".to_owned()));
    };
    let pace = if args.realtime { Pace::Realtime } else { Pace::Fast };
    let camera = |(n, clip): (usize, &PathBuf)| {
        let id = CameraId::new(&format!("clip{}", n + 1)).map_err(|e| AssembleError::Bad(e.to_string()))?;
        Ok(Camera { id, source: Source::File { path: clip.clone(), pace, repeat: false }, ..pattern.clone() })
    };
    let clips = args.clips.iter().cycle().take(args.cameras.map_or(args.clips.len(), usize::from));
    deployment.cameras = clips.enumerate().map(camera).collect::<Result<_, _>>()?;
    // Nobody is told about a measurement.
    deployment.events = Events::default();
    Ok(())
}

/// One report a policy: the median of its rounds.
fn measure_all(deployment: &Deployment, graph: &Graph, args: &BenchArgs) -> Result<Vec<Report>, AssembleError> {
    let clips: Vec<PathBuf> = args.clips.iter().cycle().take(deployment.cameras.len()).cloned().collect();
    let policies = Policy::of(args.policy);
    let mut rounds: Vec<Vec<Report>> = policies.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.rounds {
        let decode = decode_alone(&clips)?;
        for (policy, rounds) in policies.iter().zip(&mut rounds) {
            rounds.push(measure(deployment, graph, *policy, decode)?);
        }
    }
    Ok(rounds.into_iter().filter_map(report::median).collect())
}

fn measure(deployment: &Deployment, graph: &Graph, policy: Policy, decode: Duration) -> Result<Report, AssembleError> {
    let (figures, counts) = run_pipeline(deployment, &policy.tell(graph))?;
    let networks = networks_alone(&deployment.models, &counts)?;
    Ok(Report { policy, decode, networks, figures, runs: counts, overheads: Vec::new() })
}

/// CPU time of decoding every clip once and doing nothing with it.
#[cfg(feature = "media")]
fn decode_alone(clips: &[PathBuf]) -> Result<Duration, AssembleError> {
    let before = process_cpu_time();
    for clip in clips {
        crate::media::decode_file(clip, drop).map_err(|e| AssembleError::Bad(e.to_string()))?;
    }
    Ok(process_cpu_time().saturating_sub(before))
}

#[cfg(not(feature = "media"))]
fn decode_alone(_: &[PathBuf]) -> Result<Duration, AssembleError> {
    Err(AssembleError::Missing("this flyball was built without GStreamer: build it with `--features media`".to_owned()))
}

type Counts = std::collections::BTreeMap<crate::inference::RunKey, crate::inference::RunCount>;

fn run_pipeline(deployment: &Deployment, graph: &Graph) -> Result<(Figures, Counts), AssembleError> {
    let bus = MemoryBus::default();
    let taps: Vec<Box<dyn EventSink>> = vec![Box::new(bus.clone())];
    let (cpu, wall, copies) = (process_cpu_time(), now(), frame_copies());
    let mut assembly = assemble(deployment, graph, taps)?;
    while assembly.running.watch(Duration::from_millis(20)) {}
    let (cpu, wall) = (process_cpu_time().saturating_sub(cpu), now().duration_since(wall));
    let copies = frame_copies() - copies;
    let running = &assembly.running;
    let frames: u64 = running.board.snapshot(|_| 0).cameras.values().map(|camera| camera.frames).sum();
    let latency: Percentiles = running.latency.percentiles();
    let (drops, counts) = (running.drops.total(), assembly.runs.counts());
    let stages = running.stages.iter().map(|stage| (stage.id.clone(), stage.figures.totals())).collect();
    let faces = running.faces();
    let ended = assembly.finish(now() + Duration::from_secs(10), now);
    if let Some(why) = ended.outcome.failure {
        return Err(AssembleError::Failed(why));
    }
    let told = Told::of(&bus.events());
    let peak = peak_resident_bytes();
    Ok((Figures { frames, wall, cpu, peak, faces, told, latency, drops, copies, stages }, counts))
}

#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
fn now() -> Instant {
    Instant::now()
}
