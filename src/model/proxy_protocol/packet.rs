//! Version 2: a signature, what it is about, how long the rest is, addresses, and what balancers add.

use std::net::{IpAddr, SocketAddr};

use super::{LONGEST, PACKET, Parsed, Passed};
use crate::model::crc32c::crc32c;

/// Signature, version and command, family and protocol, length of the rest.
const HEAD: usize = PACKET.len() + 4;

/// The kind of an addition that is a checksum of the whole packet (`PP2_TYPE_CRC32C`).
const CHECKSUM: u8 = 3;

/// `bytes` agrees with the signature as far as it goes.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let Some([command, family, high, low]) = bytes.get(PACKET.len()..HEAD) else { return Parsed::Incomplete };
    let (command, family, length) =
        (*command, *family, HEAD + usize::from(u16::from_be_bytes([*high, *low])));
    if length > LONGEST {
        return Parsed::Invalid(format!("it is {length} bytes long, and at most {LONGEST} are taken"));
    }
    match bytes.get(..length) {
        None => Parsed::Incomplete,
        Some(packet) => match read(command, family, packet) {
            Ok(passed) => Parsed::Header(length, passed),
            Err(why) => Parsed::Invalid(why),
        },
    }
}

fn read(command: u8, family: u8, packet: &[u8]) -> Result<Passed, String> {
    let rest = &packet[HEAD..];
    match command {
        // Whatever else it says is to be passed over.
        0x20 => return Ok(Passed::Own),
        0x21 => {}
        _ if command >> 4 != 2 => {
            return Err(format!("its version is {}, and 1 and 2 are known", command >> 4));
        }
        _ => return Err(format!("its command is {}, and LOCAL and PROXY are known", command & 0xf)),
    }
    // Two addresses, and with IP two ports. Whoever does not know what to do with a family that there is (datagrams, UNIX
    // sockets) is to take it for an unspecified one.
    let addresses = match family {
        0x00 => 0,
        0x11 | 0x12 => 2 * (4 + 2),
        0x21 | 0x22 => 2 * (16 + 2),
        0x31 | 0x32 => 2 * 108,
        _ => {
            return Err(format!("its address family and protocol {family:#04x} are none that are specified"));
        }
    };
    let additions = rest.get(addresses..).ok_or("it ends within its addresses")?;
    // What follows an unspecified family, and where it begins, is known to nobody.
    if addresses > 0 {
        check_additions(packet, additions)?;
    }
    // The client's address, the balancer's, the client's port, the balancer's.
    let client = match family {
        0x11 => rest.first_chunk::<4>().map(|octets| IpAddr::from(*octets)).zip(rest[8..].first_chunk()),
        0x21 => rest.first_chunk::<16>().map(|octets| IpAddr::from(*octets)).zip(rest[32..].first_chunk()),
        _ => None,
    };
    Ok(client.map_or(Passed::Unnamed, |(ip, port)| {
        Passed::Client(SocketAddr::new(ip.to_canonical(), u16::from_be_bytes(*port)))
    }))
}

