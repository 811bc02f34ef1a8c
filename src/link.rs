//! The two sockets of a client's connection and what happens between them.

pub mod buffer;
pub mod connection;
pub mod session;
pub mod tls;
pub mod topics;
