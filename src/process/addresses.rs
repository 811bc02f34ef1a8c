//! The addresses of brokers, beside the connections: where the nodes of a cluster are, what clients are told for each, and
//! whether that leads back here.

mod check;
mod itself;
mod nodes;
mod table;
mod tls_probe;

pub(super) use check::watch_addresses;
pub(super) use nodes::watch_nodes;
pub use table::{AddressTable, Row};
