//! How the commands that listen to a running Flyball reach it: where, as whom, and whom they trust. Next: `events::bus`, which
//! checks what comes of it.

#[cfg(feature = "zenoh")]
use std::collections::BTreeMap;
use std::{fs, path::PathBuf};

use clap::Args;

#[cfg(feature = "zenoh")]
use super::complain;
use crate::config::Environment;
#[cfg(feature = "zenoh")]
use crate::events::zenoh::ZenohBus;
use crate::events::{BusConfig, BusError, Tls, User};

/// Where the password is when no file has it. Never an argument: everybody on the machine can read those.
const PASSWORD: &str = "FLYBALL_PASSWORD";
/// How long a login is tried before it is said that nobody takes it, in milliseconds.
#[cfg(feature = "zenoh")]
const TRIAL: &str = "3000";

/// Where to connect, and how to log in there.
#[derive(Args, Clone, Debug)]
pub struct Reach {
    /// Where to connect; `tls/host:7447` needs --ca
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp/127.0.0.1:7447")]
    pub connect: String,
    #[command(flatten)]
    login: Login,
}

/// Who we are, and whom we trust.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Login")]
pub(super) struct Login {
    /// Log in as this user; the password is in --password-file, or in the environment as FLYBALL_PASSWORD
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// File whose first line is the password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Certificate of the authority that both sides trust, PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Our certificate, where both sides must show one, PEM
    #[arg(long, value_name = "FILE", requires_all = ["ca", "key"])]
    certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

#[cfg(feature = "zenoh")]
impl Reach {
    /// Says that it waits, and opens a session as soon as somebody lets us in. A login is tried first: whoever waits for ever
    /// would never hear that it is refused.
    pub(super) fn open(&self, waiting: &str) -> Result<ZenohBus, BusError> {
        let patient = self.login.on(BusConfig::connecting_to(&self.connect))?;
        complain(&waiting);
        if self.login.is_given() && ZenohBus::open(&for_a_moment(&patient)).is_err() {
            let place = &self.connect;
            complain(&format!("nobody lets us in at {place} yet: check user, password and certificates; still trying"));
        }
        ZenohBus::open(&patient)
    }

    /// For a question: gives up when nobody answers.
    pub(super) fn asking(&self) -> Result<BusConfig, BusError> {
        self.login.on(BusConfig::asking(&self.connect))
    }
}

/// The same, but gives up soon.
#[cfg(feature = "zenoh")]
fn for_a_moment(patient: &BusConfig) -> BusConfig {
    BusConfig { raw: BTreeMap::from([("connect/timeout_ms".into(), TRIAL.into())]), ..patient.clone() }
}

impl Login {
    #[cfg(feature = "zenoh")]
    fn is_given(&self) -> bool {
        self.user.is_some() || self.certificate.is_some()
    }

    /// The same way, as this user.
    pub(super) fn on(&self, config: BusConfig) -> Result<BusConfig, BusError> {
        let files = [&self.ca, &self.certificate, &self.key];
        if let Some((file, cause)) = files.into_iter().flatten().find_map(|file| Some((file, fs::read(file).err()?))) {
            return Err(BusError::Login(format!("{} cannot be read: {cause}", file.display())));
        }
        let user = self.user.as_ref().map(|name| Ok(User { name: name.clone(), password: self.password()? }));
        Ok(BusConfig { tls: self.tls(), user: user.transpose()?, ..config })
    }

    fn tls(&self) -> Option<Tls> {
        let mutual = self.certificate.is_some();
        let own =
            |ca: &PathBuf| Tls { ca: ca.clone(), certificate: self.certificate.clone(), key: self.key.clone(), mutual };
        self.ca.as_ref().map(own)
    }

    fn password(&self) -> Result<String, BusError> {
        let Some(file) = &self.password_file else {
            let environment = Environment::of_process();
            let missing = || BusError::Login(format!("name --password-file, or put the password into {PASSWORD}"));
            return environment.text(PASSWORD).map(str::to_owned).ok_or_else(missing);
        };
        let text = fs::read_to_string(file);
        let text = text.map_err(|cause| BusError::Login(format!("{} cannot be read: {cause}", file.display())))?;
        let first = text.lines().next().filter(|line| !line.is_empty());
        first.map(str::to_owned).ok_or_else(|| BusError::Login(format!("{} has no first line", file.display())))
    }
}
