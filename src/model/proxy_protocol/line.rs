//! Version 1: a line of text, such as `PROXY TCP4 192.0.2.7 10.0.0.1 54321 9443`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{LINE, Parsed, Passed};

/// The most bytes of a line with its end.
const LONGEST: usize = 107;

/// `bytes` agrees with the signature as far as it goes.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let looked_at = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = looked_at.windows(2).position(|pair| pair == b"\r\n") else {
        return match bytes.len() < LONGEST {
            true => Parsed::Incomplete,
            false => Parsed::Invalid(format!("the line has no end within {LONGEST} bytes")),
        };
    };
    match bytes.get(LINE.len()..end).ok_or(FORM).and_then(read) {
        Ok(passed) => Parsed::Header(end + 2, passed),
        Err(why) => Parsed::Invalid(why.to_owned()),
    }
}

const FORM: &str = "the line is not 'PROXY TCP4|TCP6 <client> <balancer> <port> <port>' or 'PROXY UNKNOWN'";

/// Reads what stands between the signature and the end of the line.
fn read(rest: &[u8]) -> Result<Passed, &'static str> {
    let rest = std::str::from_utf8(rest).map_err(|_| FORM)?;
    let mut words = rest.split(' ');
    let ip: fn(&str) -> Option<IpAddr> = match words.next() {
        // Whatever follows is to be passed over.
        Some("UNKNOWN") => return Ok(Passed::Unnamed),
        Some("TCP4") => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::from),
        Some("TCP6") => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        _ => return Err(FORM),
    };
    let mut address = || words.next().and_then(ip).ok_or("an address in it is not one of its family");
    let (client, _) = (address()?, address()?);
    let mut number = || words.next().and_then(port).ok_or("a port in it is not a number up to 65535");
    let (port, _) = (number()?, number()?);
    match words.next() {
        None => Ok(Passed::Client(SocketAddr::new(client.to_canonical(), port))),
        Some(_) => Err(FORM),
    }
}

/// Decimal, without a sign and without leading zeros.
fn port(text: &str) -> Option<u16> {
    text.parse::<u16>().ok().filter(|port| port.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Parsed {
        parse(line.as_bytes())
    }

    #[test]
    fn lines_name_their_client() {
        for (line, client) in [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 54321 9443\r\n", "192.0.2.7:54321"),
            ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
            ("PROXY TCP6 2001:db8::7 ::1 0 9443\r\n", "[2001:db8::7]:0"),
            ("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:10.0.0.1 1 2\r\n", "192.0.2.7:1"),
        ] {
            assert_eq!(
                parsed(line),
                Parsed::Header(line.len(), Passed::Client(client.parse().unwrap())),
                "{line}"
            );
        }
        let longest = "f".repeat(4) + &":ffff".repeat(7);
        let line = format!("PROXY UNKNOWN {longest} {longest} 65535 65535\r\n");
        assert_eq!((line.len(), parsed(&line)), (LONGEST, Parsed::Header(LONGEST, Passed::Unnamed)));
        assert_eq!(parsed("PROXY UNKNOWN\r\n"), Parsed::Header(15, Passed::Unnamed));
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "PROXY \r\n",
            "PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n",
            "PROXY TCP4 192.0.2.7\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n",
            "PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 1 2 \r\n",
            "PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n",
            "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n\r\n",
            "PROXY tcp4 192.0.2.7 10.0.0.1 1 2\r\n",
            "PROXY UNKNOWNS\r\n",
        ] {
            assert!(matches!(parsed(line), Parsed::Invalid(_)), "{line}");
        }
        let endless = "PROXY UNKNOWN ".to_owned() + &"x".repeat(LONGEST);
        assert!(matches!(parsed(&endless), Parsed::Invalid(_)));
        let too_late = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST - 15));
        assert!(matches!(parsed(&too_late), Parsed::Invalid(_)));
    }
}
