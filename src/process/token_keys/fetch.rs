//! One question to a server over HTTP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Asks `host` for `path`; its certificate must lead to one of those in the file `ca`. At most so many bytes are taken. Nobody is
/// followed to another address.
///
/// # Errors
/// What went wrong, for people.
pub(super) async fn fetch(
    (host, port): (&str, u16),
    path: &str,
    ca: Option<&Path>,
    most: usize,
) -> Result<Vec<u8>, String> {
    let fetching = async {
        let socket = TcpStream::connect((host, port))
            .await
            .map_err(|error| format!("it cannot be reached: {error}"))?;
        let authority = authority(host, port, ca.is_some());
        let Some(ca) = ca else { return ask(socket, &authority, path, most).await };
        let connector = TlsConnector::from(Arc::new(config(ca)?));
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| format!("{host} is no name: {error}"))?;
        let stream =
            connector.connect(name, socket).await.map_err(|error| format!("TLS with it fails: {error}"))?;
        ask(stream, &authority, path, most).await
    };
    timeout(LIMIT, fetching).await.unwrap_or_else(|_| Err(format!("it does not answer within {LIMIT:?}")))
}

/// The server as it is named in a request (RFC 9110, section 7.2): some say other things, or nothing, where the port is missing.
fn authority(host: &str, port: u16, tls: bool) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match (tls, port) {
        (true, 443) | (false, 80) => host,
        _ => format!("{host}:{port}"),
    }
}

fn config(ca: &Path) -> Result<ClientConfig, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", ca.display());
    let pem = std::fs::read(ca).map_err(|error| wrong(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        // A bundle may hold some that nobody can use.
        let _ = roots.add(certificate.map_err(|error| wrong(&error))?);
    }
    if roots.is_empty() {
        return Err(wrong(&"there is no certificate in it that can be trusted"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    authority: &str,
    path: &str,
    most: usize,
) -> Result<Vec<u8>, String> {
    let failed = |error: hyper::Error| format!("it does not speak HTTP: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let asking = async {
        let request = Request::get(path)
            .header(HOST, authority)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("doorkeeper/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answers {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), most).collect().await;
        Ok(body.map_err(|error| format!("its answer cannot be read: {error}"))?.to_bytes().to_vec())
    };
    tokio::pin!(connection);
    tokio::pin!(asking);
    tokio::select! {
        answer = &mut asking => answer,
        ended = &mut connection => {
            ended.map_err(failed)?;
            // What was read before the end is there.
            asking.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_named_unless_it_is_the_usual_one() {
        assert_eq!(authority("idp.example.com", 443, true), "idp.example.com");
        assert_eq!(authority("idp.example.com", 8443, true), "idp.example.com:8443");
        assert_eq!(authority("127.0.0.1", 80, false), "127.0.0.1");
        assert_eq!(authority("::1", 443, false), "[::1]:443");
    }
}
