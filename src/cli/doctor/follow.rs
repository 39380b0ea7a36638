//! `flyball doctor --watch`: processor, memory and GPU, a line a second.

use std::{
    fmt::Write as _,
    io::{self, Write},
    time::Duration,
};

use bytesize::ByteSize;
use crossbeam_channel::{after, never, select, tick};

use crate::doctor::pulse::{Finger, Pulse};

/// Between two lines.
const BEAT: Duration = Duration::from_secs(1);

pub(super) fn run(json: bool, run_for: Option<Duration>, out: &mut dyn Write) -> io::Result<()> {
    let (beat, end) = (tick(BEAT), run_for.map_or_else(never, after));
    let mut finger = Finger::default();
    loop {
        let pulse = finger.feel();
        if json {
            writeln!(out, "{}", serde_json::to_string(&pulse)?)?;
        } else {
            writeln!(out, "{}", line(&pulse))?;
        }
        out.flush()?;
        select! {
            recv(beat) -> _ => {}
            recv(end) -> _ => return Ok(()),
        }
    }
}

fn line(pulse: &Pulse) -> String {
    let busy = pulse.busy.map_or_else(|| "  –".to_owned(), |busy| format!("{:3.0}", busy * 100.0));
    let used = pulse.total.saturating_sub(pulse.free);
    let mut line = format!("cpu {busy} %   memory {} of {}", ByteSize(used), ByteSize(pulse.total));
    for gpu in &pulse.gpus {
        let used = ByteSize(gpu.total.saturating_sub(gpu.free));
        let _ = write!(line, "   {} {used} of {}", gpu.name, ByteSize(gpu.total));
        if let Some(busy) = gpu.decoder {
            let _ = write!(line, ", decoder {busy} %");
        }
    }
    if pulse.gpus.is_empty() { line + "   no GPU" } else { line }
}
