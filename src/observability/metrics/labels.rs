//! The label values, closed sets all: no text that a peer sends can become a series.

use crate::model::sasl;

/// A closed set of label values.
pub(super) trait Label: Copy + 'static {
    /// Every value, in the order of [`Label::index`].
    const ALL: &'static [Self];
    /// The value's place in [`Label::ALL`].
    fn index(self) -> usize;
    /// The value as it stands in a scrape.
    fn text(self) -> &'static str;
}

macro_rules! labels {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The label value; the same word stands in logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl Label for $name {
            const ALL: &'static [Self] = Self::ALL;
            fn index(self) -> usize { self as usize }
            fn text(self) -> &'static str { self.as_str() }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

labels! {
    /// Why a client connection ended; [`CloseReason::fault`] says who ended it.
    CloseReason {
        /// The client closed in order.
        ClientClosed = "client_closed",
        /// The client's socket failed (reset, broken pipe) or was cut off inside a frame.
        ClientError = "client_error",
        /// The client was too slow: half a frame, or answers that it does not read.
        ClientTimeout = "client_timeout",
        /// The TLS handshake failed; `tls_handshakes_total` says how.
        HandshakeFailed = "handshake_failed",
        /// The certificate's name maps to no principal.
        NoPrincipal = "no_principal",
        /// The client sent what is no Kafka request, or one that is refused by closing.
        ProtocolError = "protocol_error",
        /// The client wanted to say by SASL who it is, was refused as by a listener without SASL, and left.
        Sasl = "sasl",
        /// The client has not shown by SASL that it is who it says.
        AuthenticationFailed = "authentication_failed",
        /// What a client has logged in with counts no longer, and it has not logged in again.
        SessionExpired = "session_expired",
        /// The user that the client logged in as is there no longer.
        UserRemoved = "user_removed",
        /// A denial whose answer in Kafka is to close, as for Produce with acks=0.
        Denied = "denied",
        /// A right was revoked that a request under way needs.
        RightsRevoked = "rights_revoked",
        /// The client's certificate was revoked, or is no longer believed, or has expired.
        NoLongerTrusted = "no_longer_trusted",
        /// It was as old as a connection may become.
        MaxAge = "max_age",
        /// Nothing was said for the idle time.
        Idle = "idle",
        /// The broker could not be reached.
        UpstreamUnreachable = "upstream_unreachable",
        /// The broker closed in order.
        UpstreamClosed = "upstream_closed",
        /// The broker's socket failed, or it closed with answers owed.
        UpstreamError = "upstream_error",
        /// The broker did not take or give bytes in time.
        UpstreamTimeout = "upstream_timeout",
        /// The broker's answer is not what was asked for.
        UpstreamProtocolError = "upstream_protocol_error",
        /// Doorkeeper is shutting down.
        Drain = "drain",
        /// A limit of doorkeeper's own was reached.
        Limit = "limit",
        /// A fault of doorkeeper's own.
        InternalError = "internal_error",
    }
}

labels! {
    /// What came of a change of the ACLs.
    AclChange {
        /// It lasts and is in force.
        Made = "made",
        /// It is not one that could be made.
        Refused = "refused",
        /// It was not made, or nobody knows whether it was.
        Failed = "failed",
    }
}

labels! {
    /// Whose doing the end of a connection was.
    Fault {
        /// Nobody's: connections end.
        None = "none",
        /// The client's.
        Client = "client",
        /// The broker's, or the network's towards it.
        Broker = "broker",
        /// Doorkeeper's own.
        Doorkeeper = "doorkeeper",
    }
}

labels! {
    /// Why a connection was turned away before the first byte was read from it.
    RejectReason {
        /// As many connections as the listener or process allows.
        Limit = "limit",
        /// As many connections as one address may have.
        PerIpLimit = "per_ip_limit",
        /// Doorkeeper is shutting down.
        Draining = "draining",
        /// The system refused it: no file descriptors, no memory.
        AcceptError = "accept_error",
    }
}

labels! {
    /// How a TLS handshake ended.
    HandshakeResult {
        /// Completed.
        Ok = "ok",
        /// A certificate is required and none came.
        NoCert = "no_cert",
        /// The client's certificate is expired or not yet valid.
        Expired = "expired",
        /// The client's certificate leads to none of our authorities.
        UnknownCa = "unknown_ca",
        /// The client's certificate is wrong in another way.
        BadCert = "bad_cert",
        /// The client gave up, with an alert: mostly it does not trust our certificate, or calls us by another name.
        RefusedByClient = "refused_by_client",
        /// The client's certificate is revoked.
        Revoked = "revoked",
        /// No revocation list tells of the client's certificate, or only one that has ended.
        RevocationUnknown = "revocation_unknown",
        /// No TLS version, cipher suite or key exchange in common.
        Version = "version",
        /// The client calls the server by a name that no broker has, or by none where it must.
        UnknownName = "unknown_name",
        /// The first bytes are no TLS: plaintext Kafka, HTTP.
        NotTls = "not_tls",
        /// A PROXY protocol header is missing, cannot be read, or comes from somewhere else than a balancer.
        ProxyHeader = "proxy_header",
        /// The deadline passed.
        Timeout = "timeout",
        /// The peer closed before it was done; port probes do so.
        Eof = "eof",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// A version of TLS.
    TlsVersion {
        /// TLS 1.2.
        Tls12 = "TLSv1.2",
        /// TLS 1.3.
        Tls13 = "TLSv1.3",
        /// One that is not known here.
        Other = "other",
    }
}

labels! {
    /// A cipher suite by its IANA name: those that aws-lc-rs has.
    Cipher {
        /// TLS 1.3, AES-256.
        Aes256Gcm = "TLS_AES_256_GCM_SHA384",
        /// TLS 1.3, AES-128.
        Aes128Gcm = "TLS_AES_128_GCM_SHA256",
        /// TLS 1.3, ChaCha20.
        Chacha20 = "TLS_CHACHA20_POLY1305_SHA256",
        /// TLS 1.2, ECDSA, AES-256.
        EcdsaAes256Gcm = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        /// TLS 1.2, ECDSA, AES-128.
        EcdsaAes128Gcm = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        /// TLS 1.2, ECDSA, ChaCha20.
        EcdsaChacha20 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        /// TLS 1.2, RSA, AES-256.
        RsaAes256Gcm = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        /// TLS 1.2, RSA, AES-128.
        RsaAes128Gcm = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        /// TLS 1.2, RSA, ChaCha20.
        RsaChacha20 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        /// One that is not known here.
        Other = "other",
    }
}

impl Cipher {
    /// The suite with this IANA name.
    pub fn of(name: &str) -> Self {
        Self::ALL.iter().copied().find(|cipher| cipher.as_str() == name).unwrap_or(Self::Other)
    }
}

labels! {
    /// How a client says who it is.
    Mechanism {
        /// By its certificate.
        Mtls = "mtls",
        /// Not at all: it is `User:ANONYMOUS`.
        Anonymous = "anonymous",
        /// By SASL, with a name and a password.
        Plain = "plain",
        /// By SASL, with a proof that it knows a password.
        ScramSha256 = "scram_sha_256",
        /// The same with SHA-512.
        ScramSha512 = "scram_sha_512",
        /// By SASL, with a token.
        OAuthBearer = "oauthbearer",
    }
}

impl From<sasl::Mechanism> for Mechanism {
    fn from(mechanism: sasl::Mechanism) -> Self {
        match mechanism {
            sasl::Mechanism::Plain => Self::Plain,
            sasl::Mechanism::ScramSha256 => Self::ScramSha256,
            sasl::Mechanism::ScramSha512 => Self::ScramSha512,
            sasl::Mechanism::OAuthBearer => Self::OAuthBearer,
        }
    }
}

labels! {
    /// What became of a request.
    RequestResult {
        /// Sent to the broker, whole or in part.
        Forwarded = "forwarded",
        /// Refused by the ACLs; the broker did not see it.
        Denied = "denied",
        /// Answered without the broker, not for lack of rights.
        AnsweredLocally = "answered_locally",
        /// It could not be read.
        Malformed = "malformed",
        /// An API or version that is not served.
        Unsupported = "unsupported",
    }
}

labels! {
    /// How an attempt to connect to the broker ended.
    ConnectResult {
        /// Connected.
        Ok = "ok",
        /// Nobody listens there.
        Refused = "refused",
        /// The deadline passed.
        Timeout = "timeout",
        /// The name does not resolve.
        Dns = "dns",
        /// The TLS handshake with the broker failed.
        Tls = "tls",
        /// Anything else: no route, no free ports.
        Other = "other",
    }
}

impl ConnectResult {
    /// The label for an error of `connect`; name resolution and TLS are the caller's to tell.
    pub fn of(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Self::Refused,
            std::io::ErrorKind::TimedOut => Self::Timeout,
            _ => Self::Other,
        }
    }
}

labels! {
    /// The classes in which the broker's latency is counted: a Fetch waits for data, a JoinGroup for its peers.
    ApiClass {
        /// Produce.
        Produce = "produce",
        /// Fetch and ShareFetch.
        Fetch = "fetch",
        /// What a client asks to find its way: Metadata, ApiVersions, FindCoordinator, offsets by time.
        Metadata = "metadata",
        /// Groups of every kind and their offsets.
        Group = "group",
        /// Transactions and producer ids.
        Transaction = "txn",
        /// Administration.
        Admin = "admin",
        /// What is not known, or never served.
        Other = "other",
    }
}

/// The `api` label of a key that is not in the list.
pub const UNKNOWN_API: &str = "unknown";

labels! {
    /// Why a broker's address could not be given to a client.
    MappingError {
        /// No rule for the port.
        UnmappedPort = "unmapped_port",
        /// No entry for the broker's id.
        UnmappedNode = "unmapped_node",
    }
}

labels! {
    /// What can be loaded anew while the process runs.
    Reload {
        /// The configuration.
        Config = "config",
        /// Certificates and keys.
        Tls = "tls",
        /// The ACLs.
        Acls = "acls",
        /// The users of SASL.
        Users = "users",
        /// The keys of tokens.
        Jwks = "jwks",
    }
}

labels! {
    /// What a certificate is for.
    CertificateRole {
        /// Shown to clients.
        Server = "server",
        /// Shown to the broker.
        Client = "client",
        /// An authority that clients' certificates must lead to.
        Ca = "ca",
    }
}

labels! {
    /// What readiness depends on. The words are the names under `/readyz/`.
    Check {
        /// The configuration is loaded.
        Configuration = "configuration",
        /// Every listener is bound.
        Listeners = "listeners",
        /// Every certificate is loaded and valid now.
        Certificates = "certificates",
        /// An ACL set is loaded, or it is known which topic holds it.
        Acls = "acls",
        /// The users and the keys of tokens are loaded, where clients log in by SASL.
        Credentials = "credentials",
        /// The ACL topic was read, if there is one.
        AclTopic = "acl-topic",
        /// The broker answers.
        Upstream = "upstream",
        /// What clients are told for the broker leads back here. By default a warning and no failure.
        Addresses = "addresses",
        /// The broker's plaintext listeners are reachable from here only. By default a warning and no failure.
        PlaintextExposed = "plaintext-exposed",
        /// No shutdown has begun.
        NotDraining = "not-draining",
    }
}

/// `ok` and `error`, for what either works or does not.
pub(super) fn outcome(ok: bool) -> &'static str {
    if ok { "ok" } else { "error" }
}
