//! One run as a process of its own: its memory is read ten times a second, and its budget may be halved on the way.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::after;

use super::TrialError;
use crate::memory::resident_bytes_of;

/// Between two looks at the process.
const LOOK: Duration = Duration::from_millis(100);

/// What one run is to be.
pub(super) struct Course<'a> {
    pub(super) file: &'a Path,
    /// Where its outputs go.
    pub(super) folder: &'a Path,
    pub(super) governed: bool,
    pub(super) run_for: Duration,
    /// When the budget changes, and to how many bytes.
    pub(super) squeeze: Option<(Duration, u64)>,
}

/// What a run left behind.
pub(super) struct Ran {
    /// Its status lines.
    pub(super) output: PathBuf,
    /// Its log, and its summary at the end.
    pub(super) log: PathBuf,
    pub(super) events: PathBuf,
    pub(super) decisions: Option<PathBuf>,
    /// Seconds since the start, and bytes resident.
    pub(super) memory: Vec<(f64, u64)>,
    /// Seconds since the start, the budget from then on, and the wall clock.
    pub(super) squeezed: Option<(f64, u64, SystemTime)>,
}

/// A copy of the deployment beside it, so that its relative paths hold; removed when dropped.
struct Copy(PathBuf);

impl Copy {
    fn of(file: &Path) -> io::Result<Self> {
        let copy = file.with_extension("trial.toml");
        fs::copy(file, &copy)?;
        Ok(Self(copy))
    }

    /// From now on this budget.
    fn set_budget(&self, bytes: u64) -> io::Result<()> {
        let text = fs::read_to_string(&self.0)?;
        let line = |line: &str| {
            let is_budget = line.trim_start().starts_with("memory_budget");
            if is_budget { format!("memory_budget = \"{bytes} B\"\n") } else { format!("{line}\n") }
        };
        fs::write(&self.0, text.lines().map(line).collect::<String>())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _left_behind = fs::remove_file(&self.0);
    }
}

/// Runs it to its end.
pub(super) fn run_child(course: &Course<'_>) -> Result<Ran, TrialError> {
    let which = if course.governed { "on" } else { "off" };
    let at = |name: &str| course.folder.join(format!("governed-{which}.{name}"));
    let copy = told(course.file, Copy::of(course.file))?;
    let output = at("txt");
    let mut ran = Ran {
        output: output.clone(),
        log: at("log"),
        events: at("events.jsonl"),
        decisions: course.governed.then(|| at("decisions.jsonl")),
        memory: Vec::new(),
        squeezed: None,
    };
    let mut child = told(&output, start(course, &copy, &ran))?;
    let watched = watch(course, &copy, &mut child, &mut ran);
    let status = told(&output, watched.and_then(|()| child.wait()))?;
    if !status.success() {
        return Err(TrialError::Child(which, status, ran.log.display().to_string()));
    }
    Ok(ran)
}

fn start(course: &Course<'_>, copy: &Copy, ran: &Ran) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("run").arg(&copy.0).args(["--plain", "--for"]);
    command.arg(humantime::format_duration(course.run_for).to_string());
    command.args(["--log", "info"]).arg("--events").arg(&ran.events);
    match &ran.decisions {
        Some(file) => command.arg("--decisions").arg(file),
        None => command.arg("--no-governor"),
    };
    // With events in a file, the summary goes to standard error like the log.
    command.stdin(Stdio::null()).stdout(File::create(&ran.output)?).stderr(File::create(&ran.log)?);
    command.spawn()
}

/// Looks until the process has ended.
fn watch(course: &Course<'_>, copy: &Copy, child: &mut Child, ran: &mut Ran) -> io::Result<()> {
    let start = now();
    while child.try_wait()?.is_none() {
        let since = now() - start;
        if let Some(bytes) = resident_bytes_of(child.id()) {
            ran.memory.push((since.as_secs_f64(), bytes));
        }
        if let Some((_, budget)) = course.squeeze.filter(|(at, _)| ran.squeezed.is_none() && since >= *at) {
            copy.set_budget(budget)?;
            hang_up(child.id())?;
            ran.squeezed = Some((since.as_secs_f64(), budget, wall()));
        }
        pause(LOOK);
    }
    Ok(())
}

/// Tells the process to read its budget anew.
fn hang_up(process: u32) -> io::Result<()> {
    #[allow(unsafe_code, reason = "the standard library sends no signals")]
    // SAFETY: kill takes no pointers, and the process is our own child, which has not been waited for yet.
    let sent = unsafe { libc::kill(process.cast_signed(), libc::SIGHUP) };
    if sent == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn pause(time: Duration) {
    let _it_is_over = after(time).recv();
}

fn told<T>(what: &Path, outcome: io::Result<T>) -> Result<T, TrialError> {
    outcome.map_err(|cause| TrialError::Io(what.display().to_string(), cause))
}

#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
fn wall() -> SystemTime {
    SystemTime::now()
}
