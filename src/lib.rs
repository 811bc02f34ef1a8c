//! Doorkeeper: a transparent TLS and ACL sidecar proxy for Apache Kafka.
//!
//! It stands in front of a broker that speaks plaintext and knows no ACLs. Clients speak mTLS to it; it turns a client's
//! certificate into a principal, reads every request, and does with it what a Kafka with an SSL listener and
//! `StandardAuthorizer` would do. To a client there is no difference.
//!
//! # The way of a request
//!
//! 1. [`process::proxy`] accepts a connection and hands it to [`net::connection`], where one task owns it to its end:
//!    TLS, both sockets, both directions. What it shares with others is in [`net::context`]: some with all of the process, some with
//!    its listener's connections; the broker and what is known of its cluster are the [`net::upstream`].
//! 2. [`net::handshake`] does TLS within its deadline, then [`net::authentication`] finds out who the client is, in steps; another
//!    way than by the certificate is another implementation of its trait. Only then is the broker dialled: one connection for
//!    each of the client's, since Kafka binds state to it.
//! 3. `net::relay` carries bytes both ways from then on. On each side of it is a [`net::transport`]: a socket, and TLS
//!    ([`net::tls`]) or none. It hands what the client says to the session, writes what that lets through to the broker, and the
//!    same backwards.
//! 4. [`net::session`] cuts the client's bytes into frames, reads the header ([`protocol::header`]) and looks for the API's
//!    row in [`protocol::api::TABLE`]. No row, or a version that is not served on both sides: the connection is closed.
//! 5. The row decodes the body ([`protocol::messages`], bounded) and decides it ([`protocol::api`]), by what
//!    [`protocol::access`] says of the client's rights: forward the bytes as they came, forward less, answer, ask the
//!    broker something first, or close. [`net::request_audit`] observes each decision, for the metrics and the audit trail.
//! 6. What the client is to be answered goes into a queue. Kafka answers a connection's requests in order, so a refusal finds its
//!    place by standing in line, and the length of the line is the back-pressure.
//! 7. The broker's answer passes as it comes, never whole in memory, unless it has to change: refusals are put back,
//!    authorized operations reduced, addresses replaced ([`model::advertise`]).
//!
//! When the ACLs change, what is under way is judged again before anything else is done with it (`net::session::revocation`).
//!
//! # Where else to look
//!
//! | what | where |
//! |---|---|
//! | who counts memory | [`net::budget`] for the process; `net::session::memory` and `net::relay::reservation` for a connection |
//! | the ACLs: where they are kept, and how they change | [`process::acl_store`]: a file, or a topic of the cluster |
//! | a certificate file that changes | `process::proxy::watchers` looks at it, [`process::identity`] reads and judges it, its `store` puts it in force |
//! | SASL | [`model::sasl`] reads what is said, [`protocol::sasl`] holds the dialogue, [`net::authentication`] brings it to the client; [`process::users`] and [`process::token_keys`] know who is who |
//! | which clients' certificates are accepted | [`model::certificate`] |
//! | key stores: JKS, PKCS#12, encrypted keys | [`process::identity::stores`] |
//! | metrics and their labels | [`observability::metrics`] |
//! | lines of the audit trail | [`observability::audit`]: `record` bounds what is kept, `kafka` and `ecs` form the lines |
//! | doorkeeper as a client of the broker | [`net::upstream`] and [`net::cluster_metadata`]; [`process::kafka_client`] for the ACL topic |
//! | making certificates | `cli::certs`; a whole setup, `cli::init`; a configuration out of a broker's, `cli::config_import` |
//! | TLS towards a server | `process::identity::client` and [`process::kafka_client`], for the ACL topic through another doorkeeper |
//!
//! # The layers
//!
//! Imports point down only; a test holds that.
//!
//! | layer | what | knows |
//! |---|---|---|
//! | [`model`] | ACLs, principals, certificates, addresses | nothing of ours, no tokio |
//! | [`observability`] | metrics, health, the audit trail | model, no tokio |
//! | [`protocol`] | messages, rules of the APIs, fetch sessions: bytes in, values out | model, and the labels of metrics; no sockets, no clock |
//! | [`net`] | TLS, the session, a connection | protocol and below; tokio lives here |
//! | [`process`] | configuration, ACL store, identities, logs, admin endpoint, listeners | net and below |
//! | [`cli`] | the command line | everything |

pub mod cli;
pub mod model;
pub mod net;
pub mod observability;
pub mod process;
pub mod protocol;
