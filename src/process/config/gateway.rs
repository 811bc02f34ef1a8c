//! What the address mapping of a gateway means: one doorkeeper before a whole cluster.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::nodes::{self, Pattern};
use super::raw::{AddressMapping, UnnamedClients};
use super::text::HostPort;
use super::{Gateway, ToldApart};
use crate::model::advertise::{Destination, Names};

/// The port of each broker, where it has one of its own. Those beyond the last port are left out, and are a fault.
pub(super) fn broker_ports(mapping: &AddressMapping) -> Vec<(i32, u16)> {
    let AddressMapping::PortPerBroker { first_broker_port, node_ids, .. } = mapping else {
        return Vec::new();
    };
    let ids = nodes::node_ids(node_ids).unwrap_or_default();
    let lowest = ids.first().copied().unwrap_or_default();
    ids.into_iter()
        .filter_map(|id| {
            let above = u16::try_from(id - lowest).ok()?;
            Some((id, first_broker_port.checked_add(above)?))
        })
        .collect()
}

/// From a broker's id to the host and port that clients use for it.
type ToldAddresses = BTreeMap<i32, (String, u16)>;

/// The mapping as it is read, with what is wrong and what is risky at its keys.
pub(super) struct Reading<'a> {
    raw: &'a AddressMapping,
    pub(super) faults: Vec<(&'static str, String)>,
    pub(super) warnings: Vec<(&'static str, String)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(raw: &'a AddressMapping) -> Self {
        Self { raw, faults: Vec::new(), warnings: Vec::new() }
    }

    /// The gateway, and the host and port that clients use for each broker; `None` if there are faults, or if it is another
    /// strategy.
    pub(super) fn gateway(&mut self) -> Option<(ToldAddresses, Gateway)> {
        let (AddressMapping::PortPerBroker { node_ids, upstream_pattern, bootstrap_servers, .. }
        | AddressMapping::Sni { node_ids, upstream_pattern, bootstrap_servers, .. }) = self.raw
        else {
            return None;
        };
        let ids = self.read("node_ids", nodes::node_ids(node_ids))?;
        let upstreams = match upstream_pattern {
            Some(pattern) => self.addresses("upstream_pattern", pattern, &ids)?,
            None => BTreeMap::new(),
        };
        let (brokers, told_apart) = match self.raw {
            AddressMapping::PortPerBroker { advertised_host, first_broker_port, .. } => {
                let ports = broker_ports(self.raw);
                if let Some(id) = ids.iter().find(|id| ports.iter().all(|(other, _)| other != *id)) {
                    let port = i64::from(*first_broker_port) + i64::from(*id)
                        - i64::from(ids.first().copied().unwrap_or_default());
                    let message = format!(
                        "the port of node {id} would be {port}, and the last port is 65535: choose a lower port, or \
                         give nodes whose ids are far apart a listener each"
                    );
                    self.faults.push(("first_broker_port", message));
                    return None;
                }
                let brokers = ports.into_iter().map(|(id, port)| (id, (advertised_host.clone(), port)));
                (brokers.collect(), ToldApart::ByPort)
            }
            AddressMapping::Sni { advertised_pattern, bootstrap_names, unnamed_clients, .. } => {
                let brokers = self.addresses("advertised_pattern", advertised_pattern, &ids)?;
                let names = self.names(&brokers, bootstrap_names, *unnamed_clients)?;
                let brokers = brokers.into_iter().map(|(id, HostPort { host, port })| (id, (host, port)));
                (brokers.collect(), ToldApart::ByName(names))
            }
            _ => return None,
        };
        Some((brokers, Gateway { told_apart, upstreams, bootstrap_servers: bootstrap_servers.clone() }))
    }

    fn read<T>(&mut self, key: &'static str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.faults.push((key, message))).ok()
    }

    fn addresses(
        &mut self,
        key: &'static str,
        pattern: &str,
        ids: &[i32],
    ) -> Option<BTreeMap<i32, HostPort>> {
        let pattern = self.read(key, Pattern::parse(pattern))?;
        Some(ids.iter().filter_map(|id| Some((*id, pattern.address(*id)?))).collect())
    }

    fn names(
        &mut self,
        brokers: &BTreeMap<i32, HostPort>,
        bootstrap: &[String],
        unnamed: UnnamedClients,
    ) -> Option<Names> {
        const KEY: &str = "bootstrap_names";
        let faults = self.faults.len();
        for name in bootstrap {
            if name.parse::<IpAddr>().is_ok() {
                let message =
                    format!("clients say no name when they connect to an IP address: {name} never comes");
                self.faults.push((KEY, message));
            }
            if let Some((id, _)) = brokers.iter().find(|(_, broker)| broker.host.eq_ignore_ascii_case(name)) {
                self.faults.push((KEY, format!("{name} is the name of node {id}: choose another one")));
            }
        }
        let all = bootstrap.iter().chain(brokers.values().map(|broker| &broker.host));
        if let Some(short) = all.into_iter().find(|name| !name.contains('.')) {
            let message =
                format!("Java clients do not say a name without a dot, such as {short}: they are unnamed");
            self.warnings.push((KEY, message));
        }
        if self.faults.len() > faults {
            return None;
        }
        let bootstrap = bootstrap.iter().map(|name| (name.clone(), Destination::Any));
        let brokers = brokers.iter().map(|(id, broker)| (broker.host.clone(), Destination::Node(*id)));
        let unnamed = match unnamed {
            UnnamedClients::Refuse => None,
            UnnamedClients::Bootstrap => Some(Destination::Any),
        };
        Some(Names::new(bootstrap.chain(brokers), unnamed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faults_with, parse, warnings_with, with_mapping};
    use super::*;
    use crate::model::advertise::Mapping;

    fn gateway(mapping: &str) -> (ToldAddresses, Gateway) {
        let listener = parse(&with_mapping(mapping)).unwrap().listeners.remove(0);
        match listener.address_mapping {
            Mapping::Gateway { brokers } => (brokers, listener.gateway.unwrap()),
            other => panic!("{other:?}"),
        }
    }

    const BY_PORT: &str = "{ strategy: port_per_broker, advertised_host: kafka.example, first_broker_port: 9200, node_ids: '1-2, 101' }";
    const BY_NAME: &str = "{ strategy: sni, advertised_pattern: 'b{node_id}.kafka.example:9093', bootstrap_names: [kafka.example], node_ids: '1-2' }";

    #[test]
    fn each_node_has_the_port_that_is_as_far_from_the_first_as_its_id() {
        let (brokers, gateway) = gateway(BY_PORT);
        let at = |port| ("kafka.example".to_owned(), port);
        assert_eq!(brokers, BTreeMap::from([(1, at(9200)), (2, at(9201)), (101, at(9300))]));
        assert_eq!(gateway.told_apart, ToldApart::ByPort);
        assert_eq!((gateway.upstreams, gateway.bootstrap_servers), (BTreeMap::new(), Vec::new()));
    }

    #[test]
    fn the_addresses_of_brokers_come_of_a_pattern_and_bootstrap_servers_are_kept() {
        let more = "node_ids: '1-2', upstream_pattern: 'kafka-{node_id}.kafka:9092', bootstrap_servers: ['a:1', 'b:2'] }";
        let (_, gateway) = gateway(&BY_PORT.replace("node_ids: '1-2, 101' }", more));
        let upstreams: Vec<String> = gateway.upstreams.values().map(ToString::to_string).collect();
        assert_eq!(upstreams, ["kafka-1.kafka:9092", "kafka-2.kafka:9092"]);
        let servers: Vec<String> = gateway.bootstrap_servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["a:1", "b:2"]);
    }

    #[test]
    fn each_name_leads_to_its_node() {
        for (more, unnamed) in [("", None), (", unnamed_clients: bootstrap", Some(Destination::Any))] {
            let (told, gateway) = gateway(&BY_NAME.replace(" }", &format!("{more} }}")));
            let at = |host: &str| (host.to_owned(), 9093);
            let brokers = BTreeMap::from([(1, at("b1.kafka.example")), (2, at("b2.kafka.example"))]);
            assert_eq!(told, brokers);
            let ToldApart::ByName(names) = gateway.told_apart else { panic!("by name") };
            assert_eq!(names.destination(Some("kafka.example")), Some(Destination::Any));
            assert_eq!(names.destination(Some("b2.kafka.example")), Some(Destination::Node(2)));
            assert_eq!(names.destination(Some("b3.kafka.example")), None);
            assert_eq!(names.destination(None), unnamed);
        }
    }

    #[test]
    fn the_example_is_sound() {
        let config = parse(include_str!("../../../deploy/gateway.yaml")).unwrap();
        let ports = |i: usize| -> Vec<u16> {
            config.listeners[i].address_mapping.brokers().map(|(_, port)| *port).collect()
        };
        assert_eq!((ports(0), ports(1)), (vec![9200, 9201, 9202], vec![9443; 3]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        const KEEP_HOST: &str = "{ strategy: keep_host, ports: { 9092: 9093 } }";
        let mut differences = Vec::new();
        for (mapping, old, new, expected) in [
            (
                BY_PORT,
                "advertised_host: kafka.example, ",
                "",
                "the key 'advertised_host' is missing: add it, such as 'advertised_host: kafka.example.com'",
            ),
            (
                BY_PORT,
                "kafka.example",
                "'kafka example'",
                "'kafka example' is not a host; write it like 'kafka.example.com'",
            ),
            (BY_PORT, "9200", "0", "0 is out of range: from 1 to 65535 is right"),
            (
                BY_PORT,
                "'1-2, 101'",
                "1",
                "the number 1 is not text: it is written as text, like '0-2, 100-102'",
            ),
            (BY_PORT, "1-2, 101", "2-1", "'2-1' runs backwards; write it like '0-2, 100-102'"),
            (
                BY_PORT,
                "1-2, 101",
                "1-999",
                "'1-999' has more than 256 nodes, the most of one listener; write it like '0-2, 100-102'",
            ),
            (
                BY_PORT,
                "101",
                "60000",
                "the port of node 60000 would be 69199, and the last port is 65535: choose a lower port, or give nodes whose ids are far apart a listener each",
            ),
            (
                BY_PORT,
                "9200",
                "9093",
                "the listener 'clients', for node 1, needs 0.0.0.0:9093, but the listener 'clients' has 0.0.0.0:9093 already: choose another port",
            ),
            (
                BY_PORT,
                "9200",
                "9901",
                "the listener 'clients', for node 1, has 0.0.0.0:9901 already: choose another port",
            ),
            (
                BY_NAME,
                "advertised_pattern: 'b{node_id}.kafka.example:9093', ",
                "",
                "the key 'advertised_pattern' is missing: add it, such as 'advertised_pattern: broker-{node_id}.kafka.example.com:9443'",
            ),
            (
                BY_NAME,
                "b{node_id}",
                "b",
                "'b.kafka.example:9093' does not have {node_id}, by which nodes are told apart; write it like 'broker-{node_id}.kafka.example.com:9443'",
            ),
            (BY_NAME, "[kafka.example]", "[]", "the list needs at least 1 entry"),
            (
                BY_NAME,
                "[kafka.example]",
                "[10.0.0.1]",
                "clients say no name when they connect to an IP address: 10.0.0.1 never comes",
            ),
            (
                BY_NAME,
                "[kafka.example]",
                "[B2.kafka.example]",
                "B2.kafka.example is the name of node 2: choose another one",
            ),
            (
                BY_NAME,
                "node_ids: '1-2'",
                "node_ids: '1-2', unnamed_clients: any",
                "'any' is not known here: it is one of refuse, bootstrap",
            ),
        ] {
            assert!(mapping.contains(old), "{old}");
            let faults = faults_with(KEEP_HOST, &mapping.replacen(old, new, 1));
            let message = faults.split_once(": ").map_or(&*faults, |(_, message)| message);
            if message != expected {
                differences.push(format!("{new}\n  has      {faults}\n  expected {expected}"));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    #[test]
    fn the_ports_of_two_gateways_must_not_meet() {
        let one = with_mapping(BY_PORT);
        let listener =
            one.split("listeners:\n").nth(1).and_then(|rest| rest.split("authorization:").next()).unwrap();
        let other =
            listener.replace("name: clients", "name: others").replace("0.0.0.0:9093", "127.0.0.1:9094");
        let both =
            one.replacen("authorization:", &format!("{}authorization:", other.replace("9200", "9199")), 1);
        let faults = parse(&both).unwrap_err();
        let expected = "the listener 'others', for node 2, needs 127.0.0.1:9200, but the listener 'clients', for node 1, has 0.0.0.0:9200 already: choose another port";
        assert!(faults.contains(expected), "{faults}");
        let apart =
            one.replacen("authorization:", &format!("{}authorization:", other.replace("9200", "9400")), 1);
        assert_eq!(parse(&apart).map(|config| config.listeners.len()), Ok(2));
    }

    #[test]
    fn names_that_java_does_not_say_are_warned_of() {
        let warnings = warnings_with(
            "{ strategy: keep_host, ports: { 9092: 9093 } }",
            &BY_NAME.replace("[kafka.example]", "[kafka]"),
        );
        assert!(
            warnings[0]
                .ends_with("Java clients do not say a name without a dot, such as kafka: they are unnamed"),
            "{warnings:?}"
        );
    }
}
