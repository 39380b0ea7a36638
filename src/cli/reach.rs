//! How the commands that listen to a running Flyball reach it: where, as whom, and whom they trust.

use std::{fs, path::PathBuf};

use clap::Args;

use crate::config::Environment;
use crate::events::{BusConfig, BusError, Tls, User};

/// Where the password is when no file has it. Never an argument: everybody on the machine can read those.
const PASSWORD: &str = "FLYBALL_PASSWORD";

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

impl Reach {
    /// For who waits there as long as it takes.
    pub(super) fn patient(&self) -> Result<BusConfig, BusError> {
        self.login.on(BusConfig::connecting_to(&self.connect))
    }

    /// For a question: gives up when nobody answers.
    pub(super) fn asking(&self) -> Result<BusConfig, BusError> {
        self.login.on(BusConfig::asking(&self.connect))
    }
}

impl Login {
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
