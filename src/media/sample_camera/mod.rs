//! A real RTSP server that shows a clip over and over: for the demonstration, and for tests that need a network camera.
//!
//! [`feed`] sends the clip's pictures out as they are, without decoding them; this file is the server around it. Nothing
//! in the main job depends on it.

mod feed;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::Receiver;
use gstreamer as gst;
use gstreamer_rtsp as gst_rtsp;
use gstreamer_rtsp_server as gst_rtsp_server;
use gstreamer_rtsp_server::prelude::*;
use gstreamer_rtsp_server::{gio, glib};

use super::chain::{self, Encoded};
use super::{Credentials, MediaError, Transport};

/// The role of whoever knows the password.
const VIEWER: &str = "viewer";

/// A camera to be played from a clip (H.264, H.265, VP8, VP9 or JPEG).
#[derive(Clone, Debug)]
pub struct SampleCamera {
    /// The clip.
    pub file: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The stream's path, from its slash on.
    pub path: String,
    /// Who may watch; everybody when `None`.
    pub credentials: Option<Credentials>,
    /// Whether the password is asked for in the basic way, which shows it to the network, instead of by digest.
    pub basic: bool,
    /// Certificate and key, both PEM; makes it an `rtsps` server.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// A pipeline of the caller's own in place of the clip, as the server takes it: `( … name=pay0 )`.
    pub pipeline: Option<String>,
    /// What is offered; `Auto` offers both.
    pub transport: Transport,
    /// Whether the clip starts again at its end.
    pub repeat: bool,
}

/// A sample camera that is being served. Dropping it hangs up on everybody and frees the port.
pub struct RunningSampleCamera {
    server: gst_rtsp_server::RTSPServer,
    service: Option<glib::Source>,
    main_loop: glib::MainLoop,
    thread: Option<JoinHandle<()>>,
    address: SocketAddr,
    path: String,
    scheme: &'static str,
}

