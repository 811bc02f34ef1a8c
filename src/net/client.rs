//! A client whose principal is known.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::acl;

/// An authenticated client.
#[derive(Debug)]
pub struct Client {
    /// Who it is, as `User:alice`.
    pub principal: Arc<str>,
    /// Where it connects from.
    pub address: IpAddr,
    /// The address as Kafka prints it.
    pub host: Arc<str>,
}

impl Client {
    /// The client of this principal at this address.
    pub fn new(principal: &str, address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { principal: principal.into(), address, host: acl::host_text(address).into() }
    }
}
