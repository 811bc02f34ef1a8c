//! OAUTHBEARER: tokens of an issuer that both sides know, and what is none.

use super::{Dialogue, SHA_512, Say, Scram, handshake, metadata, token};
use crate::support::client::Client;
use crate::support::kafka::scratch;
use crate::support::tokens::{TokenSigner, encoded, key_set};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who issues tokens, and for whom.
pub const ISSUER: &str = "https://idp.example.com";
pub const AUDIENCE: &str = "kafka";
/// How long a token counts, in seconds.
const LIFE: u64 = 1800;

/// An issuer with a key of each kind, and the file with the public ones.
pub struct Issuer {
    signers: [TokenSigner; 5],
    foreign: TokenSigner,
    pub keys: PathBuf,
    now: u64,
}

impl Issuer {
    /// Makes its keys.
    pub fn new() -> Issuer {
        let signers = ["RS256", "ES256", "ES384", "ES512", "EdDSA"];
        let signers = signers.map(|algorithm| TokenSigner::new(algorithm, algorithm));
        let keys = scratch("issuer").join("jwks.json");
        std::fs::write(&keys, key_set(&signers.each_ref()).to_string()).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Issuer { signers, foreign: TokenSigner::new("ES256", "ES256"), keys, now }
    }

    /// Claims that are right but for this; what is null is left out.
    fn claims(&self, change: &Value) -> Value {
        let (now, expires) = (self.now, self.now + LIFE);
        let mut claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": expires});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    /// A token of this user.
    pub fn token_of(&self, user: &str) -> String {
        self.saying(&json!({ "sub": user }))
    }

    /// A token that counts no more.
    pub fn expired(&self) -> String {
        self.saying(&json!({"exp": self.now - 60}))
    }

    fn saying(&self, change: &Value) -> String {
        self.signers[1].token(&self.claims(change))
    }

    fn headed(&self, signer: &TokenSigner, header: &Value) -> String {
        signer.token_with(header, &self.claims(&json!({})))
    }
}

/// What a client says who has this token.
fn message(token: &str) -> String {
    format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}")
}

/// Whether a client with this token is let in.
pub fn log_in(client: &mut Client, bearer: &str) -> bool {
    let says = vec![handshake(1, "OAUTHBEARER"), token(message(bearer).as_bytes())];
    let heard = Dialogue { name: String::new(), says, here: None }.hold(client);
    heard.last().is_some_and(|last| last.contains("\"authBytes\":\"\",\"errorCode\":0"))
}

/// A login with this message, and a request.
fn said(name: &str, message: &str) -> Dialogue {
    let says = vec![handshake(1, "OAUTHBEARER"), token(message.as_bytes()), metadata()];
    Dialogue { name: format!("OAUTHBEARER, {name}"), says, here: None }
}

/// One that is refused, of which the client takes note.
fn refused(name: &str, message: &str) -> Dialogue {
    let mut dialogue = said(name, message);
    dialogue.says.insert(2, token(b"\x01"));
    dialogue
}

/// Every conversation.
pub fn all(issuer: &Issuer) -> Vec<Dialogue> {
    let mut all = right_signatures(issuer);
    all.extend(wrong_signatures(issuer));
    all.extend(claims(issuer));
    all.extend(messages(issuer));
    all.extend(again(issuer));
    all
}

fn right_signatures(issuer: &Issuer) -> Vec<Dialogue> {
    let mut all = Vec::new();
    for signer in &issuer.signers {
        for algorithm in signer.algorithms() {
            let right = issuer.headed(signer, &json!({"alg": algorithm, "kid": signer.id}));
            all.push(said(algorithm, &message(&right)));
            let nameless = issuer.headed(signer, &json!({ "alg": algorithm }));
            all.push(said(&format!("{algorithm}, no key id"), &message(&nameless)));
            let other = if signer.id == "ES384" { "RS256" } else { "ES384" };
            let other = issuer.headed(signer, &json!({"alg": algorithm, "kid": other}));
            all.push(refused(&format!("{algorithm}, another's key id"), &message(&other)));
        }
    }
    all
}

