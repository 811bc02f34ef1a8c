//! What clients say that are nobody yet, and what is read to judge them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use doorkeeper::model::sasl::Mechanism;
use doorkeeper::model::sasl::scram::{Hash, ScramCredential};
use doorkeeper::model::sasl::token::{KeySet, TokenRules};
use doorkeeper::model::sasl::users::{User, Users};
use doorkeeper::process::users;
use doorkeeper::protocol::access::{Broker, BrokerSettings};
use doorkeeper::protocol::messages::ApiVersionsResponse;
use doorkeeper::protocol::sasl::{Before, Credentials, Offer, Reaction, SaslServer, Surroundings, Verified};

/// 2026-11-30.
const NOW_MS: i64 = 1_796_000_000_000;

/// alice alone, whose password is known to seeds.
static USERS: LazyLock<Users> = LazyLock::new(|| {
    let mut alice = User::default();
    for hash in Hash::ALL {
        let credential = ScramCredential::from_password(hash, "secret", b"salt of alice".to_vec(), 4096);
        *alice.scram_mut(hash) = Some(credential);
    }
    Users::new(BTreeMap::from([("alice".to_owned(), alice)]), Some(b"unknown".to_vec()))
});

/// A client's frames until it is somebody or is refused: `[how]`, then each frame behind its length in two bytes. The lowest bit of
/// `how` is for a client that was alice before; the next two say how passwords and tokens turn out to be.
pub fn logins(data: &[u8]) {
    let Some((how, mut rest)) = data.split_first() else { return };
    let offer = Arc::new(Offer { mechanisms: Mechanism::ALL.to_vec(), max_reauth_ms: Some(3_600_000) });
    let again = how & 1 == 1;
    let mut server = match again {
        true => {
            SaslServer::again(offer, Before { user: "alice".to_owned(), mechanism: Mechanism::ScramSha256 })
        }
        false => SaslServer::new(offer),
    };
    let around = Surroundings { users: &USERS, now_ms: NOW_MS, nonce: || "nonce".to_owned() };
    let served = ApiVersionsResponse::default();
    let broker = Broker::new(&served, BrokerSettings::default());
    let mut verified = None;
    while let [high, low, behind @ ..] = rest {
        let (frame, behind) =
            behind.split_at(behind.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
        rest = behind;
        let mut reaction = server.step(&Bytes::copy_from_slice(frame), &around);
        // What has to be asked of others is answered at once.
        for _ in 0..2 {
            reaction = match reaction {
                Reaction::AskVersions(version) => server.versions(&broker, version, Some(served.clone())),
                Reaction::Verify(credentials) => {
                    let outcome = outcome(how >> 1 & 3, &credentials);
                    if matches!(outcome, Verified::Password | Verified::Token(..)) {
                        verified = Some(match credentials {
                            Credentials::Password(user, _) => user,
                            Credentials::Token(_) => "alice".to_owned(),
                        });
                    }
                    server.verified(outcome, NOW_MS)
                }
                other => other,
            };
        }
        match reaction {
            Reaction::Answer(answer) => assert_framed(answer.as_deref()),
            Reaction::Refused(refused) => {
                assert_framed(refused.answer.as_deref());
                assert!(!refused.why.is_empty(), "without a reason");
                assert_over(&mut server, &around);
                return;
            }
            Reaction::Authenticated(done) => {
                assert_framed(done.answer.as_deref());
                let scram = done.mechanism.hash().is_some();
                // Whoever knows the password, or whom somebody has vouched for.
                assert!(
                    done.user == "alice" && scram || verified.as_ref() == Some(&done.user),
                    "{}",
                    done.user
                );
                assert!(!again || (done.user == "alice" && done.mechanism == Mechanism::ScramSha256));
                assert!(done.lifetime_ms.is_some_and(|lifetime| (0..=3_600_000).contains(&lifetime)));
                assert_over(&mut server, &around);
                return;
            }
            Reaction::AskVersions(_) | Reaction::Verify(_) => panic!("asked for again"),
        }
    }
}

fn outcome(kind: u8, credentials: &Credentials) -> Verified {
    match (kind, credentials) {
        (0, Credentials::Password(..)) => Verified::Password,
        (0, Credentials::Token(_)) => Verified::Token("alice".to_owned(), NOW_MS + 1000),
        (1, _) => Verified::Wrong("wrong".to_owned()),
        // One that does not fit the question.
        (2, Credentials::Token(_)) => Verified::Password,
        (2, Credentials::Password(..)) => Verified::Token("alice".to_owned(), NOW_MS + 1000),
        _ => Verified::Unknown("nobody answers".to_owned()),
    }
}

/// A frame begins with its length, one of the raw tokens behind a handshake of version 0, too.
fn assert_framed(answer: Option<&[u8]>) {
    let Some(answer) = answer else { return };
    let length = answer.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
    assert_eq!(length, Some(answer.len() - 4), "an answer of another length than it says");
}

fn assert_over(server: &mut SaslServer, around: &Surroundings<'_>) {
    let after = server.step(&Bytes::from_static(b"\0\x11\0\x01\0\0\0\x01\xff\xff\0\x05PLAIN"), around);
    assert!(matches!(after, Reaction::Refused(_)), "after the end: {after:?}");
}

/// The keys of the tokens in the seeds; those who signed with them are gone.
static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::read(include_bytes!("../keys.json")).expect("keys").0);

fn rules() -> TokenRules {
    TokenRules {
        issuer: "https://idp.example.com".to_owned(),
        audience: vec!["kafka".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::from_secs(30),
    }
}

/// A token: nobody but alice is vouched for, who stands in the seeds.
pub fn tokens(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    if let Ok(verified) = KEYS.verify(token, &rules(), NOW_MS.unsigned_abs() / 1000) {
        assert_eq!((verified.principal.as_str(), verified.expires), ("alice", 4_102_444_800));
    }
}

/// A file with users.
pub fn users(text: &str) {
    match users::parse(Path::new("fuzzed.yaml"), text) {
        Ok(file) => {
            let changed = BTreeMap::from([("alice".to_owned(), User::default())]);
            if let Some(edited) = users::edited(text, &file, &changed) {
                let read = users::parse(Path::new("fuzzed.yaml"), &edited);
                assert!(read.is_ok_and(|read| read.users.get("alice").is_none()), "edited:\n{edited}");
            }
        }
        Err(faults) => assert!(!faults.to_string().is_empty()),
    }
}

/// A set of keys, a line feed, a token.
pub fn keys(text: &str) {
    let (set, token) = text.rsplit_once('\n').unwrap_or((text, ""));
    match KeySet::read(set.as_bytes()) {
        Ok((keys, _)) => {
            assert!(!keys.is_empty());
            drop(keys.verify(token, &rules(), NOW_MS.unsigned_abs() / 1000));
        }
        Err(why) => assert!(!why.is_empty()),
    }
}
