//! A client's connection: its two sockets and what happens between them; what connections share; and doorkeeper's own
//! questions to the broker.

pub mod accepted_client;
pub mod acl_source;
pub mod authentication;
pub mod broker_client;
pub mod brokers;
pub mod budget;
pub mod buffer;
pub mod client;
mod client_hello;
pub mod close;
pub mod cluster;
pub mod cluster_metadata;
pub mod connection;
pub mod context;
pub mod disconnects;
pub mod frame;
pub mod handshake;
pub mod members;
pub mod pattern_matching;
mod proxy_header;
mod relay;
pub mod request_audit;
pub mod sasl;
pub mod self_check;
pub mod session;
pub mod tls;
pub mod topics;
pub mod transport;
pub mod upstream;
pub mod verification_failure;
pub mod wakers;
