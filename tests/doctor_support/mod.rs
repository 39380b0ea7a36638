//! A machine in a folder: a deployment with one camera and one model, links to the GStreamer plugins it needs, stand-ins for
//! libraries. Pieces are taken away one by one, and the real program is asked.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support: read it where it is used")]
#![allow(unreachable_pub, reason = "shared by including the file")]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::support::{Place, flyball, program, root, text};

/// Every plugin file the camera of these tests needs, and the package it comes from.
pub const PLUGINS: &[(&str, &str)] = &[
    ("libgstcoreelements.so", "libgstreamer1.0-0"),
    ("libgsttypefindfunctions.so", ""),
    ("libgstvideoconvertscale.so", "gstreamer1.0-plugins-base"),
    ("libgstapp.so", "gstreamer1.0-plugins-base"),
    ("libgstvideofilter.so", "gstreamer1.0-plugins-good"),
    ("libgstisomp4.so", "gstreamer1.0-plugins-good"),
    ("libgstvideoparsersbad.so", "gstreamer1.0-plugins-bad"),
    ("libgstlibav.so", "gstreamer1.0-libav"),
];
/// What WebRTC needs beside those, and the packages.
pub const WEBRTC_PLUGINS: &[(&str, &str)] = &[
    ("libgstwebrtc.so", "gstreamer1.0-plugins-bad"),
    ("libgstdtls.so", "gstreamer1.0-plugins-bad"),
    ("libgstsrtp.so", "gstreamer1.0-plugins-bad"),
    ("libgstnice.so", "gstreamer1.0-nice"),
    ("libgstrtpmanager.so", "gstreamer1.0-plugins-good"),
    ("libgstrtp.so", "gstreamer1.0-plugins-good"),
];
const PLUGIN_FOLDER: &str = "/usr/lib/x86_64-linux-gnu/gstreamer-1.0";

/// What must be fetched or installed before any of this means something.
pub const NEEDED: &[&str] = &[
    "models/yunet/yunet.onnx",
    "vendor/onnxruntime",
    "/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstlibav.so",
    "/usr/bin/gcc",
];

/// A pipeline with one real network.
const PIPELINE: &str = "pipeline.name = \"p\"\n[[stage]]\nkind = \"detect\"\nmodel = \"yunet\"\n\
                        [[stage]]\nkind = \"track\"\n[[stage]]\nkind = \"publish\"\n";

pub struct Machine {
    pub place: Place,
    pub deployment: PathBuf,
    runtime: Option<PathBuf>,
    /// Whether GStreamer looks for plugins here alone; reading them anew takes longer than the list the system keeps.
    own_plugins: bool,
    /// Whether GLib finds the library it speaks TLS with.
    tls: bool,
}

impl Machine {
    /// One on which nothing is wrong.
    pub fn new() -> Self {
        Self::with("")
    }

    /// The same, with more sections in its deployment.
    pub fn with(more: &str) -> Self {
        let place = Place::new();
        let pipeline = place.write("pipeline.toml", PIPELINE);
        let clip = place.write("clip.mp4", "never opened");
        for file in ["model.toml", "yunet.onnx"] {
            place.write(&format!("models/yunet/{file}"), fs::read(root().join("models/yunet").join(file)).unwrap());
        }
        fs::create_dir(place.path("libraries")).unwrap();
        let camera = format!("file = \"{}\"", clip.display());
        let deployment = place.deployment_of(&pipeline, &place.path("models"), &[("gate", &camera)], more);
        Self { place, deployment, runtime: None, own_plugins: false, tls: true }
    }

    /// With all plugins but one.
    #[must_use]
    pub fn without_plugin(mut self, missing: &str) -> Self {
        fs::create_dir(self.place.path("plugins")).unwrap();
        for (file, _) in PLUGINS.iter().chain(WEBRTC_PLUGINS).filter(|(file, _)| *file != missing) {
            symlink(Path::new(PLUGIN_FOLDER).join(file), self.place.path("plugins").join(file)).unwrap();
        }
        self.own_plugins = true;
        self
    }