/// Whether the additions (kind, length, value) fill the packet, and agree with the checksum if there is one.
fn check_additions(packet: &[u8], additions: &[u8]) -> Result<(), String> {
    let mut left = additions;
    let mut is_checked = false;
    while !left.is_empty() {
        let [kind, high, low, values @ ..] = left else {
            return Err("it ends within an addition".to_owned());
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, others) = values.split_at_checked(length).ok_or("it ends within an addition")?;
        if *kind == CHECKSUM {
            // Each would be reckoned over the whole packet.
            if std::mem::replace(&mut is_checked, true) {
                return Err("it has more than one checksum".to_owned());
            }
            let at = packet.len() - others.len() - length;
            let said: [u8; 4] = value.try_into().map_err(|_| "its checksum has not 4 bytes")?;
            // As if the checksum itself were zero.
            let mut unsummed = packet.to_vec();
            unsummed[at..at + said.len()].fill(0);
            let summed = crc32c(&unsummed);
            if summed != u32::from_be_bytes(said) {
                return Err("its checksum is wrong".to_owned());
            }
        }
        left = others;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0xd4, 0x31, 0x24, 0xe3];

    fn packet(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [PACKET, &[command, family], &length, rest].concat()
    }

    fn passed(packet: &[u8]) -> Passed {
        match parse(packet) {
            Parsed::Header(length, passed) if length == packet.len() => passed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn packets_name_their_client_or_nobody() {
        let client = |text: &str| Passed::Client(text.parse().unwrap());
        assert_eq!(passed(&packet(0x21, 0x11, &IPV4)), client("192.0.2.7:54321"));
        let mut ipv6 = [0; 36];
        ipv6[32..34].copy_from_slice(&[1, 2]);
        ipv6[..16].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        assert_eq!(passed(&packet(0x21, 0x21, &ipv6)), client("[2001:db8::7]:258"));
        ipv6[..16].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7]);
        assert_eq!(passed(&packet(0x21, 0x21, &ipv6)), client("192.0.2.7:258"));
        for rest in [&[][..], &[1, 2, 3]] {
            assert_eq!(passed(&packet(0x20, 0, rest)), Passed::Own);
            assert_eq!(passed(&packet(0x21, 0, rest)), Passed::Unnamed);
        }
        // Families that there are, and that do not reach us.
        for (family, addresses) in [(0x12, 12), (0x22, 36), (0x31, 216), (0x32, 216)] {
            assert_eq!(passed(&packet(0x21, family, &vec![b'a'; addresses])), Passed::Unnamed, "{family:#x}");
        }
        // A probe's family and addresses mean nothing.
        assert_eq!(passed(&packet(0x20, 0x11, &IPV4)), Passed::Own);
    }

    #[test]
    fn additions_are_passed_over_but_must_be_whole() {
        let with = |additions: &[u8]| packet(0x21, 0x11, &[&IPV4, additions].concat());
        assert!(matches!(passed(&with(&[4, 0, 3, 0, 0, 0, 0xea, 0, 0])), Passed::Client(_)));
        for cut in [&[4][..], &[4, 0], &[4, 0, 1], &[4, 0, 0, 4, 0xff, 0xff, 1]] {
            assert_eq!(
                parse(&with(cut)),
                Parsed::Invalid("it ends within an addition".to_owned()),
                "{cut:?}"
            );
        }
    }

    #[test]
    fn a_checksum_is_held_against_the_packet() {
        let mut summed = packet(0x21, 0x11, &[&IPV4[..], &[CHECKSUM, 0, 4, 0, 0, 0, 0, 4, 0, 1, 9]].concat());
        let sum = crc32c(&summed).to_be_bytes();
        let at = summed.len() - 8;
        summed[at..at + 4].copy_from_slice(&sum);
        assert!(matches!(passed(&summed), Passed::Client(_)));
        for i in PACKET.len() + 4..PACKET.len() + 16 {
            let mut other = summed.clone();
            other[i] ^= 1;
            assert_eq!(parse(&other), Parsed::Invalid("its checksum is wrong".to_owned()), "byte {i}");
        }
        // The first is right.
        let none = [CHECKSUM, 0, 4, 0, 0, 0, 0];
        let twice = packet(0x21, 0x11, &[&IPV4[..], &none, &none].concat());
        let (first, second) = (twice.len() - 2 * none.len(), twice.len() - none.len());
        let mut both = twice.clone();
        for at in [second, first] {
            let sum = crc32c(&both).to_be_bytes();
            both[at + 3..at + 7].copy_from_slice(&sum);
        }
        assert_eq!(parse(&both), Parsed::Invalid("it has more than one checksum".to_owned()));
        let short = packet(0x21, 0x11, &[&IPV4[..], &[CHECKSUM, 0, 3, 0, 0, 0]].concat());
        assert!(matches!(parse(&short), Parsed::Invalid(_)));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (command, family) in
            [(0x11, 0x11), (0x31, 0x11), (0x22, 0x11), (0x21, 0x01), (0x21, 0x10), (0x21, 0x13), (0x21, 0x41)]
        {
            let refused = packet(command, family, &[0; 216]);
            assert!(matches!(parse(&refused), Parsed::Invalid(_)), "{command:#x} {family:#x}");
        }
        for family in [0x11, 0x12, 0x21, 0x22, 0x31, 0x32] {
            assert!(matches!(parse(&packet(0x21, family, &[0; 11])), Parsed::Invalid(_)));
        }
        // It is refused by what it announces: nobody waits for the rest.
        let announced = u16::try_from(LONGEST - HEAD + 1).unwrap().to_be_bytes();
        assert!(matches!(parse(&[PACKET, &[0x21, 0x11], &announced].concat()), Parsed::Invalid(_)));
    }
}
