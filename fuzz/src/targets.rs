//! The fuzz targets: each takes bytes, and panics where something is wrong.

mod logins;

use std::cell::Cell;

use bytes::Bytes;
use doorkeeper::model::certificate::{
    Anchors, Certificate, PublicKey, Purpose, RevocationList, Signatures, Standing, Unverified,
};
use doorkeeper::model::principal::{MappingRules, distinguished_name};
use doorkeeper::model::proxy_protocol::{self, LONGEST, Parsed};
use doorkeeper::process::acl_store::file;
use doorkeeper::process::config::Config;
use doorkeeper::process::identity::stores::{self, Passwords};
use doorkeeper::protocol::header::{self, RequestHeader};
use doorkeeper::protocol::messages::CATALOGUE;
use doorkeeper::protocol::subscriptions::Pattern;
use doorkeeper::protocol::wire::Str;
use std::path::Path;

pub use logins::{logins, tokens};

use crate::never_through::dice::Dice;
use crate::never_through::played::{House, Kind};

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("frames", frames),
    ("sessions", sessions),
    ("requests", requests),
    ("answers", answers),
    ("shadows", shadows),
    ("certificates", certificates),
    ("stores", stores),
    ("names", names),
    ("patterns", patterns),
    ("files", files),
    ("proxy_headers", proxy_headers),
    ("logins", logins),
    ("tokens", tokens),
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

/// Signatures of which nothing is known but what the target says. No fuzzer can make a real one, so they are all right, all
/// wrong, or chosen by what is signed.
struct Told {
    answer: fn(&[u8]) -> bool,
    asked: Cell<usize>,
}

impl Signatures for Told {
    fn verify(&self, _: &PublicKey, _: &[u8], message: &[u8], _: &[u8]) -> Result<(), Unverified> {
        self.asked.set(self.asked.get() + 1);
        if (self.answer)(message) { Ok(()) } else { Err(Unverified::Wrong) }
    }

    fn takes(&self, key: &PublicKey) -> bool {
        !key.bits().is_empty()
    }
}

/// `[0][revocation list]`, `[1][store without a password]`, `[2][store whose password is "changeit"]`: what an operator names, and
/// somebody else may have written.
pub fn stores(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    if *kind == 0 {
        if let Ok(list) = RevocationList::read(bytes) {
            assert!(list.len() <= bytes.len() / 15, "{} entries", list.len());
        }
        return;
    }
    let store = (*kind == 2).then(|| "changeit".to_owned().into());
    let (passwords, path) = (Passwords { store, key: None }, Path::new("store"));
    let read = stores::read(bytes, path, &passwords);
    let trusted = read.as_ref().ok().and_then(|store| store.trusted().ok()).map_or(0, <[_]>::len);
    assert!(trusted <= bytes.len(), "{trusted} certificates");
    if let Err(fault) = read.and_then(|store| store.key(None, &passwords, path)) {
        assert!(!fault.message.is_empty() && !fault.message.chars().any(char::is_control), "{fault}");
    }
}

/// `[how many are trusted][certificates, each with its length in two bytes before it]`: what is not trusted is what a client
/// sends. Whom it makes somebody, and what that costs.
pub fn certificates(data: &[u8]) {
    /// 2027-01-15, when the seeds are valid.
    const NOW: i64 = 1_800_000_000;
    /// What a stranger's chain may cost, and with one more each what the anchors may.
    const MOST_SIGNATURES: usize = 64;
    let Some((trusted, mut rest)) = data.split_first() else { return };
    let mut all: Vec<&[u8]> = Vec::new();
    while let [high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(behind.len());
        let (certificate, behind) = behind.split_at(length);
        all.push(certificate);
        rest = behind;
    }
    let (trusted, sent) = all.split_at(all.len().min(usize::from(*trusted)));
    let answers: [fn(&[u8]) -> bool; 3] = [|_| true, |_| false, |message| message.len() % 3 != 0];
    for (kind, answer) in answers.into_iter().enumerate() {
        let signatures = Told { answer, asked: Cell::new(0) };
        let mut anchors = Anchors::default();
        for certificate in trusted.iter().filter_map(|der| Certificate::read(der).ok()) {
            anchors.add(certificate, &signatures);
        }
        let _ = anchors.hints();
        for purpose in [Purpose::Client, Purpose::Server] {
            signatures.asked.set(0);
            let judged = anchors.judge(sent, purpose, NOW, &signatures);
            assert!(signatures.asked.get() <= MOST_SIGNATURES, "{} signatures", signatures.asked.get());
            match judged {
                Ok(leaf) => {
                    assert_eq!(Some(leaf.der()), sent.first().copied(), "somebody else's certificate");
                    assert!(leaf.is_valid_at(NOW), "at another time");
                    let named = |der: &[u8]| trusted.contains(&der);
                    let authority =
                        anchors.all().iter().any(|anchor| *anchor.standing() == Standing::Authority);
                    // Nobody but whoever is named is believed without a signature, nor without an authority.
                    assert!(named(leaf.der()) || (kind != 1 && authority), "vouched for by nobody");
                }
                Err(refusal) => {
                    let text = refusal.to_string();
                    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
                }
            }
        }
    }
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

/// `[0][an ACL file]`, `[1][a configuration]`, `[2][a file with users]` or `[3][a set of keys and a token]`: read, or refused
/// with a reason.
pub fn files(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("fuzzed.yaml");
    match kind {
        0 => match file::parse(path, text) {
            Ok(read) => assert!(read.bindings.iter().all(|binding| !binding.principal.is_empty())),
            Err(faults) => assert!(!faults.to_string().is_empty()),
        },
        2 => logins::users(text),
        3 => logins::keys(text),
        _ => {
            if let Err(faults) = Config::parse(path, text) {
                assert!(!faults.to_string().is_empty());
            }
        }
    }
}

/// The first bytes of a connection from a balancer: what is said of them is said of every longer beginning too, and nobody waits
/// for more than the longest header.
pub fn proxy_headers(data: &[u8]) {
    let mut said: Option<Parsed> = None;
    // Not at every byte of long ones, which would take too long.
    let ends = (0..data.len().min(160)).chain((160..data.len()).step_by(97)).chain([data.len()]);
    for end in ends {
        let parsed = proxy_protocol::parse(&data[..end]);
        if let Some(before) = &said {
            assert_eq!(&parsed, before, "{end} bytes");
        }
        match &parsed {
            Parsed::Incomplete => assert!(end < LONGEST, "{end} bytes are not enough"),
            Parsed::Header(length, _) => assert!(*length <= end && *length <= LONGEST, "{length} of {end}"),
            Parsed::Invalid(why) => assert!(!why.is_empty() && !why.chars().any(char::is_control), "{why:?}"),
            Parsed::Other => {}
        }
        if parsed != Parsed::Incomplete {
            said = Some(parsed);
        }
    }
}
