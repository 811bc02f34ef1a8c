//! The address of a listener: bound at start, so that a port that is taken is found out; listened on when there are ACLs to
//! decide by. Until then clients are refused the connection, as by a Kafka that is still starting.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

use super::StartError;
use crate::process::admin::BindError;

/// Connections that wait to be accepted at most.
const BACKLOG: u32 = 1024;

pub(super) enum Socket {
    Bound(TcpSocket),
    Listening(TcpListener),
}

impl Socket {
    /// Binds the address, and listens if `open`.
    pub(super) fn bind(listener: &str, address: SocketAddr, open: bool) -> Result<Socket, StartError> {
        let bound = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // A restart must not wait for old connections to time out.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let bound = Socket::Bound(socket);
            if open { bound.listen().map(Socket::Listening) } else { Ok(bound) }
        };
        let place = format!("listener \"{listener}\"");
        bound().map_err(|error| StartError::Bind(BindError::new(place, address.to_string(), error)))
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Socket::Bound(socket) => socket.local_addr(),
            Socket::Listening(listener) => listener.local_addr(),
        }
    }

    pub(super) fn listen(self) -> io::Result<TcpListener> {
        match self {
            Socket::Bound(socket) => socket.listen(BACKLOG),
            Socket::Listening(listener) => Ok(listener),
        }
    }
}
