//! The HTTP server as a run has it, over the events of a node beside it: for readers of server-sent events.

use std::fs;

use flyball::{
    config::{Deployment, Environment},
    events::{EventSink, journal::JournalReader},
    server::{Desk, Feed, Listening, Serving},
    topology::{Assembly, assemble, open},
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::world::{PATIENCE, now};

/// As many as a run has.
const THREADS: usize = 2;
const DEPLOYMENT: &str = "[deployment]\nname = \"bench\"\nsite = \"hq\"\npipeline = \"shapes.toml\"\n\
                          [models]\ndir = \".\"\n[server]\nlisten = \"127.0.0.1:0\"\n[governor]\nenabled = false\n\
                          [[camera]]\nid = \"cam0\"\nsource = { whip = {} }\n";
const SHAPES: &str = "[pipeline]\nname = \"shapes\"\n[[stage]]\nkind = \"detect\"\nmodel = \"shapes\"\n\
                      [[stage]]\nkind = \"track\"\n[[stage]]\nkind = \"publish\"\n";

/// A server that answers about a pipeline without pictures, and tells its readers whatever its feed hears.
pub(crate) struct Web {
    pub(crate) base: String,
    desk: Desk,
    serving: Serving,
    runtime: Runtime,
    assembly: Assembly,
    _folder: TempDir,
}

/// What hears the events, until there is a journal to serve them from.
pub(crate) struct Opening {
    feed: Feed,
    deployment: Deployment,
    assembly: Assembly,
    folder: TempDir,
}

impl Opening {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deployment.toml");
        fs::write(&file, DEPLOYMENT).expect("a deployment");
        fs::write(folder.path().join("shapes.toml"), SHAPES).expect("a pipeline");
        let opened = open(&file, &Environment::of(&[]));
        let (Some(deployment), Some(graph)) = (opened.deployment, opened.graph) else {
            panic!("{:#?}", opened.problems)
        };
        let assembly = assemble(&deployment, &graph, Vec::new()).expect("a pipeline");
        Self { feed: Feed::default(), deployment, assembly, folder }
    }

    pub(crate) fn sink(&self) -> Box<dyn EventSink> {
        self.feed.sink()
    }

    pub(crate) fn serve(self, history: Option<JournalReader>) -> Web {
        let Self { feed, deployment, mut assembly, folder } = self;
        assembly.history = history;
        let server = deployment.server.as_ref().expect("a server");
        let desk = Desk::new(&deployment, server, &assembly, feed);
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().expect("threads");
        let listening = Listening::open(server).expect("a port");
        let serving = listening.serve(desk.clone(), runtime.handle()).expect("a server");
        Web { base: format!("http://{}", serving.address), desk, serving, runtime, assembly, _folder: folder }
    }
}

impl Web {
    pub(crate) fn stop(self) {
        let Self { desk, serving, runtime, assembly, .. } = self;
        desk.end();
        drop((serving, desk));
        runtime.shutdown_timeout(PATIENCE);
        assembly.running.stop();
        let _ended = assembly.finish(now() + PATIENCE, now);
    }
}