    /// Without what GLib speaks TLS with.
    #[must_use]
    pub fn without_tls(self) -> Self {
        Self { tls: false, ..self }
    }

    pub fn remove(&self, file: &str) {
        fs::remove_file(self.place.path(file)).unwrap();
    }

    /// Writes a file anew with one text replaced.
    pub fn rewrite(&self, file: &str, from: &str, to: &str) {
        let path = self.place.path(file);
        let before = fs::read_to_string(&path).unwrap();
        assert!(before.contains(from), "{file} has no {from:?}");
        fs::write(path, before.replacen(from, to, 1)).unwrap();
    }

    /// An ONNX Runtime that says it is this version.
    #[must_use]
    pub fn with_runtime(mut self, version: &str) -> Self {
        fs::create_dir_all(self.place.path("vendor/onnxruntime")).unwrap();
        let file = format!("vendor/onnxruntime/libonnxruntime.so.{version}");
        self.compile(&format!("-DORT=\"{version}\""), &file);
        self.runtime = Some(self.place.path("vendor/onnxruntime"));
        self
    }

    /// Another place to look for ONNX Runtime.
    #[must_use]
    pub fn with_runtime_at(mut self, path: PathBuf) -> Self {
        self.runtime = Some(path);
        self
    }

    /// An NVIDIA driver of this version.
    #[must_use]
    pub fn with_driver(self, version: &str) -> Self {
        self.compile(&format!("-DDRIVER=\"{version}\""), "libraries/libnvidia-ml.so.1");
        self
    }

    fn compile(&self, define: &str, file: &str) {
        let source = root().join("tests/doctor_support/fake.c");
        let mut gcc = Command::new("gcc");
        gcc.args(["-shared", "-fPIC", "-w", define, "-o"]).arg(self.place.path(file)).arg(source);
        assert!(gcc.status().unwrap().success(), "gcc could not make {file}");
    }

    /// The program on this machine.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = flyball(arguments);
        self.dress(&mut command);
        command
    }

    /// The program in this machine's own folder, where it finds this machine's runtime first.
    pub fn command_inside(&self, arguments: &[&str]) -> Command {
        let mut command = program(Path::new(env!("CARGO_BIN_EXE_flyball")), &self.place.path(""), arguments);
        self.dress(&mut command);
        command
    }

    fn dress(&self, command: &mut Command) {
        command.env("LD_LIBRARY_PATH", self.place.path("libraries"));
        if !self.tls {
            command.env("GIO_MODULE_DIR", self.place.path("no-modules"));
        }
        if !self.own_plugins {
            return;
        }
        command
            .env("GST_PLUGIN_SYSTEM_PATH_1_0", self.place.path("plugins"))
            .env("GST_PLUGIN_PATH_1_0", "")
            .env("GST_REGISTRY_1_0", self.place.path("registry"))
            .env("GST_REGISTRY_FORK", "no");
    }

    /// The complaints of `flyball doctor`, and its exit code.
    pub fn complaints(&self) -> (Vec<Complaint>, i32) {
        let mut arguments = vec!["doctor", "--json", text(&self.deployment)];
        let runtime = self.runtime.as_ref().map(|path| text(path).to_owned());
        if let Some(runtime) = &runtime {
            arguments.extend(["--onnxruntime", runtime]);
        }
        let output = self.command(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let report: Value = serde_json::from_str(&said)
            .unwrap_or_else(|why| panic!("{why}: {said:?} {}", String::from_utf8_lossy(&output.stderr)));
        let checks = report["checks"].as_array().unwrap();
        let ill = checks.iter().filter(|check| check["health"] != "healthy" && check["weight"] != "not_needed");
        // Whether somebody keeps the clock of the machine under this one is no matter of these tests.
        let ill = ill.filter(|check| check["name"] != "clock");
        (ill.map(Complaint::of).collect(), output.status.code().unwrap())
    }
}

#[derive(Debug)]
pub struct Complaint {
    pub name: String,
    pub health: String,
    pub mend: String,
}

impl Complaint {
    fn of(check: &Value) -> Self {
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        Self { name: text("name"), health: text("health"), mend: text("mend") }
    }
}
