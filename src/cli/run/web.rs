//! The HTTP server of a run, on a runtime of its own: the only place where one is made for it.

use super::super::Exit;
use crate::config::Deployment;
use crate::events::EventSink;
use crate::topology::Assembly;

/// Why the server cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebError {
    /// The port, or the certificate.
    #[cfg(feature = "server")]
    #[error(transparent)]
    Listen(#[from] crate::server::ListenError),
    /// No threads.
    #[cfg(feature = "server")]
    #[error("the threads of the HTTP server cannot be started: {0}; raise the limit on processes (ulimit -u)")]
    Threads(std::io::Error),
    /// It was built without.
    #[cfg(not(feature = "server"))]
    #[error(
        "the deployment wants a `[server]`, but this flyball was built without it: build it with `--features server`"
    )]
    NotBuilt,
}

#[cfg(feature = "server")]
mod built {
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};

    use super::{Assembly, Deployment, EventSink, Exit, WebError};
    use crate::config::Server;
    use crate::server::{Desk, Feed, ListenError, Listening, Serving};

    /// HTTP carries words, never frames: two threads are plenty.
    const THREADS: usize = 2;
    /// Longest wait for answers on their way at the end.
    const GRACE: Duration = Duration::from_secs(2);

    /// A port that is ours, and ears for the events.
    pub(in super::super) struct Opening {
        server: Server,
        listening: Listening,
        feed: Feed,
    }

    /// A server that answers.
    pub(in super::super) struct Web {
        desk: Desk,
        // Dropped in this order: no new requests, then the threads.
        serving: Option<Serving>,
        runtime: Option<Runtime>,
    }

    /// Takes the port and joins those who hear events, before anything starts; `None` when no server is asked for.
    pub(in super::super) fn open(
        deployment: &Deployment,
        taps: &mut Vec<Box<dyn EventSink>>,
    ) -> Result<Option<Opening>, WebError> {
        let Some(server) = &deployment.server else { return Ok(None) };
        let (listening, feed) = (Listening::open(server)?, Feed::default());
        taps.push(feed.sink());
        Ok(Some(Opening { server: server.clone(), listening, feed }))
    }

    impl Opening {
        /// Begins to answer about what runs.
        pub(in super::super) fn begin(self, deployment: &Deployment, assembly: &Assembly) -> Result<Web, WebError> {
            let desk = Desk::new(deployment, &self.server, assembly, self.feed);
            let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("http").enable_all().build();
            let runtime = runtime.map_err(WebError::Threads)?;
            let serving = self.listening.serve(desk.clone(), runtime.handle())?;
            Ok(Web { desk, serving: Some(serving), runtime: Some(runtime) })
        }
    }

    impl Web {
        /// The end was asked for: not ready any more, and readers of events are let go.
        pub(in super::super) fn end(&self) {
            self.desk.end();
        }
    }

    impl Drop for Web {
        fn drop(&mut self) {
            self.desk.end();
            drop(self.serving.take());
            if let Some(runtime) = self.runtime.take() {
                runtime.shutdown_timeout(GRACE);
            }
        }
    }

    impl WebError {
        /// A port that is taken is the machine's refusal, a certificate that is none is the user's to mend.
        pub(in super::super) fn exit(&self) -> Exit {
            match self {
                Self::Listen(ListenError::Port(..)) | Self::Threads(_) => Exit::Failed,
                Self::Listen(_) => Exit::BadInput,
            }
        }
    }
}

#[cfg(not(feature = "server"))]
mod built {
    use super::{Assembly, Deployment, EventSink, Exit, WebError};

    /// Never opened: this program has no server.
    pub(in super::super) enum Opening {}

    /// Never begun.
    pub(in super::super) enum Web {}

    /// Refuses a deployment that asks for a server.
    pub(in super::super) fn open(
        deployment: &Deployment,
        _taps: &mut Vec<Box<dyn EventSink>>,
    ) -> Result<Option<Opening>, WebError> {
        if deployment.server.is_some() { Err(WebError::NotBuilt) } else { Ok(None) }
    }

    impl Opening {
        pub(in super::super) fn begin(self, _: &Deployment, _: &Assembly) -> Result<Web, WebError> {
            match self {}
        }
    }

    impl Web {
        pub(in super::super) fn end(&self) {
            match *self {}
        }
    }

    impl WebError {
        pub(in super::super) fn exit(&self) -> Exit {
            Exit::Missing
        }
    }
}

pub(super) use built::{Web, open};
