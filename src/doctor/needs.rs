//! What is asked for: by one deployment, or, without one, by everything Flyball can do.

use std::{collections::BTreeSet, path::PathBuf};

use crate::{
    config::{Decoder, Deployment, Device, Mode, Source},
    inference::SHAPES,
    media::{StreamKind, StreamSource, is_y4m},
    topology::Graph,
};

/// Whether a GPU is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpu {
    /// No: `device = "cpu"`, or no network runs.
    No,
    /// When there is one.
    IfThere,
    /// This one, or it does not run.
    Must,
}

/// What is asked for.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, each asked for by its name")]
pub struct Needs {
    /// The deployment's file, for the words of a complaint.
    pub file: Option<PathBuf>,
    /// Video files.
    pub footage: Vec<PathBuf>,
    /// Cameras in all.
    pub cameras: u64,
    /// Whether any of them is reached over RTSP.
    pub rtsp: bool,
    /// Whether any of them is reached over RTSP with TLS.
    pub rtsps: bool,
    /// Whether any of them speaks WebRTC.
    pub webrtc: bool,
    /// Streams by address, each kind once.
    pub streams: BTreeSet<StreamKind>,
    /// Whether any must be decoded by the GPU.
    pub hardware_decoder: bool,
    /// Model and variant by stage; `None` is all there are.
    pub models: Option<BTreeSet<(String, Option<String>)>>,
    /// Where models lie.
    pub models_dir: PathBuf,
    /// Whether models without terms or checksum may run.
    pub allow_unlicensed: bool,
    /// Whether models run on a GPU.
    pub gpu: Gpu,
    /// Endpoints to listen on: Zenoh's, and `http/…` for the server.
    pub listen: Vec<String>,
    /// Zenoh endpoints to connect to.
    pub connect: Vec<String>,
    /// Whether nothing is heard of events unless one of those answers.
    pub is_client: bool,
    /// Whether traces or reports of failures are sent.
    pub telemetry: bool,
    /// Files that are written.
    pub writes: Vec<PathBuf>,
}

impl Needs {
    /// Of everything, with models in this folder.
    pub fn of_everything(models_dir: PathBuf) -> Self {
        Self {
            file: None,
            footage: Vec::new(),
            cameras: 1,
            rtsp: true,
            rtsps: true,
            webrtc: true,
            streams: BTreeSet::new(),
            hardware_decoder: false,
            models: None,
            models_dir,
            allow_unlicensed: false,
            gpu: Gpu::IfThere,
            listen: Vec::new(),
            connect: Vec::new(),
            is_client: false,
            telemetry: false,
            writes: vec![PathBuf::from(".")],
        }
    }

    /// Of one deployment.
    pub fn of(deployment: &Deployment, graph: &Graph) -> Self {
        let models = models(graph);
        let gpu = match deployment.models.device {
            _ if models.is_empty() => Gpu::No,
            Device::Cpu => Gpu::No,
            Device::Auto => Gpu::IfThere,
            Device::Cuda(_) => Gpu::Must,
        };
        let zenoh = deployment.events.zenoh.as_ref();
        let cameras = &deployment.cameras;
        let http = deployment.server.as_ref().map(|server| format!("http/{}", server.listen));
        let journal = deployment.events.journal.as_ref().map(|journal| journal.path.clone());
        Self {
            file: Some(deployment.file.clone()),
            footage: cameras.iter().filter_map(|camera| footage(&camera.source)).collect(),
            cameras: cameras.len() as u64,
            rtsps: cameras
                .iter()
                .any(|camera| matches!(&camera.source, Source::Rtsp { url, .. } if url.starts_with("rtsps:"))),
            rtsp: cameras.iter().any(|camera| matches!(camera.source, Source::Rtsp { .. })),
            webrtc: cameras.iter().any(|camera| matches!(camera.source, Source::Whip(_) | Source::Whep { .. })),
            streams: cameras.iter().filter_map(|camera| stream(&camera.source)).collect(),
            hardware_decoder: cameras.iter().any(|camera| camera.decoder == Decoder::Nvdec),
            models: Some(models),
            models_dir: deployment.models.dir.clone(),
            allow_unlicensed: deployment.models.allow_unlicensed,
            gpu,
            listen: zenoh.map(|zenoh| zenoh.listen.clone()).unwrap_or_default().into_iter().chain(http).collect(),
            connect: zenoh.map(|zenoh| zenoh.connect.clone()).unwrap_or_default(),
            is_client: zenoh.is_some_and(|zenoh| zenoh.mode == Mode::Client),
            telemetry: deployment.telemetry != crate::config::Telemetry::default(),
            writes: journal.into_iter().chain(deployment.gallery.path.clone()).collect(),
        }
    }

    /// Whether any network runs.
    pub fn runtime(&self) -> bool {
        self.models.as_ref().is_none_or(|models| !models.is_empty())
    }

    /// Whether any camera is reached over the network.
    pub fn network_cameras(&self) -> bool {
        self.rtsp || self.webrtc || !self.streams.is_empty()
    }

    /// Whether anything is decoded: uncompressed files are not.
    pub fn decoding(&self) -> bool {
        self.network_cameras() || self.footage.iter().any(|path| !is_y4m(path))
    }

    /// Whether this is about one deployment.
    pub fn is_of_deployment(&self) -> bool {
        self.file.is_some()
    }
}

/// Every stage says `model` and `variant` where it runs one, so that a new kind of stage is understood unasked.
fn models(graph: &Graph) -> BTreeSet<(String, Option<String>)> {
    let keys = graph.nodes().iter().filter_map(|node| serde_json::to_value(&node.config).ok());
    let named = keys.filter_map(|keys| {
        let text = |key: &str| keys.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
        Some((text("model")?, text("variant")))
    });
    named.filter(|(model, _)| model != SHAPES).collect()
}

fn stream(source: &Source) -> Option<StreamKind> {
    let Source::Stream { address, .. } = source else { return None };
    StreamSource::parse(address, None).ok().map(|stream| stream.kind())
}

fn footage(source: &Source) -> Option<PathBuf> {
    if let Source::File { path, .. } = source { Some(path.clone()) } else { None }
}
