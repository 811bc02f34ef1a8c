//! The running process: configuration, ACL store, TLS identities, logs, the admin endpoint, listeners.

pub mod acl_store;
pub mod addresses;
pub mod admin;
pub mod allocator;
pub mod config;
pub mod credentials;
mod findings;
pub mod identity;
pub mod kafka_client;
mod list_file;
pub(crate) mod nobody;
pub mod notify;
pub mod own_addresses;
pub mod proxy;
pub mod startup;
pub mod telemetry;
pub mod token_keys;
pub mod users;
pub mod users_in_force;