fn wrong_signatures(issuer: &Issuer) -> Vec<Dialogue> {
    let right = issuer.token_of("alice");
    let [header, payload, signature] = right.split('.').collect::<Vec<_>>()[..] else { panic!("{right}") };
    let admin = encoded(&issuer.claims(&json!({"sub": "admin"})));
    let none = encoded(&json!({"alg": "none"}));
    let secret = std::fs::read(&issuer.keys).unwrap();
    let symmetric = format!("{}.{payload}", encoded(&json!({"alg": "HS256", "kid": "RS256"})));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), symmetric.as_bytes());
    let (foreign, signer) = (&issuer.foreign, &issuer.signers[1]);
    let own = json!({"alg": "ES256", "jwk": foreign.public()});
    let critical = json!({"alg": "ES256", "kid": "ES256", "crit": ["x"], "x": 1});
    let wrong = [
        ("a foreign key", foreign.token(&issuer.claims(&json!({})))),
        ("a foreign key without an id", issuer.headed(foreign, &json!({"alg": "ES256"}))),
        ("a foreign key that is sent along", issuer.headed(foreign, &own)),
        ("an unknown key id", issuer.headed(signer, &json!({"alg": "ES256", "kid": "gone"}))),
        ("other claims", format!("{header}.{admin}.{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("alg none", format!("{none}.{payload}.")),
        ("alg none and a signature", format!("{none}.{payload}.{signature}")),
        ("HS256 by the public key", format!("{symmetric}.{}", URL_SAFE_NO_PAD.encode(tag))),
        ("RS256 on a curve", issuer.headed(signer, &json!({"alg": "RS256", "kid": "ES256"}))),
        ("no algorithm", issuer.headed(signer, &json!({"kid": "ES256"}))),
        ("what must be understood", issuer.headed(signer, &critical)),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{right}.{signature}")),
        ("five parts", format!("{header}.{payload}.{signature}.{payload}.{signature}")),
        ("garbage", "garbage".to_owned()),
        ("dots", "..".to_owned()),
        ("no JSON", "a.b.c".to_owned()),
    ];
    wrong.iter().map(|(name, token)| refused(name, &message(token))).collect()
}

fn claims(issuer: &Issuer) -> Vec<Dialogue> {
    let now = issuer.now;
    let right = [
        json!({"aud": ["other", "kafka"]}),
        json!({"sub": "Zoë, of sales"}),
        json!({"sub": " alice "}),
        json!({"nbf": now + 5}),
        json!({"iat": now + 5}),
        json!({"scope": "read write"}),
        json!({"scope": ["read", "write"]}),
        json!({"exp": now + 2 * 3600}),
    ];
    let wrong = [
        json!({"exp": now - 60}),
        json!({"exp": null}),
        json!({"exp": "soon"}),
        json!({"exp": 0}),
        json!({"exp": -5}),
        json!({"nbf": now + 3600}),
        json!({"nbf": "later"}),
        json!({"iat": null}),
        json!({"iat": now + 3600}),
        json!({"iat": "now"}),
        json!({"iss": "https://evil.example.com"}),
        json!({"iss": "https://idp.example.com/"}),
        json!({"iss": null}),
        json!({"iss": ["https://idp.example.com"]}),
        json!({"aud": "other"}),
        json!({"aud": "Kafka"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": "  "}),
        json!({"sub": 7}),
        json!({"sub": ["alice"]}),
    ];
    // The clock shall not be in a dialogue's name.
    let named = |change: &Value| format!("claims {change}").replace(&now.to_string()[..5], "12345");
    let mut all: Vec<Dialogue> =
        right.iter().map(|change| said(&named(change), &message(&issuer.saying(change)))).collect();
    all.extend(wrong.iter().map(|change| refused(&named(change), &message(&issuer.saying(change)))));
    all.push(refused("claims that are none", &message(&issuer.signers[1].token(&json!(["alice"])))));
    all
}

fn messages(issuer: &Issuer) -> Vec<Dialogue> {
    let (right, wrong) = (issuer.token_of("alice"), issuer.expired());
    let extended = |extension: &str| format!("n,,\u{1}auth=Bearer {right}\u{1}{extension}\u{1}\u{1}");
    let mut all = vec![
        said("extensions", &extended("traceId=123\u{1}tenant=a b")),
        said("one's own authorization", &format!("n,a=alice,\u{1}auth=Bearer {right}\u{1}\u{1}")),
        said("a scheme in small letters", &format!("n,,\u{1}auth=bearer {right}\u{1}\u{1}")),
        said("blanks", &format!("n,,\u{1}auth=Bearer   {right}\u{1}\u{1}")),
        said("auth twice", &extended(&format!("auth=Bearer {right}"))),
    ];
    for (name, message) in [
        ("nothing", String::new()),
        ("note of nothing", "\u{1}".to_owned()),
        ("no end", format!("n,,\u{1}auth=Bearer {right}\u{1}")),
        ("no separator", format!("n,,auth=Bearer {right}\u{1}\u{1}")),
        ("channel binding", format!("y,,\u{1}auth=Bearer {right}\u{1}\u{1}")),
        ("no token", "n,,\u{1}auth=Bearer\u{1}\u{1}".to_owned()),
        ("no auth", "n,,\u{1}\u{1}".to_owned()),
        ("another scheme", format!("n,,\u{1}auth=Basic {right}\u{1}\u{1}")),
        ("another's authorization", format!("n,a=admin,\u{1}auth=Bearer {right}\u{1}\u{1}")),
        ("an authorization that cannot be read", format!("n,admin,\u{1}auth=Bearer {right}\u{1}\u{1}")),
        ("an extension without a value", extended("traceId")),
        ("an extension with an empty value", extended("traceId=")),
        ("an extension with a number in its name", extended("trace1=x")),
        ("an extension that is no ASCII", extended("trace=ü")),
        ("a token alone", right.clone()),
        ("a wrong token for another", format!("n,a=admin,\u{1}auth=Bearer {wrong}\u{1}\u{1}")),
    ] {
        all.push(refused(name, &message));
    }
    for (name, then) in [
        ("a right token after a wrong one", message(&right)),
        ("a wrong token twice", message(&wrong)),
        ("no note taken of a wrong token", String::new()),
    ] {
        let mut dialogue = refused(name, &message(&wrong));
        dialogue.says.insert(2, token(then.as_bytes()));
        all.push(dialogue);
    }
    for version in [0, 2] {
        let mut dialogue = said(&format!("right by SaslAuthenticate {version}"), "");
        dialogue.says[1] = Say::Token(version, message(&right).into_bytes());
        all.push(dialogue);
        let mut dialogue = refused(&format!("wrong by SaslAuthenticate {version}"), "");
        dialogue.says[1] = Say::Token(version, message(&wrong).into_bytes());
        all.push(dialogue);
    }
    for (name, token, then) in [("raw", &right, metadata()), ("raw and wrong", &wrong, Say::Frame(vec![1]))] {
        let frame = Say::Frame(message(token).into_bytes());
        let says = vec![handshake(0, "OAUTHBEARER"), frame, then];
        all.push(Dialogue { name: format!("OAUTHBEARER, {name}"), says, here: None });
    }
    all
}

/// Logging in again on the same connection.
fn again(issuer: &Issuer) -> Vec<Dialogue> {
    let login = |bearer: &str| vec![handshake(1, "OAUTHBEARER"), token(message(bearer).as_bytes())];
    let dialogue = |name: &str, says: Vec<Say>, then: Vec<Say>| Dialogue {
        name: format!("OAUTHBEARER again, {name}"),
        says: [login(&issuer.token_of("alice")), vec![metadata()], says, then].concat(),
        here: None,
    };
    let longer = issuer.saying(&json!({"exp": issuer.now + 3000}));
    let scram = vec![handshake(1, "SCRAM-SHA-512"), Say::Scram(Scram::new(SHA_512, "alice", "pencil"))];
    vec![
        dialogue("with a newer token", login(&longer), vec![metadata()]),
        dialogue("as somebody else", login(&issuer.token_of("bob")), vec![metadata()]),
        dialogue("with one that has expired", login(&issuer.expired()), vec![token(b"\x01"), metadata()]),
        dialogue("by SCRAM", scram, Vec::new()),
    ]
}
