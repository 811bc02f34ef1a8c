//! Which address a client is told for a broker: one that leads back to doorkeeper, never the broker's own. And the way
//! back: which broker a client has come for.

mod names;

use std::collections::BTreeMap;

pub use names::Names;

/// Which broker a client has come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination {
    /// Any that answers: the client is still looking for the cluster, or there is only one.
    Any,
    /// The one with this node id.
    Node(i32),
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any broker"),
            Self::Node(node) => write!(f, "node {node}"),
        }
    }
}

/// How a broker's address becomes the address of the sidecar in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// The broker already advertises its sidecar: addresses pass as they are.
    None,
    /// A sidecar stands beside every broker: the host stays, the broker's advertised port becomes the sidecar's.
    KeepHost {
        /// The broker's advertised port, and the sidecar's.
        ports: BTreeMap<u16, u16>,
    },
    /// Each broker's sidecar is named, by node id.
    Table {
        /// Node id, and host and port of the sidecar.
        brokers: BTreeMap<i32, (String, u16)>,
    },
    /// One doorkeeper stands before the whole cluster, and can be reached by a port or by a name for each broker.
    Gateway {
        /// Node id, and host and port that lead to the broker through doorkeeper.
        brokers: BTreeMap<i32, (String, u16)>,
    },
}

impl Mapping {
    /// The hosts and ports that brokers have by their node ids.
    pub fn brokers(&self) -> impl Iterator<Item = &(String, u16)> {
        let brokers = match self {
            Self::None | Self::KeepHost { .. } => None,
            Self::Table { brokers } | Self::Gateway { brokers } => Some(brokers),
        };
        brokers.into_iter().flat_map(BTreeMap::values)
    }
}

/// The addresses that clients are told.
#[derive(Debug, Clone)]
pub struct Advertised {
    mapping: Mapping,
}

/// A broker that the mapping does not know. Its address is not told to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unmapped {
    /// `keep_host` has no entry for the port.
    Port(i32),
    /// `table` has no entry for the node.
    Node(i32),
    /// The gateway's `node_ids` do not have the node.
    Undeclared(i32),
}

impl std::fmt::Display for Unmapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port(port) => write!(f, "address_mapping.ports has no entry for the broker's port {port}"),
            Self::Node(node) => write!(f, "address_mapping.brokers has no entry for node {node}"),
            Self::Undeclared(node) => write!(f, "address_mapping.node_ids does not have node {node}"),
        }
    }
}

impl Advertised {
    /// Addresses by this mapping.
    pub fn new(mapping: Mapping) -> Self {
        Self { mapping }
    }

    /// Whether answers have to be rewritten at all.
    pub fn rewrites(&self) -> bool {
        self.mapping != Mapping::None
    }

    /// Whether one doorkeeper stands before all brokers.
    pub fn is_gateway(&self) -> bool {
        matches!(self.mapping, Mapping::Gateway { .. })
    }

    /// Whether clients are told the host that the broker advertises.
    pub fn keeps_host(&self) -> bool {
        matches!(self.mapping, Mapping::None | Mapping::KeepHost { .. })
    }

    /// Host and port that lead to the sidecar of `node`, which says of itself that it is at `host:port`.
    pub fn address<'a>(&'a self, node: i32, host: &'a str, port: i32) -> Result<(&'a str, i32), Unmapped> {
        match &self.mapping {
            Mapping::None => Ok((host, port)),
            Mapping::KeepHost { ports } => {
                let mapped = u16::try_from(port).ok().and_then(|port| ports.get(&port));
                mapped.map(|mapped| (host, i32::from(*mapped))).ok_or(Unmapped::Port(port))
            }
            Mapping::Table { brokers } => {
                let mapped = brokers.get(&node).ok_or(Unmapped::Node(node))?;
                Ok((mapped.0.as_str(), i32::from(mapped.1)))
            }
            Mapping::Gateway { brokers } => {
                let mapped = brokers.get(&node).ok_or(Unmapped::Undeclared(node))?;
                Ok((mapped.0.as_str(), i32::from(mapped.1)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_passes_keep_host_maps_the_port_and_table_maps_the_node() {
        let none = Advertised::new(Mapping::None);
        assert_eq!(none.address(1, "b", 9092), Ok(("b", 9092)));
        assert!(!none.rewrites());

        let keep = Advertised::new(Mapping::KeepHost { ports: [(9092, 9093)].into() });
        assert_eq!(keep.address(1, "b", 9092), Ok(("b", 9093)));

        let table = Advertised::new(Mapping::Table { brokers: [(1, ("a".into(), 9093))].into() });
        assert_eq!(table.address(1, "b", 9092), Ok(("a", 9093)));
    }

    #[test]
    fn an_unknown_broker_has_no_address() {
        let keep = Advertised::new(Mapping::KeepHost { ports: [(9092, 9093)].into() });
        for port in [-1, 0, 9093, 70_000] {
            assert_eq!(keep.address(1, "b", port), Err(Unmapped::Port(port)));
        }
        let table = Advertised::new(Mapping::Table { brokers: [(1, ("a".into(), 9093))].into() });
        assert_eq!(table.address(2, "b", 9092), Err(Unmapped::Node(2)));
    }

    #[test]
    fn a_gateway_tells_the_nodes_that_were_declared_and_no_other() {
        let gateway = Advertised::new(Mapping::Gateway { brokers: [(1, ("k".into(), 9201))].into() });
        assert!(gateway.rewrites() && gateway.is_gateway());
        assert_eq!(gateway.address(1, "10.0.0.1", 9092), Ok(("k", 9201)));
        let unmapped = gateway.address(2, "10.0.0.2", 9092).unwrap_err();
        assert_eq!(unmapped.to_string(), "address_mapping.node_ids does not have node 2");
    }
}
