//! Both runs side by side: a table for people, and JSON for scripts.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::json;

use super::{
    TrialError,
    figures::{Figures, Squeeze},
};

/// Everything a trial found.
pub(super) struct Report {
    pub(super) file: PathBuf,
    pub(super) budget: u64,
    /// Load of the machine beforehand, as the system says it.
    pub(super) load: String,
    pub(super) on: Figures,
    pub(super) off: Figures,
}

impl Report {
    /// Prints the table and writes the JSON file.
    pub(super) fn publish(&self, file: &Path, out: &mut dyn Write) -> Result<(), TrialError> {
        let told = |cause| TrialError::Io(file.display().to_string(), cause);
        let report = json!({
            "deployment": self.file, "budget_bytes": self.budget, "load_before": self.load,
            "governor_on": self.on, "governor_off": self.off,
        });
        fs::write(file, format!("{report:#}\n")).map_err(told)?;
        // A reader that went away (`| head`) is no failure; the report is on disk.
        let _unread = writeln!(out, "{}\n\n{}\n\nreport: {}", self.table(), self.course(), file.display());
        Ok(())
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["", "governor", "no governor"]);
        let mut row = |name: &str, value: &dyn Fn(&Figures) -> String| {
            table.add_row([name.to_owned(), value(&self.on), value(&self.off)]);
        };
        row("p95 capture → event, worst five seconds", &|f| format!("{:.0} ms", f.p95_worst_ms));
        row("the same, median", &|f| format!("{:.0} ms", f.p95_median_ms));
        row("frames delivered", &|f| f.frames.to_string());
        row("frames left behind", &|f| f.dropped.to_string());
        row("highest memory", &|f| format!("{:.0} MiB", f.peak_mib));
        row("visits, of which lost", &|f| format!("{}, {}", f.visits, f.visits_lost));
        row("decisions", &|f| f.decisions.len().to_string());
        for (model, course) in &self.on.rungs {
            table.add_row([model.clone(), course.join(" → "), "as written".to_owned()]);
        }
        if let Some(squeeze) = &self.on.squeeze {
            table.add_row(["budget halved".to_owned(), squeezed(squeeze), "–".to_owned()]);
        }
        table
    }

    /// Every decision with its reason.
    fn course(&self) -> String {
        let lines =
            self.on.decisions.iter().map(|step| format!("{:>7.1} s  {:<52} {}", step.at_s, step.change, step.reason));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn squeezed(squeeze: &Squeeze) -> String {
    let below = squeeze.below_after_s.map_or_else(|| "never below".to_owned(), |s| format!("below after {s:.1} s"));
    format!(
        "to {:.0} MiB from {:.0} held: {below}; of {} open visits {} ended",
        squeeze.budget_mib, squeeze.before_mib, squeeze.visits_open, squeeze.visits_ended
    )
}
