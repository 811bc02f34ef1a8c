//! Client addresses and the hosts of bindings: Java's address text, and networks in CIDR form (KIP-1276).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address as Java's `InetAddress.getHostAddress()` prints it, which is what the host of a binding is compared
/// with: dotted IPv4; IPv6 as eight groups without `::` and without leading zeros; IPv4-mapped IPv6 as IPv4.
pub fn host_text(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{f:x}:{g:x}:{h:x}")
        }
    }
}

/// A network, with the bits behind its prefix cleared, so that equal networks are equal however they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    prefix_length: u8,
}

impl Network {
    /// The network of that prefix length which the address lies in.
    pub(super) fn around(address: IpAddr, prefix_length: u8) -> Network {
        let length = u32::from(prefix_length);
        let first = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32u32.saturating_sub(length)).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128u32.saturating_sub(length)).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        };
        Network { first, prefix_length }
    }

    pub(super) fn is_ipv4(&self) -> bool {
        self.first.is_ipv4()
    }

    pub(super) fn prefix_length(&self) -> u8 {
        self.prefix_length
    }

    /// Whether the address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        Network::around(address.to_canonical(), self.prefix_length) == *self
    }

    /// Reads a network, or one address for the network that it is alone.
    ///
    /// # Errors
    /// What to write instead.
    pub fn of(text: &str) -> Result<Network, String> {
        match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(address) if address.is_ipv4() => Ok(Network::around(address, 32)),
            Ok(address) => Ok(Network::around(address, 128)),
            Err(_) => Network::parse(text).map_err(|fault| fault.to_string()),
        }
    }

    /// Whether everybody's address of its family lies in it.
    pub fn is_everywhere(&self) -> bool {
        self.prefix_length == 0
    }

    /// Reads CIDR notation as Kafka does (`CidrUtils`, over Apache Commons Net's `SubnetUtils` and `SubnetUtils6`).
    pub(super) fn parse(text: &str) -> Result<Network, NetworkFault> {
        let (address, length) = text.split_once('/').ok_or(NetworkFault::Form)?;
        // Kafka takes any text with a colon for IPv6.
        if text.contains(':') {
            let length = java_integer(length).ok_or(NetworkFault::Form)?;
            let length =
                u8::try_from(length).ok().filter(|&length| length <= 128).ok_or(NetworkFault::Length(128))?;
            Ok(Network::around(java_ipv6(address)?.into(), length))
        } else {
            let length = decimal(length, 2).ok_or(NetworkFault::Form)?;
            let address = dotted_ipv4(address).ok_or(NetworkFault::Form)?;
            let length =
                u8::try_from(length).ok().filter(|&length| length <= 32).ok_or(NetworkFault::Length(32))?;
            Ok(Network::around(address.into(), length))
        }
    }
}

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NetworkFault {
    Form,
    Length(u8),
    Mapped,
    Zone,
}

impl fmt::Display for NetworkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkFault::Form => f.write_str("write an IP address, a slash and the length of the prefix in bits, as in 10.0.0.0/8 or 2001:db8::/32"),
            NetworkFault::Length(most) => write!(f, "the length of the prefix must be 0 to {most}"),
            NetworkFault::Mapped => f.write_str("write a network of IPv4-mapped IPv6 addresses as an IPv4 network"),
            NetworkFault::Zone => f.write_str("a zone in it must be a number"),
        }
    }
}

fn dotted_ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = u8::try_from(decimal(parts.next()?, 3)?).ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// One to `most` decimal digits; leading zeros do not make it octal.
fn decimal(text: &str, most: usize) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// `Integer.parseInt`, which takes a sign and any number of leading zeros.
fn java_integer(text: &str) -> Option<i32> {
    text.parse().ok()
}

