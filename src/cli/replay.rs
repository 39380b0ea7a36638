//! `flyball replay FILE`: plays a recording to subscribers, as the node that was recorded would have.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args;

use super::{Exit, complain, reach::Login};
use crate::events::{BusError, recording::RecordingError};

const EXAMPLES: &str = "Examples:
  flyball replay evening.jsonl                         at its own pace, to whoever connects to tcp/127.0.0.1:7447
  flyball replay evening.jsonl --pace 2x --wait        twice as fast, once somebody listens
  flyball replay evening.jsonl --pace fast --stay      at once; then subscribers may come and ask for history
  flyball replay evening.jsonl --new-ids               as new events, for consumers that drop those they know

`flyball record FILE` makes recordings. Subscribers find the events on their own keys, and history and heartbeats too.

";

/// Replay a recording to subscribers.
#[derive(Args, Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub(super) struct ReplayArgs {
    /// The recording
    file: PathBuf,
    /// How fast: `original`, `fast` (as fast as they can be sent), or a factor such as `2x` or `0.5x`
    #[arg(long, value_name = "PACE", default_value = "original")]
    pace: Pace,
    /// Where subscribers connect
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp/127.0.0.1:7447", conflicts_with = "connect")]
    listen: String,
    /// Play through this router instead of listening
    #[arg(long, value_name = "ENDPOINT")]
    connect: Option<String>,
    #[command(flatten)]
    login: Login,
    /// Fresh ids, epoch and numbers, so that nobody takes the events for repetitions. Their times stay
    #[arg(long)]
    new_ids: bool,
    /// Begin when somebody listens
    #[arg(long)]
    wait: bool,
    /// Stay when all is played, and answer for history, until Ctrl-C
    #[arg(long)]
    stay: bool,
}

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// As many times as fast as they came.
    Times(f64),
    /// As fast as they can be sent.
    Fast,
}

impl FromStr for Pace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let factor = |text: &str| text.strip_suffix('x')?.parse().ok().filter(|f: &f64| *f >= 0.001 && *f <= 1e6);
        match text {
            "original" => Ok(Self::Times(1.0)),
            "fast" => Ok(Self::Fast),
            _ => factor(text).map(Self::Times).ok_or("write `original`, `fast`, or a factor such as `2x` or `0.5x`"),
        }
    }
}

impl Pace {
    /// When something that came `at_us` after the start is due, counted from the start of the replay.
    fn due(self, at_us: u64) -> Duration {
        match self {
            Self::Fast => Duration::ZERO,
            Self::Times(factor) => Duration::from_micros((at_us as f64 / factor) as u64),
        }
    }
}

