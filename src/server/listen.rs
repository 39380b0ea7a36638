//! The server itself: the port, the encryption, and a graceful end.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum_server::{Handle, tls_rustls::RustlsConfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::runtime;

use super::{Desk, routes::routes};
use crate::config::{Server, ServerTls};

/// Longest wait for the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// What is being answered when the end comes may take this much longer.
const GRACE: Duration = Duration::from_secs(1);

/// Why the server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port is taken, or is not ours to take.
    #[error("cannot listen on {0}: {1}; choose another `listen` in `[server]`")]
    Port(SocketAddr, io::Error),
    /// A certificate or key that is none.
    #[error("`{}` cannot be used for TLS: {why}; name a PEM file with {wanted}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// The two do not belong together.
    #[error("certificate and key of `[server.tls]` cannot be used: {0}")]
    Pair(rustls::Error),
}

/// A port that is ours; nobody is answered yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
}

/// A server that answers. Dropping it ends it.
#[derive(Debug)]
pub struct Serving {
    /// Where.
    pub address: SocketAddr,
    handle: Handle<SocketAddr>,
}

impl Listening {
    /// Takes the port and reads the certificate, so that what is wrong is said before anything starts.
    pub fn open(server: &Server) -> Result<Self, ListenError> {
        let taken = |cause| ListenError::Port(server.listen, cause);
        let tls = server.tls.as_ref().map(tls).transpose()?;
        let listener = TcpListener::bind(server.listen).map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        Ok(Self { listener, address, tls })
    }

    /// Begins to answer, on the threads of `runtime`.
    pub fn serve(self, desk: Desk, runtime: &runtime::Handle) -> Result<Serving, ListenError> {
        let Self { listener, address, tls } = self;
        let (handle, app) = (Handle::new(), routes(desk).into_make_service());
        let _entered = runtime.enter();
        let plain = axum_server::from_tcp(listener).map_err(|cause| ListenError::Port(address, cause))?;
        let mut plain = plain.handle(handle.clone()).http1_only();
        plain.http_builder().http1().header_read_timeout(HEAD);
        let scheme = if tls.is_some() { "https" } else { "http" };
        tracing::info!("listening on {scheme}://{address}");
        runtime.spawn(async move {
            let ended = match tls {
                Some(tls) => plain.acceptor(axum_server::tls_rustls::RustlsAcceptor::new(tls)).serve(app).await,
                None => plain.serve(app).await,
            };
            if let Err(cause) = ended {
                tracing::error!(%cause, "the HTTP server has ended");
            }
        });
        Ok(Serving { address, handle })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
    }
}

fn tls(written: &ServerTls) -> Result<RustlsConfig, ListenError> {
    let unusable = |path: &Path, wanted| {
        let path = path.to_owned();
        move |cause: rustls::pki_types::pem::Error| ListenError::Tls { path, why: cause.to_string(), wanted }
    };
    let chain = CertificateDer::pem_file_iter(&written.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(unusable(&written.certificate, "a certificate"))?;
    let key = PrivateKeyDer::from_pem_file(&written.key).map_err(unusable(&written.key, "a private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(ListenError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