/// The IPv6 texts of `InetAddress.getByName`: brackets, a zone, leading zeros in groups and in a dotted tail.
fn java_ipv6(text: &str) -> Result<Ipv6Addr, NetworkFault> {
    let text = match text.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').ok_or(NetworkFault::Form)?,
        None => text,
    };
    let text = match text.split_once('%') {
        // The name of an interface means something else on every machine, and nothing on most.
        Some((_, zone)) if decimal(zone, 9).is_none() => return Err(NetworkFault::Zone),
        Some((address, _)) => address,
        None => text,
    };
    let mut plain = String::with_capacity(text.len());
    for part in text.split_inclusive([':', '.']) {
        let digits = part.trim_end_matches([':', '.']);
        let significant = digits.trim_start_matches('0');
        plain.push_str(if significant.is_empty() && !digits.is_empty() { "0" } else { significant });
        plain.push_str(&part[digits.len()..]);
    }
    let address: Ipv6Addr = plain.parse().map_err(|_| NetworkFault::Form)?;
    match address.to_ipv4_mapped() {
        Some(_) => Err(NetworkFault::Mapped),
        None => Ok(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_in_java() {
        for (address, text) in [
            ("10.0.0.7", "10.0.0.7"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("2001:0db8::00ab", "2001:db8:0:0:0:0:0:ab"),
            ("::ffff:10.0.0.7", "10.0.0.7"),
            ("::10.0.0.7", "0:0:0:0:0:0:a00:7"),
            ("FE80::ABCD", "fe80:0:0:0:0:0:0:abcd"),
        ] {
            assert_eq!(host_text(address.parse().unwrap()), text);
        }
    }

    #[test]
    fn a_network_is_its_prefix_however_written() {
        let network = |text| Network::parse(text).unwrap();
        assert_eq!(network("10.1.2.3/8"), network("010.0.0.0/08"));
        assert_eq!(network("[2001:0DB8::1%3]/+032"), network("2001:db8::/32"));
        assert_eq!(network("::10.0.0.0/104"), Network::around("::10.255.0.1".parse().unwrap(), 104));
        assert_eq!(network("1.2.3.4/0"), Network::around("9.9.9.9".parse().unwrap(), 0));
        assert_eq!(network("1::/0"), Network::around("9::9".parse().unwrap(), 0));
        assert_ne!(network("0.0.0.0/0"), network("::/0"));
    }

    #[test]
    fn addresses_lie_in_networks_of_their_family() {
        let lies =
            |address: &str, network: &str| Network::of(network).unwrap().contains(address.parse().unwrap());
        assert!(lies("10.255.0.1", "10.0.0.0/8") && lies("::ffff:10.1.1.1", "10.0.0.0/8"));
        assert!(!lies("11.0.0.1", "10.0.0.0/8") && !lies("::a00:1", "10.0.0.0/8"));
        assert!(
            lies("10.0.0.1", "10.0.0.1")
                && !lies("10.0.0.2", "10.0.0.1")
                && lies("10.0.0.1", "::ffff:10.0.0.1")
        );
        assert!(lies("2001:db8::1", "2001:db8::/32") && lies("::1", "::1") && !lies("::2", "::1"));
        assert!(!lies("10.0.0.1", "::/0") && !lies("::1", "0.0.0.0/0"));
        assert!(
            Network::of("::/0").unwrap().is_everywhere() && !Network::of("::/1").unwrap().is_everywhere()
        );
        assert!(Network::of("balancer").is_err() && Network::of("10.0.0.0/33").is_err());
    }

    #[test]
    fn what_is_no_network_says_what_would_be() {
        for (text, fault) in [
            ("10.0.0.0/33", NetworkFault::Length(32)),
            ("::/129", NetworkFault::Length(128)),
            ("::/-1", NetworkFault::Length(128)),
            ("::ffff:10.0.0.0/104", NetworkFault::Mapped),
            ("fe80::%eth0/10", NetworkFault::Zone),
            ("10.0.0.0/255.0.0.0", NetworkFault::Form),
            ("10.0.0.0/", NetworkFault::Form),
            ("10.0.0.0/8/8", NetworkFault::Form),
            (" 10.0.0.0/8", NetworkFault::Form),
            ("10.0.0/8", NetworkFault::Form),
            ("10.0.0.0.0/8", NetworkFault::Form),
            ("256.0.0.0/8", NetworkFault::Form),
            ("broker.example/8", NetworkFault::Form),
            ("[::/8", NetworkFault::Form),
            ("10.0.0.0", NetworkFault::Form),
            ("/", NetworkFault::Form),
            (":/8", NetworkFault::Form),
        ] {
            assert_eq!(Network::parse(text), Err(fault), "{text:?}");
        }
    }
}
