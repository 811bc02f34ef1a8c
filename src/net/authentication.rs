//! Who a client is: a step of its own between transport and session. Bytes in, and out what is to be done next; nothing of
//! what the client says reaches a broker before it is somebody.

use std::time::Duration;

use bytes::BytesMut;
use tokio::time::timeout;

use super::accepted_client::AcceptedClient;
use super::buffer::READ;
use super::close::Close;
use super::context::ListenerContext;
use crate::model::certificate::Certificate;
use crate::model::principal::{self, MappingRules};
use crate::observability::metrics::{CloseReason, Mechanism};

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The client is to say more.
    NeedMore,
    /// The client is told this, and is to go on.
    Send(Vec<u8>),
    /// This is who it is, as `User:alice`. What is left of what it said is the session's.
    Authenticated(String),
    /// It is nobody, and its connection ends.
    Refused(Close),
}

/// A way to find out who a client is.
pub trait Authentication: Send {
    /// Takes what it understands off the front of `plain`.
    fn step(&mut self, plain: &mut BytesMut) -> Step;

    /// What the log says if the client leaves, or says nothing more, before it is somebody.
    fn abandoned(&self) -> Close;
}

/// Takes the steps, until the client is somebody or nobody. It has so much time to say each thing.
///
/// # Errors
/// When it is nobody, or leaves before. It has been told what it is to be told, and its connection is still open.
pub async fn authenticate(
    client: &mut AcceptedClient,
    authentication: &mut dyn Authentication,
    patience: Duration,
) -> Result<String, Close> {
    loop {
        match authentication.step(&mut client.plain) {
            Step::NeedMore => {
                let enough = client.plain.len() + READ;
                let read = timeout(patience, client.transport.read(&mut client.plain, enough)).await;
                if !matches!(read, Ok(Ok(()))) || client.transport.is_ended() {
                    return Err(authentication.abandoned());
                }
            }
            Step::Send(answer) => {
                client.transport.send(&answer).map_err(|error| Close::internal(error.to_string()))?;
                if !matches!(timeout(patience, client.transport.write_all()).await, Ok(Ok(()))) {
                    return Err(authentication.abandoned());
                }
            }
            Step::Authenticated(principal) => return Ok(principal),
            Step::Refused(close) => return Err(close),
        }
    }
}

/// The client is who its certificate says, or anonymous without one. It says nothing for it: whether TLS accepts the
/// certificate has been decided. One that maps to no principal is no fault of TLS: as Kafka does, the first request is the
/// end then.
pub struct CertificateAuthentication(Result<String, Close>);

impl CertificateAuthentication {
    /// By the certificate that TLS has verified, if there is one (DER). Counts what came of it.
    pub fn new(context: &ListenerContext, rules: &MappingRules, certificate: Option<&[u8]>) -> Self {
        let (mechanism, principal) = match certificate {
            Some(certificate) => (Mechanism::Mtls, mapped(rules, certificate)),
            None => (Mechanism::Anonymous, Ok(principal::ANONYMOUS.to_owned())),
        };
        context.process.metrics.authentication(mechanism, principal.is_ok());
        Self(principal)
    }
}

impl Authentication for CertificateAuthentication {
    fn step(&mut self, plain: &mut BytesMut) -> Step {
        match &self.0 {
            Ok(principal) => Step::Authenticated(principal.clone()),
            Err(_) if plain.is_empty() => Step::NeedMore,
            Err(close) => Step::Refused(close.clone()),
        }
    }

    fn abandoned(&self) -> Close {
        match &self.0 {
            Ok(_) => Close::new(CloseReason::ClientClosed, "the client closed the connection"),
            Err(close) => close.clone(),
        }
    }
}

/// Who these rules make of the subject of a certificate.
///
/// # Errors
/// When they make nobody of it.
pub fn mapped(rules: &MappingRules, certificate: &[u8]) -> Result<String, Close> {
    let unmapped = |detail: String| Close::new(CloseReason::NoPrincipal, detail);
    let certificate = Certificate::read(certificate)
        .map_err(|error| unmapped(format!("the client's certificate cannot be read: {error}")))?;
    let name = principal::distinguished_name(certificate.subject_der())
        .map_err(|error| unmapped(format!("the subject of the client's certificate: {error}")))?;
    let mapped = rules
        .apply(&name)
        .map_err(|error| unmapped(format!("principal_mapping_rules, subject \"{name}\": {error}")))?;
    Ok(format!("User:{mapped}"))
}

#[cfg(test)]
mod tests {
    use bytes::Buf as _;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::transport::Transport;
    use super::*;
    use crate::model::advertise::Destination;

    /// Asks for a name of three letters, answers, and takes one word more.
    #[derive(Default)]
    struct Dialogue(Option<String>);

    impl Authentication for Dialogue {
        fn step(&mut self, plain: &mut BytesMut) -> Step {
            if plain.len() < 3 {
                return Step::NeedMore;
            }
            let word = String::from_utf8_lossy(&plain[..3]).into_owned();
            plain.advance(3);
            match self.0.take() {
                None => {
                    self.0 = Some(word);
                    Step::Send(b"and?".to_vec())
                }
                Some(_) if word == "bad" => Step::Refused(Close::new(CloseReason::NoPrincipal, "a bad word")),
                Some(name) => Step::Authenticated(name),
            }
        }

        fn abandoned(&self) -> Close {
            Close::new(CloseReason::ClientClosed, "it left")
        }
    }

    async fn pair() -> (TcpStream, AcceptedClient) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let transport = Transport::plaintext(socket);
        (peer, AcceptedClient { transport, plain: BytesMut::new(), destination: Destination::Any })
    }

    #[tokio::test]
    async fn steps_are_taken_until_the_client_is_somebody_and_the_rest_stays() {
        let (mut peer, mut client) = pair().await;
        let peers = async {
            peer.write_all(b"bo").await.unwrap();
            peer.write_all(b"b").await.unwrap();
            let mut answer = [0; 4];
            peer.read_exact(&mut answer).await.unwrap();
            peer.write_all(b"yesrequest").await.unwrap();
            answer
        };
        let mut dialogue = Dialogue::default();
        let (answer, who) =
            tokio::join!(peers, authenticate(&mut client, &mut dialogue, Duration::from_secs(60)));
        assert_eq!((&answer[..], who), (&b"and?"[..], Ok("bob".to_owned())));
        while client.plain.len() < 7 {
            client.transport.read(&mut client.plain, READ).await.unwrap();
        }
        assert_eq!(&client.plain[..], b"request");
    }

    #[tokio::test]
    async fn who_leaves_or_is_refused_is_nobody() {
        let (mut peer, mut client) = pair().await;
        peer.write_all(b"bobbad").await.unwrap();
        let refused = authenticate(&mut client, &mut Dialogue::default(), Duration::from_secs(60)).await;
        assert_eq!(refused.unwrap_err().detail, "a bad word");

        let (mut peer, mut client) = pair().await;
        peer.write_all(b"bo").await.unwrap();
        drop(peer);
        let left = authenticate(&mut client, &mut Dialogue::default(), Duration::from_secs(60)).await;
        assert_eq!(left.unwrap_err().detail, "it left");

        let (_peer, mut client) = pair().await;
        let silent = authenticate(&mut client, &mut Dialogue::default(), Duration::from_millis(1)).await;
        assert_eq!(silent.unwrap_err().detail, "it left");
    }
}
