//! What the rest of the house speaks of: bindings and decisions, principals, advertised addresses, metrics.
//! Nothing here knows a socket, a frame or a configuration file.

pub mod acl;
pub mod advertise;
pub mod audit;
pub mod broker_listeners;
pub mod certificate;
pub mod crc32c;
pub mod der;
pub mod health;
pub mod lossy;
pub mod metrics;
pub mod origin;
pub mod principal;
pub mod proxy_protocol;
pub mod repeats;
