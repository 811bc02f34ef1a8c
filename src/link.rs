//! The two sockets of a client's connection and what happens between them.

pub mod buffer;
pub mod close;
pub mod connection;
pub mod gate;
pub mod greeted;
pub mod handshake;
pub mod members;
mod relay;
pub mod session;
pub mod tls;
pub mod topics;
pub mod upstream;