impl SampleCamera {
    /// An open camera at `/sample` on a free port of this machine, repeating.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            path: "/sample".to_owned(),
            credentials: None,
            basic: false,
            tls: None,
            pipeline: None,
            transport: Transport::Auto,
            repeat: true,
        }
    }

    /// Serves until `stop` disconnects.
    pub fn serve(&self, stop: &Receiver<Infallible>) -> Result<(), MediaError> {
        let _running = self.start()?;
        // Nothing is ever sent; this returns when the sender is dropped.
        let _ = stop.recv();
        Ok(())
    }

    /// Reads the clip, starts listening and returns.
    pub fn start(&self) -> Result<RunningSampleCamera, MediaError> {
        chain::ready()?;
        let server = gst_rtsp_server::RTSPServer::new();
        server.set_address(&self.listen.ip().to_string());
        server.set_service(&self.listen.port().to_string());
        // Connections are served on the one thread started below.
        if let Some(threads) = server.thread_pool() {
            threads.set_max_threads(0);
        }
        let factory = self.factory()?;
        self.guard(&server, &factory)?;
        let mounts = server.mount_points().ok_or_else(|| self.deaf("the server has no mount points"))?;
        mounts.add_factory(&self.path, factory);
        self.listen(server)
    }

    fn factory(&self) -> Result<gst_rtsp_server::RTSPMediaFactory, MediaError> {
        let factory = gst_rtsp_server::RTSPMediaFactory::new();
        match &self.pipeline {
            Some(pipeline) => factory.set_launch(pipeline),
            None => self.play_clip(&factory)?,
        }
        // One timeline for all viewers, as with a real camera.
        factory.set_shared(true);
        factory.set_protocols(match self.transport {
            Transport::Auto => gst_rtsp::RTSPLowerTrans::TCP | gst_rtsp::RTSPLowerTrans::UDP,
            Transport::Tcp => gst_rtsp::RTSPLowerTrans::TCP,
            Transport::Udp => gst_rtsp::RTSPLowerTrans::UDP,
        });
        Ok(factory)
    }

    fn play_clip(&self, factory: &gst_rtsp_server::RTSPMediaFactory) -> Result<(), MediaError> {
        let clip: Arc<Encoded> = Arc::new(chain::read_encoded(&self.file)?);
        factory.set_launch(&feed::launch_line(&clip, &self.file)?);
        let repeat = self.repeat;
        factory.connect_media_configure(move |_, media| feed::supply(media, &clip, repeat));
        Ok(())
    }

    /// Password and certificate, as far as they are asked for.
    fn guard(
        &self,
        server: &gst_rtsp_server::RTSPServer,
        factory: &gst_rtsp_server::RTSPMediaFactory,
    ) -> Result<(), MediaError> {
        if self.credentials.is_none() && self.tls.is_none() {
            return Ok(());
        }
        let auth = gst_rtsp_server::RTSPAuth::new();
        if let Some((certificate, key)) = &self.tls {
            let both = gio::TlsCertificate::from_files(certificate, key).map_err(|e| self.deaf(&e.to_string()))?;
            auth.set_tls_certificate(Some(&both));
        }
        let mut token =
            gst_rtsp_server::RTSPToken::builder().field(gst_rtsp_server::RTSP_TOKEN_MEDIA_FACTORY_ROLE, VIEWER).build();
        match &self.credentials {
            None => auth.set_default_token(Some(&mut token)),
            Some(credentials) if self.basic => {
                auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Basic);
                let basic = gst_rtsp_server::RTSPAuth::make_basic(credentials.user(), credentials.password());
                auth.add_basic(&basic, &token);
            }
            Some(credentials) => {
                auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::Digest);
                auth.add_digest(credentials.user(), credentials.password(), &token);
            }
        }
        let may = gst::Structure::builder(VIEWER)
            .field(gst_rtsp_server::RTSP_PERM_MEDIA_FACTORY_ACCESS, true)
            .field(gst_rtsp_server::RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, true)
            .build();
        factory.add_role_from_structure(&may);
        server.set_auth(Some(&auth));
        Ok(())
    }

    fn listen(&self, server: gst_rtsp_server::RTSPServer) -> Result<RunningSampleCamera, MediaError> {
        let context = glib::MainContext::new();
        let source = server.attach(Some(&context)).map_err(|e| self.deaf(&e.to_string()))?;
        let port = u16::try_from(server.bound_port()).map_err(|_| self.deaf("it got no port"))?;
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let runs = main_loop.clone();
        let thread = thread::Builder::new()
            .name("sample-camera".to_owned())
            .spawn(move || runs.run())
            .map_err(|e| self.deaf(&e.to_string()))?;
        Ok(RunningSampleCamera {
            server,
            service: context.find_source_by_id(&source),
            main_loop,
            thread: Some(thread),
            address: SocketAddr::new(self.listen.ip(), port),
            path: self.path.clone(),
            scheme: if self.tls.is_some() { "rtsps" } else { "rtsp" },
        })
    }

    fn deaf(&self, why: &str) -> MediaError {
        MediaError::CannotListen { listen: self.listen.to_string(), why: why.to_owned() }
    }
}

impl RunningSampleCamera {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address to watch, without user and password.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.address, self.path)
    }

    /// How many viewers are connected.
    pub fn viewers(&self) -> usize {
        self.server.client_filter(None).len()
    }
}

impl Drop for RunningSampleCamera {
    fn drop(&mut self) {
        let (server, service, main_loop) = (self.server.clone(), self.service.take(), self.main_loop.clone());
        // On the server's own thread: a connection must not be closed while that thread reads from it.
        self.main_loop.context().invoke(move || {
            hang_up(&server, service.as_ref());
            main_loop.quit();
        });
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn hang_up(server: &gst_rtsp_server::RTSPServer, service: Option<&glib::Source>) {
    if let Some(service) = service {
        service.destroy();
    }
    server.client_filter(Some(&mut |_, _| gst_rtsp_server::RTSPFilterResult::Remove));
    if let Some(pool) = server.session_pool() {
        pool.filter(Some(&mut |_, _| gst_rtsp_server::RTSPFilterResult::Remove));
    }
}
