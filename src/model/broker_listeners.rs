//! The listeners of a broker, as its own configuration names them (`listeners`, `advertised.listeners`,
//! `listener.security.protocol.map`, and the keys that older brokers have in their place).

/// The keys of a broker's configuration from which [`read`] tells its listeners.
pub const KEYS: [&str; 7] = [
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "security.inter.broker.protocol",
    "host.name",
    "port",
];

/// What Kafka speaks on a listener that says nothing else (`security.inter.broker.protocol`).
const PLAINTEXT: &str = "PLAINTEXT";

/// One listener of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerListener {
    /// Its name, such as `INTERNAL`.
    pub name: String,
    /// The port that it is bound to.
    pub port: u16,
    /// Host and port that the broker tells others for it; `None` where it tells none, as for a controller.
    pub advertised: Option<(String, u16)>,
    /// Whether neither encryption nor authentication is asked for there.
    pub plaintext: bool,
    /// Whether brokers reach this one there: others, and itself.
    pub between_brokers: bool,
}

/// The listeners that a broker has by its configuration; `None` where that does not say.
pub fn read<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Option<Vec<BrokerListener>> {
    let given = |key: &str| value(key).map(str::trim).filter(|value| !value.is_empty());
    let bound = match (given("listeners"), given("port")) {
        (Some(listeners), _) => endpoints(listeners)?,
        (None, Some(port)) => {
            let host = given("host.name").unwrap_or_default().to_owned();
            vec![Endpoint { name: PLAINTEXT.to_owned(), host, port: port.parse().ok()? }]
        }
        (None, None) => return None,
    };
    let advertised = match given("advertised.listeners") {
        Some(listeners) => endpoints(listeners)?,
        None => Vec::new(),
    };
    let protocols = given("listener.security.protocol.map").unwrap_or_default();
    let protocol = |name: &str| {
        let pairs = protocols.split(',').filter_map(|pair| pair.trim().split_once(':'));
        let mapped = pairs.into_iter().find(|(listener, _)| listener.trim().eq_ignore_ascii_case(name));
        mapped.map_or_else(|| name.to_owned(), |(_, protocol)| protocol.trim().to_owned())
    };
    let between = given("inter.broker.listener.name")
        .or(given("security.inter.broker.protocol"))
        .unwrap_or(PLAINTEXT)
        .to_owned();
    let listener = |endpoint: Endpoint| {
        let told = advertised.iter().find(|told| told.name.eq_ignore_ascii_case(&endpoint.name));
        // Without `advertised.listeners` a broker tells what it is bound to, if that is one host.
        let own = advertised.is_empty() && !is_everywhere(&endpoint.host);
        BrokerListener {
            plaintext: protocol(&endpoint.name).eq_ignore_ascii_case(PLAINTEXT),
            between_brokers: endpoint.name.eq_ignore_ascii_case(&between),
            advertised: told
                .map(|told| (told.host.clone(), told.port))
                .or_else(|| own.then(|| (endpoint.host.clone(), endpoint.port))),
            port: endpoint.port,
            name: endpoint.name,
        }
    };
    Some(bound.into_iter().map(listener).collect())
}

struct Endpoint {
    name: String,
    host: String,
    port: u16,
}

/// `NAME://host:port`, with commas between; a host may be missing, and one of IPv6 stands in brackets.
fn endpoints(text: &str) -> Option<Vec<Endpoint>> {
    let endpoint = |text: &str| {
        let (name, address) = text.trim().split_once("://")?;
        let (host, port) = address.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Some(Endpoint { name: name.to_owned(), host: host.to_owned(), port: port.trim().parse().ok()? })
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(endpoint).collect()
}

fn is_everywhere(host: &str) -> bool {
    host.is_empty() || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(configs: &[(&'static str, &'static str)]) -> Option<Vec<BrokerListener>> {
        read(|key| configs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
    }

    #[test]
    fn every_listener_is_told_with_what_is_spoken_there() {
        let listeners = of(&[
            (
                "listeners",
                "PLAINTEXT://127.0.0.1:9092, INTERNAL://:9094,TLS://[::]:9095,CONTROLLER://0.0.0.0:9093",
            ),
            ("advertised.listeners", "PLAINTEXT://localhost:9092,INTERNAL://[fd00::7]:19094,TLS://k:9095"),
            (
                "listener.security.protocol.map",
                "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT, TLS:SSL,CONTROLLER:PLAINTEXT",
            ),
            ("inter.broker.listener.name", "INTERNAL"),
        ])
        .unwrap();
        let short: Vec<_> = listeners
            .iter()
            .map(|l| (l.name.as_str(), l.port, l.plaintext, l.between_brokers, l.advertised.is_some()))
            .collect();
        assert_eq!(
            short,
            [
                ("PLAINTEXT", 9092, true, false, true),
                ("INTERNAL", 9094, true, true, true),
                ("TLS", 9095, false, false, true),
                ("CONTROLLER", 9093, true, false, false),
            ]
        );
        assert_eq!(listeners[1].advertised, Some(("fd00::7".to_owned(), 19094)));
    }

    #[test]
    fn what_is_not_set_is_what_kafka_takes() {
        let bound = of(&[("listeners", "PLAINTEXT://127.0.0.1:9092")]).unwrap();
        assert!(bound[0].plaintext && bound[0].between_brokers);
        assert_eq!(bound[0].advertised, Some(("127.0.0.1".to_owned(), 9092)));
        let old = of(&[("port", "9092"), ("host.name", "")]).unwrap();
        assert_eq!((old[0].port, old[0].advertised.clone()), (9092, None));
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("listeners", "9092")]), None);
        assert_eq!(of(&[("listeners", "PLAINTEXT://h:99999")]), None);
    }
}
