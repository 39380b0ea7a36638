//! The deployment file while it runs: read anew when it changes or on SIGHUP. Cameras come and go with it, the budget is
//! renewed; a file with problems changes nothing.

use std::{
    io,
    path::{Path, PathBuf},
    thread::Builder,
    time::{Duration, SystemTime},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{
    config::{Camera, Deployment, Environment, any_error},
    topology::{Cameras, FromFile, Helm, open},
};

/// Between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// What may be renewed.
pub(super) struct Renewal {
    pub(super) file: PathBuf,
    pub(super) helm: Option<Helm>,
    pub(super) cameras: Cameras,
    pub(super) from_file: FromFile,
}

impl Renewal {
    /// What may be renewed of a run started with `cameras`.
    pub(super) fn new(file: &Path, helm: Option<Helm>, running: Cameras, cameras: &[Camera]) -> Self {
        Self { file: file.to_owned(), helm, cameras: running, from_file: FromFile::of(cameras) }
    }

    /// Watches the file on a thread of its own, which ends with the process. Whatever is sent means: now.
    pub(super) fn start(self) -> io::Result<Sender<()>> {
        let (now, asked) = bounded(1);
        Builder::new().name("deployment".into()).spawn(move || self.work(&asked))?;
        Ok(now)
    }

    fn work(mut self, asked: &Receiver<()>) {
        let mut known = changed(&self.file);
        loop {
            let found = match asked.recv_timeout(LOOK) {
                Ok(()) => changed(&self.file),
                Err(RecvTimeoutError::Timeout) => {
                    let found = changed(&self.file);
                    // An editor that is replacing the file has taken it away for a moment.
                    if found.is_none() || found == known {
                        continue;
                    }
                    found
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            known = found;
            self.renew();
        }
    }

    fn renew(&mut self) {
        let opened = open(&self.file, &Environment::of_process());
        match opened.deployment {
            Some(deployment) if !any_error(&opened.problems) => self.apply(&deployment),
            _ => opened.problems.iter().filter(|problem| problem.is_error()).for_each(|problem| {
                tracing::error!("the deployment stays as it was: {problem}");
            }),
        }
    }

    fn apply(&mut self, deployment: &Deployment) {
        for problem in self.from_file.renew(&self.cameras, &deployment.cameras) {
            tracing::error!("{problem}");
        }
        match &self.helm {
            Some(helm) if !helm.renew(&deployment.governor) => {
                tracing::warn!("the governor has too many new budgets waiting; send SIGHUP again");
            }
            _ => {}
        }
        let cameras: Vec<_> = self.cameras.ids().iter().map(ToString::to_string).collect();
        tracing::info!(
            ?cameras,
            "read the deployment anew; keys other than cameras and governor are for the next start"
        );
    }
}

/// When the file was last written, and its length: two saves within a clock tick usually differ in that.
fn changed(file: &Path) -> Option<(SystemTime, u64)> {
    let about = file.metadata().ok()?;
    Some((about.modified().ok()?, about.len()))
}
