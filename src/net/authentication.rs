//! Who a client is: a step of its own between transport and session. Bytes in, and out what is to be done next; nothing of
//! what the client says reaches a broker before it is somebody.

mod certificate;
mod sasl;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep, timeout_at};

use super::accepted_client::AcceptedClient;
use super::buffer::READ;
use super::client::Login;
use super::close::Close;
use crate::protocol::access::Broker;
use crate::protocol::messages::ApiVersionsResponse;
use crate::protocol::sasl::Verified;

pub use certificate::{CertificateAuthentication, names, principal_of};
pub use sasl::SaslAuthentication;

/// What is to be done next.
pub enum Step {
    /// The client is to say more.
    NeedMore,
    /// The client is told this, and is to go on.
    Send(Vec<u8>),
    /// Something is to be found out first, and told by [`Authentication::found`].
    Wait(Pin<Box<dyn Future<Output = Found> + Send>>),
    /// The client is told this, and then it is somebody.
    SendLast(Vec<u8>, Identity),
    /// This is who it is. What is left of what it said is the session's.
    Authenticated(Identity),
    /// It is nobody, and its connection ends.
    Refused(Refusal),
}

/// What was to be found out.
pub enum Found {
    /// Which versions the broker serves, and its own answer to the question for them, in the version that was asked for, if it
    /// serves that.
    Versions(Result<(Broker, Option<ApiVersionsResponse>), Close>),
    /// Whether credentials are right.
    Verified(Verified),
}

/// Who a client is.
#[derive(Debug, Default)]
pub struct Identity {
    /// As `User:alice`.
    pub principal: String,
    /// How it logged in, unless its certificate says who it is.
    pub login: Option<Login>,
    /// A request by which it has said what software it is, which the broker has not heard.
    pub introduction: Option<Bytes>,
}

/// A client that is nobody.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub close: Close,
    /// What it is told.
    pub answer: Option<Vec<u8>>,
    /// After how long.
    pub delay: Duration,
}

impl From<Close> for Refusal {
    fn from(close: Close) -> Self {
        Self { close, answer: None, delay: Duration::ZERO }
    }
}

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For each thing that it says.
    pub each: Duration,
    /// For all of it, where it is to say something.
    pub whole: Duration,
}

/// A way to find out who a client is.
pub trait Authentication: Send {
    /// Takes what it understands off the front of `plain`.
    fn step(&mut self, plain: &mut BytesMut) -> Step;

    /// Goes on with what was found out.
    fn found(&mut self, found: Found) -> Step;

    /// Whether all of it must be said within [`Patience::whole`].
    fn is_hasty(&self) -> bool;

    /// What the log says if the client leaves, or says nothing more, before it is somebody.
    fn abandoned(&self) -> Close;
}

/// Takes the steps, until the client is somebody or nobody.
///
/// # Errors
/// When it is nobody, or leaves before. It has been told what it is to be told, and its connection is still open.
pub async fn authenticate(
    client: &mut AcceptedClient,
    authentication: &mut dyn Authentication,
    patience: Patience,
) -> Result<Identity, Close> {
    let end = Instant::now() + patience.whole;
    let mut found = None;
    loop {
        let step = match found.take() {
            Some(found) => authentication.found(found),
            None => authentication.step(&mut client.plain),
        };
        let mut until = Instant::now() + patience.each;
        if authentication.is_hasty() {
            until = until.min(end);
        }
        match step {
            Step::NeedMore => {
                let enough = client.plain.len() + READ;
                let read = timeout_at(until, client.transport.read(&mut client.plain, enough)).await;
                if !matches!(read, Ok(Ok(()))) || client.transport.is_ended() {
                    return Err(authentication.abandoned());
                }
            }
            Step::Send(answer) => {
                send(client, &answer, until).await.ok_or_else(|| authentication.abandoned())?;
            }
            Step::Wait(finding) => match timeout_at(until, finding).await {
                Ok(result) => found = Some(result),
                Err(_) => return Err(authentication.abandoned()),
            },
            Step::SendLast(answer, identity) => {
                send(client, &answer, until).await.ok_or_else(|| authentication.abandoned())?;
                return Ok(identity);
            }
            Step::Authenticated(identity) => return Ok(identity),
            Step::Refused(Refusal { close, answer, delay }) => {
                if !delay.is_zero() {
                    sleep(delay).await;
                }
                if let Some(answer) = answer {
                    // It ends in any case.
                    let _ = send(client, &answer, until.max(Instant::now() + Duration::from_secs(1))).await;
                }
                return Err(close);
            }
        }
    }
}

/// `None`: it does not take it.
async fn send(client: &mut AcceptedClient, answer: &[u8], until: Instant) -> Option<()> {
    client.transport.send(answer).ok()?;
    timeout_at(until, client.transport.write_all()).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use bytes::Buf as _;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::transport::Transport;
    use super::*;
    use crate::model::advertise::Destination;
    use crate::observability::metrics::CloseReason;

    const PATIENCE: Patience = Patience { each: Duration::from_secs(60), whole: Duration::from_secs(60) };

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
                Some(_) if word == "bad" => Step::Refused(Refusal {
                    close: Close::new(CloseReason::NoPrincipal, "a bad word"),
                    answer: Some(b"no".to_vec()),
                    delay: Duration::from_millis(1),
                }),
                Some(name) if word == "ask" => {
                    Step::Wait(Box::pin(async move { Found::Verified(Verified::Wrong(name)) }))
                }
                Some(principal) => Step::Authenticated(Identity { principal, ..Identity::default() }),
            }
        }

        fn found(&mut self, found: Found) -> Step {
            let Found::Verified(Verified::Wrong(principal)) = found else {
                panic!("something else was found")
            };
            Step::Authenticated(Identity { principal, ..Identity::default() })
        }

        fn is_hasty(&self) -> bool {
            false
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
        let (answer, who) = tokio::join!(peers, authenticate(&mut client, &mut dialogue, PATIENCE));
        assert_eq!((&answer[..], &*who.unwrap().principal), (&b"and?"[..], "bob"));
        while client.plain.len() < 7 {
            client.transport.read(&mut client.plain, READ).await.unwrap();
        }
        assert_eq!(&client.plain[..], b"request");
    }

    #[tokio::test]
    async fn who_leaves_or_is_refused_is_nobody() {
        let (mut peer, mut client) = pair().await;
        peer.write_all(b"bobbad").await.unwrap();
        let refused = authenticate(&mut client, &mut Dialogue::default(), PATIENCE).await;
        assert_eq!(refused.unwrap_err().detail, "a bad word");
        drop(client);
        let mut told = Vec::new();
        peer.read_to_end(&mut told).await.unwrap();
        assert_eq!(told, b"and?no");

        let (mut peer, mut client) = pair().await;
        peer.write_all(b"bo").await.unwrap();
        drop(peer);
        let left = authenticate(&mut client, &mut Dialogue::default(), PATIENCE).await;
        assert_eq!(left.unwrap_err().detail, "it left");

        let (_peer, mut client) = pair().await;
        let patience = Patience { each: Duration::from_millis(1), ..PATIENCE };
        let silent = authenticate(&mut client, &mut Dialogue::default(), patience).await;
        assert_eq!(silent.unwrap_err().detail, "it left");

        let (mut peer, mut client) = pair().await;
        peer.write_all(b"bobask").await.unwrap();
        let found = authenticate(&mut client, &mut Dialogue::default(), PATIENCE).await;
        assert_eq!(found.unwrap().principal, "bob");
    }
}
