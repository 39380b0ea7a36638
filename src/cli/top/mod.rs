//! `flyball top`: how a running node stands, live: pressure, rungs, queues, memory, cameras, and why it is so.
//!
//! [`view`] draws a state; here is where states come from. Without a terminal, or with `--once`, the same is printed as text.

mod view;

use std::io::Write;

use clap::Args;

use super::{Exit, Reach, complain};

const EXAMPLES: &str = "Examples:
  flyball top                     the node on this machine, live; q ends it
  flyball top --once              one look, as text
  flyball top --json | jq .memory one JSON object every half second

The node needs [events.zenoh] in its deployment, and a governor that is on.

";

/// Show how a running node stands: pressure, models, memory, cameras, last decisions
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub(super) struct TopArgs {
    #[command(flatten)]
    reach: Reach,
    /// Only this node
    #[arg(long)]
    node: Option<String>,
    /// One state, then end
    #[arg(long)]
    once: bool,
    /// JSON objects as they come, one a line
    #[arg(long)]
    json: bool,
}

/// Shows states until asked to end.
pub(super) fn run(args: &TopArgs, out: &mut dyn Write) -> Exit {
    match follow::follow(args, out) {
        Ok(exit) => exit,
        Err(cause) => {
            complain(&cause);
            Exit::from(&cause)
        }
    }
}

#[cfg(feature = "zenoh")]
mod follow {
    use std::{
        io::{self, IsTerminal, Write},
        sync::atomic::Ordering,
        time::Duration,
    };

    use super::{TopArgs, view};
    use crate::{
        cli::{Exit, complain, run::terminal::Screen, signals::Signals},
        events::{BusError, wire::GovernorState, zenoh::ZenohBus},
    };

    /// Between two looks at keys and signals.
    const BEAT: Duration = Duration::from_millis(100);
    /// A node publishes twice a second; one that said nothing for so long does not run, or has no governor.
    const SILENCE_BEATS: u32 = 100;

    /// Where states are shown.
    enum Shown {
        Screen(Screen),
        Lines,
    }

    pub(super) fn follow(args: &TopArgs, out: &mut dyn Write) -> Result<Exit, BusError> {
        let bus = match ZenohBus::open(&args.reach.asking()?) {
            Err(BusError::Zenoh(_)) => return Ok(nobody(args, None)),
            opened => opened?,
        };
        let states = bus.states(args.node.as_deref())?;
        let asked = Signals::watch().begin_work();
        let mut shown = None;
        let mut silent = 0;
        while !asked.load(Ordering::Acquire) && !key_pressed(shown.as_ref()) {
            let Some(text) = states.next_within(BEAT) else {
                silent += 1;
                if silent >= SILENCE_BEATS {
                    return Ok(nobody(args, shown));
                }
                continue;
            };
            silent = 0;
            let shown = shown.get_or_insert_with(|| begin(args));
            if show(args, shown, &text, out).is_err() || args.once {
                break; // shown once, or the reader of our output is gone
            }
        }
        Ok(Exit::Done)
    }

    /// The screen is taken when there is something to show.
    fn begin(args: &TopArgs) -> Shown {
        let wants_screen = !args.once && !args.json && io::stdout().is_terminal() && io::stdin().is_terminal();
        match wants_screen.then(Screen::take) {
            Some(Ok(screen)) => Shown::Screen(screen),
            _ => Shown::Lines,
        }
    }

    fn show(args: &TopArgs, shown: &mut Shown, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let state = match serde_json::from_str::<GovernorState>(text) {
            Ok(state) => state,
            Err(cause) => {
                complain(&format!("a state that this version cannot read: {cause}"));
                return Ok(());
            }
        };
        match shown {
            Shown::Screen(screen) => screen.paint(|frame| view::draw(frame, &state)),
            Shown::Lines if args.json => writeln!(out, "{text}").and_then(|()| out.flush()),
            Shown::Lines => writeln!(out, "{}", view::text(&state)).and_then(|()| out.flush()),
        }
    }

    fn key_pressed(shown: Option<&Shown>) -> bool {
        matches!(shown, Some(Shown::Screen(_))) && Screen::asked_to_end(Duration::ZERO).unwrap_or(true)
    }

    /// Nobody says anything: that is a failure before the first state, and the end of the node after it.
    fn nobody(args: &TopArgs, shown: Option<Shown>) -> Exit {
        let was_there = shown.is_some();
        drop(shown); // gives the screen back before anything is said
        if was_there {
            complain(&"the node says nothing any more; has it ended?");
            return Exit::Done;
        }
        complain(&format!(
            "no governor answers at {}; start `flyball run` with [events.zenoh] listening there and the governor on, or say \
             --connect",
            args.reach.connect
        ));
        Exit::Failed
    }
}

#[cfg(not(feature = "zenoh"))]
mod follow {
    use std::io::Write;

    use super::TopArgs;
    use crate::{cli::Exit, events::BusError};

    pub(super) fn follow(_: &TopArgs, _: &mut dyn Write) -> Result<Exit, BusError> {
        Err(BusError::NotBuilt)
    }
}
