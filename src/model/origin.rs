//! Where a peer is, for limits that are set for each.

use std::net::{IpAddr, Ipv6Addr};

/// Where a connection comes from, as far as one peer cannot choose it at will: an IPv4 address, or the network of an IPv6
/// address, of which a peer usually has all 2^64 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            // There is but one of that network, and it is this machine.
            IpAddr::V6(Ipv6Addr::LOCALHOST) => Self(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
            address => Self(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn an_ipv6_network_is_one_origin_and_loopback_is_apart() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:1"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("::ffff:10.0.0.1"), origin("10.0.0.1"));
        assert_ne!(origin("::1"), origin("::2"));
        assert_ne!(origin("127.0.0.1"), origin("127.0.0.2"));
    }
}
