//! What certificates are shown for.

/// What a certificate is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// By a client, to us.
    Client,
    /// By a server, whose client we are.
    Server,
}

impl Purpose {
    pub(super) fn whose(self) -> &'static str {
        match self {
            Purpose::Client => "client",
            Purpose::Server => "server",
        }
    }

    pub(super) fn extended_key_usage(self) -> &'static str {
        match self {
            Purpose::Client => "clientAuth",
            Purpose::Server => "serverAuth",
        }
    }

    /// The key of the configuration that names what is trusted.
    pub(super) fn anchors(self) -> &'static str {
        match self {
            Purpose::Client => "tls.client_ca",
            Purpose::Server => "tls.server_ca",
        }
    }
}
