//! Kafka's protocol and what doorkeeper knows of it: bytes in, values out. Pure and synchronous: no sockets, no clock.

pub mod access;
pub mod answer_end;
pub mod answer_walk;
pub mod api;
pub mod error_code;
pub mod fetch_answer;
pub mod fetch_sessions;
pub mod header;
pub mod messages;
pub mod record_batches;
pub mod sasl;
pub mod sessions;
pub mod share_sessions;
pub mod streams_settings;
pub mod subscriptions;
pub mod waiting_members;
#[macro_use]
pub mod wire;
