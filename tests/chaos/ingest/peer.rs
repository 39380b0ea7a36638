//! The other ends: RTSP servers in processes of their own, so that they can be killed and frozen.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use flyball::media::{Credentials, RunningSampleCamera, SampleCamera};

pub const USER: &str = "cam";
/// Looked for in everything this program and its artefacts say.
pub const PASSWORD: &str = "c0rrect-H@gfish";

/// What a server serves.
#[derive(Clone, Debug, Default)]
pub struct Serve {
    /// A clip, unless `pipeline` says otherwise.
    pub clip: PathBuf,
    pub pipeline: Option<String>,
    /// 0 takes a free port.
    pub port: u16,
    /// Name of a certificate under `tests/certificates`.
    pub certificate: Option<String>,
    /// Whether it asks for another password than ours.
    pub strange_password: bool,
}

/// A server process. Dropping it kills the process.
pub struct Peer {
    process: Child,
    pub address: SocketAddr,
}

impl Serve {
    pub fn clip(clip: &Path) -> Self {
        Self { clip: clip.to_owned(), ..Self::default() }
    }

    pub fn pipeline(line: &str) -> Self {
        Self { pipeline: Some(line.to_owned()), ..Self::default() }
    }

    pub fn at(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    /// Starts it in a process of its own and waits until it listens.
    pub fn start(&self) -> Peer {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["serve", &self.clip.display().to_string(), &self.port.to_string()])
            .args([self.pipeline.as_deref().unwrap_or(""), self.certificate.as_deref().unwrap_or("")])
            .arg(self.strange_password.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap_or_else(|_| panic!("the server said {line:?} for {self:?}"));
        Peer { process, address }
    }

    /// What the process does: serves until it is killed.
    pub fn from_args(args: &[String]) -> ! {
        let text = |at: usize| Some(args[at].clone()).filter(|text| !text.is_empty());
        let serve = Self {
            clip: args[0].clone().into(),
            port: args[1].parse().unwrap(),
            pipeline: text(2),
            certificate: text(3),
            strange_password: args[4] == "true",
        };
        let running = serve.run();
        println!("{}", running.address());
        loop {
            super::relay::pause(std::time::Duration::from_mins(1));
        }
    }

    fn run(&self) -> RunningSampleCamera {
        let password = if self.strange_password { "quite-another" } else { PASSWORD };
        let sample = SampleCamera {
            listen: SocketAddr::from(([127, 0, 0, 1], self.port)),
            credentials: Some(Credentials::new(USER, password)),
            tls: self.certificate.as_ref().map(|name| (certificate(name, "pem"), certificate(name, "key"))),
            pipeline: self.pipeline.clone(),
            ..SampleCamera::new(&self.clip)
        };
        for _ in 0..200 {
            if let Ok(running) = sample.start() {
                return running;
            }
            super::relay::pause(std::time::Duration::from_millis(25)); // the last owner of the port is still leaving
        }
        sample.start().map_err(|problem| problem.to_string()).unwrap()
    }
}

/// A file under `tests/certificates`.
pub fn certificate(name: &str, kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/certificates/{name}.{kind}"))
}

impl Peer {
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _gone = (self.process.kill(), self.process.wait());
    }
}
