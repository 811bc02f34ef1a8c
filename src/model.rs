//! What the rest of the program speaks of: bindings and decisions, principals, certificates, advertised addresses.
//! Nothing here knows a socket, a frame or a configuration file.

pub mod acl;
pub mod advertise;
pub mod broker_listeners;
pub mod certificate;
pub mod crc32c;
pub mod der;
pub mod origin;
pub mod principal;
pub mod proxy_protocol;
pub mod sasl;
pub mod text;
