//! The addresses of this host that others can reach, as Linux tells them in `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// More than a pod or a broker's host has.
const MOST: usize = 256;

/// Every address of an interface but loopback and link-local ones.
///
/// # Errors
/// When `/proc` does not say, or tells of more than can be looked at.
pub fn reachable() -> Result<Vec<IpAddr>, String> {
    let path = "/proc/net/fib_trie";
    let v4 = fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    // Where IPv6 is off there is no such file.
    let v6 = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let v4 = local_v4(&v4).into_iter().map(IpAddr::V4);
    let found: Vec<IpAddr> = v4.chain(local_v6(&v6).into_iter().map(IpAddr::V6)).collect();
    match found.len() {
        ..=MOST => Ok(found),
        more => Err(format!("this host has {more} addresses, and at most {MOST} are looked at")),
    }
}

/// The trie of routes has a leaf for each address, below it `/32 host LOCAL` if that is one of the host's own.
fn local_v4(trie: &str) -> BTreeSet<Ipv4Addr> {
    let mut leaf = None;
    let mut found = BTreeSet::new();
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(leaf.filter(|address| !address.is_loopback() && !address.is_link_local()));
        }
    }
    found
}

/// One line an address: 32 hexadecimal digits, then index, prefix length, scope, flags and the interface's name. Scope 0 is
/// global.
fn local_v6(table: &str) -> BTreeSet<Ipv6Addr> {
    let address = |line: &str| {
        let mut fields = line.split_whitespace();
        let (digits, scope) = (fields.next()?, fields.nth(2)?);
        let address = Ipv6Addr::from_bits(u128::from_str_radix(digits, 16).ok()?);
        (digits.len() == 32 && scope == "00" && !address.is_loopback()).then_some(address)
    };
    table.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_among_routes() {
        let trie = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.244.1.0/24 2 0 2
        |-- 10.244.1.0
           /24 link UNICAST
        |-- 10.244.1.7
           /32 host LOCAL
        |-- 10.244.1.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 169.254.3.4
        /32 host LOCAL
Local:
        |-- 10.244.1.7
           /32 host LOCAL
";
        assert_eq!(local_v4(trie), BTreeSet::from([Ipv4Addr::new(10, 244, 1, 7)]));
        let table = "00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000589fd2fffe7f4a1b 02 40 20 80     eth0
fd000000000000000000000000000007 02 40 00 80     eth0
nonsense
";
        assert_eq!(local_v6(table), BTreeSet::from(["fd00::7".parse().unwrap()]));
        assert!(local_v4("").is_empty() && local_v6("|-- ").is_empty());
    }
}
