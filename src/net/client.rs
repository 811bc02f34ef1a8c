//! A client whose principal is known.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::acl;
use crate::model::sasl::Mechanism;

/// An authenticated client.
#[derive(Debug)]
pub struct Client {
    /// Who it is, as `User:alice`.
    pub principal: Arc<str>,
    /// Where it connects from.
    pub address: IpAddr,
    /// The address as Kafka prints it.
    pub host: Arc<str>,
    /// How it logged in, unless its certificate says who it is.
    pub login: Option<Login>,
}

impl Client {
    /// The client of this principal at this address.
    pub fn new(principal: &str, address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { principal: principal.into(), address, host: acl::host_text(address).into(), login: None }
    }

    /// The same, having logged in.
    #[must_use]
    pub fn with_login(self, login: Option<Login>) -> Self {
        Self { login, ..self }
    }
}

/// How a client logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// Until when it counts (KIP-368).
    pub expires: Option<Instant>,
    /// Of the users that it was compared with.
    pub generation: u64,
}

impl Login {
    /// Of a client that has logged in `now`, for so many milliseconds.
    pub fn new(
        user: String,
        mechanism: Mechanism,
        lifetime_ms: Option<i64>,
        now: Instant,
        generation: u64,
    ) -> Self {
        let lifetime = lifetime_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or_default()));
        // A time that cannot be told never comes.
        let expires = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        Self { user, mechanism, expires, generation }
    }

    /// Who that is, as `User:alice`.
    pub fn principal(&self) -> String {
        format!("User:{}", self.user)
    }
}
