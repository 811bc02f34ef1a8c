//! The fuzz targets: each takes bytes, and panics where something is wrong.

use bytes::Bytes;
use doorkeeper::process::acl_store::file;
use doorkeeper::process::config::Config;
use doorkeeper::protocol::header::{self, RequestHeader};
use doorkeeper::protocol::messages::CATALOGUE;
use doorkeeper::protocol::subscriptions::Pattern;
use doorkeeper::protocol::wire::Str;
use doorkeeper::words::principal::{MappingRules, distinguished_name};
use std::path::Path;

use crate::dice::Dice;
use crate::played::{House, Kind};

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("frames", frames),
    ("sessions", sessions),
    ("requests", requests),
    ("answers", answers),
    ("shadows", shadows),
    ("names", names),
    ("patterns", patterns),
    ("files", files),
];

/// A frame of any kind through the codec: `[0][request]`, or `[1][key][version][answer]`, an answer without its length and
/// its correlation id. What can be read is written and read again, and is the same.
pub fn frames(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let is_request = *kind == 0;
    let (key, version, rest) = match (is_request, data) {
        (true, data) => match RequestHeader::read(data) {
            Ok(header) => (header.key, header.version, &data[header.end..]),
            Err(_) => return,
        },
        (false, [k0, k1, v0, v1, rest @ ..]) => {
            (i16::from_be_bytes([*k0, *k1]), i16::from_be_bytes([*v0, *v1]), rest)
        }
        (false, _) => return,
    };
    let Some(entry) = CATALOGUE.iter().find(|entry| entry.key == key) else { return };
    // The answer to ApiVersions has none in its header.
    let has_tags = version >= entry.flexible && (is_request || entry.name != "ApiVersions");
    let Ok(tags) = (if has_tags { header::tagged_fields(rest) } else { Ok(0) }) else { return };
    let codec = if is_request { &entry.request } else { &entry.response };
    if let Ok(once) = (codec.recode)(&Bytes::copy_from_slice(&rest[tags..]), version, version) {
        let twice = (codec.recode)(&Bytes::copy_from_slice(&once), version, version);
        assert_eq!(twice.as_ref(), Ok(&once), "{} v{version}", entry.name);
    }
}

/// Life in a house, of which the bytes choose everything: who may do what, who sends what, what the broker answers.
pub fn sessions(data: &[u8]) {
    live(data, Kind::Anything);
}

/// As [`sessions`], with nothing but fetches and share fetches: doorkeeper's shadows of the sessions beside the broker's.
pub fn shadows(data: &[u8]) {
    live(data, Kind::Fetches);
}

fn live(data: &[u8], kind: Kind) {
    let mut house = House::new(Dice::given(data)).of(kind);
    let outcome = house.live(200);
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    assert!(house.found().is_empty(), "{}", house.found().join("\n"));
}

/// `[24 bytes that choose the house][what a client sends]`: whatever of it reaches the broker is judged.
pub fn requests(data: &[u8]) {
    let (choices, sent) = data.split_at(data.len().min(24));
    let outcome = House::new(Dice::given(choices)).hear(sent);
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}

/// `[length][so many bytes that choose the house and a request][what the broker answers]`: the answer may be anything.
pub fn answers(data: &[u8]) {
    let Some((length, data)) = data.split_first() else { return };
    let (choices, answer) = data.split_at(data.len().min(usize::from(*length)));
    let outcome = House::new(Dice::given(choices)).be_answered(answer);
    assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
}

/// A subject as a certificate has it, and what rules make of it: `[length of the rules][rules][subject]`.
pub fn names(data: &[u8]) {
    let Some((length, data)) = data.split_first() else { return };
    let (rules, subject) = data.split_at(data.len().min(usize::from(*length)));
    let rules = std::str::from_utf8(rules).ok().and_then(|rules| MappingRules::parse(rules).ok());
    let rules = rules.unwrap_or_default();
    if let Ok(name) = distinguished_name(subject) {
        let _ = rules.apply(&name);
    }
    if let Ok(name) = std::str::from_utf8(subject) {
        let _ = rules.apply(name);
    }
}

/// A pattern of a subscription, and names: texts with line feeds between them.
pub fn patterns(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let Ok(pattern) = Pattern::new(lines.next().unwrap_or_default()) else { return };
    let names: Vec<Str> = lines.map(Str::from).collect();
    if let Ok(covered) = pattern.covered(&names) {
        assert!(covered.iter().all(|place| (*place as usize) < names.len()));
    }
}

/// `[0][an ACL file]` or `[1][a configuration]`: read, or refused with a reason.
pub fn files(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("fuzzed.yaml");
    match kind {
        0 => match file::parse(path, text) {
            Ok(read) => assert!(read.bindings.iter().all(|binding| !binding.principal.is_empty())),
            Err(faults) => assert!(!faults.to_string().is_empty()),
        },
        _ => {
            if let Err(faults) = Config::parse(path, text) {
                assert!(!faults.to_string().is_empty());
            }
        }
    }
}