/// Why nothing, or nothing more, was played.
#[derive(Debug, thiserror::Error)]
enum ReplayError {
    #[error("{0} cannot be read: {1}; name a file that `flyball record` made")]
    Open(String, std::io::Error),
    #[error("{0}: {1}")]
    File(String, RecordingError),
    #[error("an event cannot be made new: {0}")]
    Renew(#[from] serde_json::Error),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[cfg(feature = "zenoh")]
    #[error(transparent)]
    Play(#[from] crate::events::zenoh::PlayError),
}

/// Plays it, once.
pub(super) fn run(args: &ReplayArgs) -> Exit {
    match play::replay(args) {
        Ok(()) => Exit::Done,
        Err(cause) => {
            complain(&cause);
            match cause {
                ReplayError::Bus(cause) => Exit::from(&cause),
                #[cfg(feature = "zenoh")]
                ReplayError::Play(crate::events::zenoh::PlayError::Bus(_)) => Exit::Failed,
                _ => Exit::BadInput,
            }
        }
    }
}

#[cfg(feature = "zenoh")]
mod play {
    use std::{
        fs::File,
        io::BufReader,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread,
        time::{Duration, Instant},
    };

    use uuid::Uuid;

    use super::{ReplayArgs, ReplayError};
    use crate::{
        cli::{complain, signals::Signals},
        events::{
            BusConfig, BusError,
            recording::Recording,
            zenoh::{Player, ZenohBus},
        },
        telemetry::{LogFormat, log_to_stderr},
    };

    /// Between two looks at signals.
    const BEAT: Duration = Duration::from_millis(50);
    /// Between two heartbeats, as running nodes have it.
    const HEARTBEAT: Duration = Duration::from_secs(1);
    /// The node that recordings are played as.
    const NODE: &str = "replay";

    /// Plays, watches the clock, and heeds signals.
    struct Show {
        player: Player,
        asked: Arc<AtomicBool>,
        beaten: Instant,
    }

    pub(super) fn replay(args: &ReplayArgs) -> Result<(), ReplayError> {
        let _usual_filter = log_to_stderr("warn,zenoh=error", LogFormat::Human);
        let recording = read(args)?;
        let mut bus = ZenohBus::open(&bus_config(args)?)?;
        let player = bus.player(&recording.sources(), NODE)?;
        let mut show = Show { player, asked: Signals::watch().begin_work(), beaten: now() };
        complain(&format!("playing {} events at {}; Ctrl-C ends", recording.moments.len(), place(args)));
        while args.wait && !show.asked() && !show.player.is_heard() {
            show.rest(BEAT)?;
        }
        let start = now();
        let mut played = 0;
        for moment in &recording.moments {
            show.rest_until(start + args.pace.due(moment.at_us))?;
            if show.asked() {
                break;
            }
            show.player.play(&moment.event, &moment.json.to_string())?;
            played += 1;
        }
        show.player.heartbeat()?;
        complain(&format!("played {played} of {} events", recording.moments.len()));
        while args.stay && !show.asked() {
            show.rest(BEAT)?;
        }
        Ok(())
    }

    impl Show {
        fn asked(&self) -> bool {
            self.asked.load(Ordering::Acquire)
        }

        /// In short naps, with heartbeats between them.
        fn rest_until(&mut self, due: Instant) -> Result<(), ReplayError> {
            loop {
                let left = due.saturating_duration_since(now());
                if left.is_zero() || self.asked() {
                    return Ok(());
                }
                self.rest(left.min(BEAT))?;
            }
        }

        fn rest(&mut self, nap: Duration) -> Result<(), ReplayError> {
            thread::park_timeout(nap);
            if now().saturating_duration_since(self.beaten) >= HEARTBEAT {
                self.beaten = now();
                self.player.heartbeat()?;
            }
            Ok(())
        }
    }

    /// All of it, checked: nothing is played of a file that is bad further down.
    fn read(args: &ReplayArgs) -> Result<Recording, ReplayError> {
        let file = File::open(&args.file).map_err(|cause| ReplayError::Open(args.file.display().to_string(), cause))?;
        let read = Recording::read(BufReader::new(file));
        let mut recording = read.map_err(|cause| ReplayError::File(args.file.display().to_string(), cause))?;
        if recording.lost > 0 {
            complain(&format!("{} events were missing when it was recorded", recording.lost));
        }
        if args.new_ids {
            recording.renew(Uuid::now_v7)?;
        }
        Ok(recording)
    }

    fn bus_config(args: &ReplayArgs) -> Result<BusConfig, BusError> {
        let listening = || BusConfig { listen: vec![args.listen.clone()], ..BusConfig::default() };
        args.login.on(args.connect.as_deref().map_or_else(listening, BusConfig::asking))
    }

    fn place(args: &ReplayArgs) -> &str {
        args.connect.as_deref().unwrap_or(&args.listen)
    }

    #[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
    fn now() -> Instant {
        Instant::now()
    }
}

#[cfg(not(feature = "zenoh"))]
mod play {
    use super::{ReplayArgs, ReplayError};
    use crate::events::BusError;

    pub(super) fn replay(_: &ReplayArgs) -> Result<(), ReplayError> {
        Err(BusError::NotBuilt.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_a_word_or_a_factor() {
        assert_eq!("original".parse(), Ok(Pace::Times(1.0)));
        assert_eq!("2x".parse(), Ok(Pace::Times(2.0)));
        assert_eq!("fast".parse(), Ok(Pace::Fast));
        for bad in ["", "x", "0x", "-1x", "NaNx", "2", "quick"] {
            assert!(bad.parse::<Pace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn twice_the_pace_is_half_the_time() {
        assert_eq!(Pace::Times(2.0).due(1_000_000), Duration::from_millis(500));
        assert_eq!(Pace::Fast.due(1_000_000), Duration::ZERO);
    }
}
