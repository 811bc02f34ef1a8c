//! What a client may say before it is somebody, and after, and what it hears.

mod bearer;

pub use bearer::{AUDIENCE, ISSUER, Issuer, log_in as bearer_login};

use crate::support::client::{Answer, Client};
use crate::support::schema::hex;
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::num::NonZeroU32;

const ILLEGAL_SASL_STATE: i64 = 34;

/// A hash function of SCRAM.
#[derive(Clone, Copy)]
pub struct Function(pbkdf2::Algorithm, hmac::Algorithm, &'static digest::Algorithm);

pub const SHA_256: Function = Function(pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256);
pub const SHA_512: Function = Function(pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512);

/// A password as SCRAM salts it.
pub fn salted(function: Function, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
    let mut out = vec![0; function.2.output_len()];
    pbkdf2::derive(function.0, NonZeroU32::new(iterations).unwrap(), salt, password.as_bytes(), &mut out);
    out
}

fn mac(function: Function, key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(function.1, key), text).as_ref().to_vec()
}

/// One thing that a client does.
#[derive(Clone)]
pub enum Say {
    /// A request, in this version.
    Ask(&'static str, i16, Value),
    /// A frame.
    Frame(Vec<u8>),
    /// A token, in a SaslAuthenticate request of this version.
    Token(i16, Vec<u8>),
    /// A whole login by SCRAM, after its handshake, with changes to what is said.
    Scram(Scram),
    /// Waits until a login may begin anew.
    Pause,
}

/// A login by SCRAM.
#[derive(Clone)]
pub struct Scram {
    pub function: Function,
    pub user: &'static str,
    pub password: &'static str,
    /// Before the bare first message.
    pub header: &'static str,
    /// Behind the nonce of the first message.
    pub extension: &'static str,
    /// Changes the last message.
    pub last: fn(String) -> String,
}

/// A conversation.
pub struct Dialogue {
    pub name: String,
    says: Vec<Say>,
    /// What the last word here has in it, where it differs from Kafka's on purpose.
    pub here: Option<&'static str>,
}

impl Dialogue {
    /// Says all of it, as long as there are answers.
    pub fn hold(&self, client: &mut Client) -> Vec<String> {
        let mut heard = Vec::new();
        for say in &self.says {
            match say {
                Say::Ask(api, version, body) => heard.push(shown(client.call(api, *version, body))),
                Say::Frame(frame) => heard.push(match client.exchange(frame) {
                    Ok(answer) => hex(&answer),
                    Err(_) => "closed".to_owned(),
                }),
                Say::Token(version, token) => heard.push(token_answer(client, *version, token)),
                Say::Scram(scram) => heard.extend(scram.hold(client)),
                Say::Pause => std::thread::sleep(std::time::Duration::from_millis(1100)),
            }
            if heard.last().is_some_and(|last| last == "closed") {
                break;
            }
        }
        heard
    }
}

fn shown(answer: Answer) -> String {
    match answer {
        Answer::Body(mut body) => {
            // What else the brokers serve is compared elsewhere, and the order of mechanisms is by chance.
            if let Some(keys) = body.get_mut("apiKeys").and_then(Value::as_array_mut) {
                keys.retain(|key| [17, 18, 36].contains(&key["apiKey"].as_i64().unwrap()));
                for field in ["supportedFeatures", "finalizedFeatures", "finalizedFeaturesEpoch"] {
                    body.as_object_mut().unwrap().remove(field);
                }
            }
            if let Some(names) = body.get_mut("mechanisms").and_then(Value::as_array_mut) {
                names.sort_by_key(|name| name.as_str().unwrap_or_default().to_owned());
            }
            // What is left of a token's life is less with each moment.
            if let Some(left) = body.get_mut("sessionLifetimeMs").filter(|left| **left != super::LIFETIME) {
                *left = json!(left.as_u64().unwrap().div_ceil(600_000) * 600_000);
            }
            // Of topics there is something to see where they are refused.
            let is_refused = |topic: &Value| topic["errorCode"] == ILLEGAL_SASL_STATE;
            let topics = body.get("topics").and_then(Value::as_array);
            if !topics.is_some_and(|topics| topics.iter().any(is_refused)) {
                body.as_object_mut().unwrap().remove("topics");
            }
            for field in ["brokers", "clusterId", "controllerId"] {
                body.as_object_mut().unwrap().remove(field);
            }
            body.to_string()
        }
        Answer::Closed => "closed".to_owned(),
        other => format!("{other:?}"),
    }
}

fn token_answer(client: &mut Client, version: i16, token: &[u8]) -> String {
    shown(client.call("SaslAuthenticate", version, &json!({"authBytes": hex(token)})))
}

/// A login by SCRAM, with its handshake.
pub fn log_in(
    client: &mut Client,
    function: Function,
    mechanism: &'static str,
    user: &'static str,
    password: &'static str,
) -> Vec<String> {
    let says = vec![handshake(1, mechanism), Say::Scram(Scram::new(function, user, password))];
    Dialogue { name: String::new(), says, here: None }.hold(client)
}

impl Scram {
    fn new(function: Function, user: &'static str, password: &'static str) -> Scram {
        Scram { function, user, password, header: "n,,", extension: "", last: |last| last }
    }

    fn hold(&self, client: &mut Client) -> Vec<String> {
        let Scram { function, user, password, header, extension, last } = self;
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={user},r=fyko{extension}");
        let token = format!("{header}{bare}");
        let answer = client.call("SaslAuthenticate", 1, &json!({"authBytes": hex(token.as_bytes())}));
        let Answer::Body(body) = &answer else { return vec![shown(answer)] };
        if body["errorCode"] != 0 {
            return vec![shown(answer)];
        }
        let challenge = unhex(body["authBytes"].as_str().unwrap());
        let challenge = String::from_utf8(challenge).unwrap();
        let parts: Vec<&str> = challenge.split(',').collect();
        let [nonce, salt, iterations] = parts[..] else { return vec![challenge] };
        let mut heard = vec![format!("challenge {iterations}")];
        let salt = BASE64.decode(&salt[2..]).unwrap();
        let salted = salted(*function, password, &salt, iterations[2..].parse().unwrap());
        let client_key = mac(*function, &salted, b"Client Key");
        let stored = digest::digest(function.2, &client_key);
        let channel = BASE64.encode(header.as_bytes());
        let without = format!("c={channel},{nonce}");
        let message = format!("{bare},{challenge},{without}");
        let signature = mac(*function, stored.as_ref(), message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let token = last(format!("{without},p={}", BASE64.encode(proof)));
        let answer = client.call("SaslAuthenticate", 1, &json!({"authBytes": hex(token.as_bytes())}));
        if let Answer::Body(body) = &answer
            && body["errorCode"] == 0
        {
            let server_key = mac(*function, &salted, b"Server Key");
            let expected = format!("v={}", BASE64.encode(mac(*function, &server_key, message.as_bytes())));
            let told = String::from_utf8(unhex(body["authBytes"].as_str().unwrap())).unwrap();
            heard.push(format!("verifier {}", told == expected));
            let mut body = body.clone();
            body.as_object_mut().unwrap().remove("authBytes");
            heard.push(body.to_string());
            return heard;
        }
        heard.push(shown(answer));
        heard
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn handshake(version: i16, mechanism: &str) -> Say {
    Say::Ask("SaslHandshake", version, json!({ "mechanism": mechanism }))
}

fn versions(version: i16) -> Say {
    let software = json!({"clientSoftwareName": "rig", "clientSoftwareVersion": "1"});
    Say::Ask("ApiVersions", version, if version < 3 { json!({}) } else { software })
}

fn named(name: &str, version: &str) -> Say {
    Say::Ask("ApiVersions", 3, json!({"clientSoftwareName": name, "clientSoftwareVersion": version}))
}

fn metadata() -> Say {
    Say::Ask("Metadata", 4, json!({"topics": [], "allowAutoTopicCreation": false}))
}

fn token(bytes: &[u8]) -> Say {
    Say::Token(1, bytes.to_vec())
}

fn plain(bytes: &[u8]) -> Vec<Say> {
    vec![handshake(1, "PLAIN"), token(bytes)]
}

const BOB: &[u8] = b"\0bob\0s3cret";

/// Every conversation.
pub fn all(issuer: &Issuer) -> Vec<Dialogue> {
    let mut all = Vec::new();
    let mut add = |name: &str, says: Vec<Say>| {
        all.push(Dialogue { name: name.to_owned(), says, here: None });
    };
    for version in 0..=4 {
        let login = [plain(BOB), vec![metadata()]].concat();
        add(&format!("versions {version}, then PLAIN"), [vec![versions(version)], login].concat());
    }
    add("versions twice", vec![versions(3), versions(3)]);
    // Header of version 99, as a client of the future sends it.
    let future = [&[0, 18, 0, 99, 0, 0, 0, 7][..], &[0, 3], b"rig", &[0]].concat();
    add("versions of the future, then ours", [vec![Say::Frame(future), versions(3)], plain(BOB)].concat());
    for (name, version) in
        [("", "1"), ("rig", ""), ("-rig", "1"), ("rig", "1."), ("a b", "1"), ("a.b-c", "1")]
    {
        let says = vec![named(name, version), versions(3), handshake(1, "PLAIN")];
        add(&format!("software {name:?} {version:?}"), says);
    }
    for mechanism in ["GSSAPI", "", "plain", "DIGEST-MD5", "SCRAM-SHA-1"] {
        add(&format!("mechanism {mechanism:?}"), vec![handshake(1, mechanism), handshake(1, "PLAIN")]);
        add(&format!("mechanism {mechanism:?}, version 0"), vec![handshake(0, mechanism)]);
    }
    let future = [&[0, 17, 0, 2, 0, 0, 0, 7][..], &[0, 3], b"rig", &[0, 5], b"PLAIN"].concat();
    add("a handshake of the future", vec![Say::Frame(future)]);
    add("a request first", vec![metadata()]);
    add("a request after versions", vec![versions(3), metadata()]);
    add("a token first", vec![token(BOB)]);
    add("two handshakes", vec![handshake(1, "PLAIN"), handshake(1, "PLAIN")]);
    add("versions after the handshake", vec![handshake(1, "PLAIN"), versions(3)]);
    for (version, topics) in [
        (0, json!([])),
        (0, json!([{"name": "sasl"}])),
        (4, json!([])),
        (4, Value::Null),
        (9, json!([{"name": "sasl"}, {"name": "other"}])),
        (12, json!([{"topicId": "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "name": null}])),
    ] {
        let says = vec![handshake(1, "PLAIN"), Say::Ask("Metadata", version, json!({ "topics": topics }))];
        add(&format!("metadata {version} of {topics} in the middle of a login"), says);
    }
    add("nonsense", vec![Say::Frame(b"GET / HTTP/1.1 and more".to_vec())]);
    add("an unknown API", vec![Say::Frame(vec![3, 232, 0, 0, 0, 0, 0, 1, 0, 0])]);
    add("a frame of nothing", vec![Say::Frame(Vec::new())]);
    for version in 0..=2 {
        let says = vec![handshake(1, "PLAIN"), Say::Token(version, BOB.to_vec()), metadata()];
        add(&format!("PLAIN by SaslAuthenticate {version}"), says);
        let says = vec![handshake(1, "PLAIN"), Say::Token(version, b"\0bob\0wrong".to_vec()), metadata()];
        add(&format!("a wrong password by SaslAuthenticate {version}"), says);
    }
    for (name, bytes) in [
        ("an unknown user", &b"\0mallory\0x"[..]),
        ("no separator", b"bob"),
        ("one separator", b"bob\0s3cret"),
        ("three separators", b"\0bob\0s3cret\0"),
        ("four separators", b"\0bob\0s3cret\0\0"),
        ("no user", b"\0\0s3cret"),
        ("no password", b"\0bob\0"),
        ("nothing", b""),
        ("one's own authorization", b"bob\0bob\0s3cret"),
        ("another's authorization", b"admin\0bob\0s3cret"),
        ("another's authorization and a wrong password", b"admin\0bob\0wrong"),
        ("no text", b"\0bob\0\xff\xfe"),
    ] {
        add(&format!("PLAIN, {name}"), [plain(bytes), vec![metadata()]].concat());
    }
    add("raw PLAIN", vec![handshake(0, "PLAIN"), Say::Frame(BOB.to_vec()), metadata()]);
    add("raw PLAIN, a wrong password", vec![handshake(0, "PLAIN"), Say::Frame(b"\0bob\0x".to_vec())]);
    add("after the login", [plain(BOB), vec![metadata(), versions(3), token(BOB)]].concat());
    all.extend(scram());
    all.extend(again());
    all.extend(intended());
    all.extend(bearer::all(issuer));
    all
}

fn scram() -> Vec<Dialogue> {
    let mut all = Vec::new();
    for (mechanism, function) in [("SCRAM-SHA-256", SHA_256), ("SCRAM-SHA-512", SHA_512)] {
        let right = Scram::new(function, "alice", "pencil");
        let mut add = |name: &str, scram: Scram| {
            let says = vec![versions(3), handshake(1, mechanism), Say::Scram(scram), metadata()];
            all.push(Dialogue { name: format!("{mechanism}, {name}"), says, here: None });
        };
        add("right", right.clone());
        add("a wrong password", Scram { password: "pen", ..right.clone() });
        add("one's own authorization", Scram { header: "n,a=alice,", ..right.clone() });
        add("another's authorization", Scram { header: "n,a=admin,", ..right.clone() });
        add("channel binding that is not used", Scram { header: "y,,", ..right.clone() });
        add("channel binding", Scram { header: "p=tls-unique,,", ..right.clone() });
        add("an extension", Scram { extension: ",ext=1", ..right.clone() });
        add("a token for a password", Scram { extension: ",tokenauth=true", ..right.clone() });
        add("another nonce", Scram { last: |last| last.replace("r=fyko", "r=fykx"), ..right.clone() });
        add(
            "a proof cut",
            Scram { last: |last| last.replace(last.rsplit("p=").next().unwrap(), "AAAA"), ..right.clone() },
        );
        add("no proof", Scram { last: |last| last.split(",p=").next().unwrap().to_owned(), ..right.clone() });
        add("no base64", Scram { last: |last| last.replace("c=biws", "c=bi!s"), ..right.clone() });
        add("an extension at the end", Scram { last: |last| last.replace(",p=", ",x=1,p="), ..right });
        for wrong in
            [&b""[..], b"n,,", b"n,,n=,r=x", b"n,,n=a=b,r=x", b"n,,n=alice", b"n,,r=x,n=alice", b"\xff"]
        {
            let says = vec![handshake(1, mechanism), token(wrong)];
            let name = format!("{mechanism}, {:?}", String::from_utf8_lossy(wrong));
            all.push(Dialogue { name, says, here: None });
        }
    }
    let carol = Scram::new(SHA_512, "carol", "c4rol,=x");
    let says = vec![handshake(1, "SCRAM-SHA-512"), Say::Scram(carol), metadata()];
    all.push(Dialogue { name: "a password with commas".to_owned(), says, here: None });
    all
}

/// Logging in again on the same connection.
fn again() -> Vec<Dialogue> {
    let alice = || Say::Scram(Scram::new(SHA_512, "alice", "pencil"));
    let by = |mechanism| handshake(1, mechanism);
    let begun = || vec![by("SCRAM-SHA-512"), alice(), metadata()];
    let dialogue = |name: &str, says: Vec<Say>| Dialogue {
        name: name.to_owned(),
        says: [begun(), says].concat(),
        here: None,
    };
    let mut all = vec![
        dialogue("again", vec![by("SCRAM-SHA-512"), alice(), metadata()]),
        dialogue(
            "again and again, too soon",
            vec![by("SCRAM-SHA-512"), alice(), by("SCRAM-SHA-512"), metadata()],
        ),
        dialogue(
            "again and again",
            vec![
                by("SCRAM-SHA-512"),
                alice(),
                metadata(),
                Say::Pause,
                by("SCRAM-SHA-512"),
                alice(),
                metadata(),
            ],
        ),
        dialogue(
            "again as somebody else",
            vec![by("SCRAM-SHA-512"), Say::Scram(Scram::new(SHA_512, "carol", "c4rol,=x")), metadata()],
        ),
        dialogue(
            "again with a wrong password",
            vec![by("SCRAM-SHA-512"), Say::Scram(Scram::new(SHA_512, "alice", "pen")), metadata()],
        ),
        dialogue("again by another mechanism", vec![by("SCRAM-SHA-256"), token(b"n,,n=alice,r=x")]),
        dialogue("again by none", vec![by("GSSAPI"), metadata()]),
        dialogue("again, two handshakes", vec![by("SCRAM-SHA-512"), by("SCRAM-SHA-512")]),
    ];
    let says = [plain(BOB), vec![by("PLAIN"), token(b"\0dora\0dora-secret"), metadata()]].concat();
    all.push(Dialogue { name: "PLAIN again as somebody else".to_owned(), says, here: None });
    let raw = vec![handshake(0, "PLAIN"), Say::Frame(BOB.to_vec()), metadata()];
    let says = [plain(BOB), raw].concat();
    all.push(Dialogue { name: "again by raw tokens".to_owned(), says, here: None });
    all
}

/// What differs on purpose.
fn intended() -> Vec<Dialogue> {
    let unknown = Say::Scram(Scram::new(SHA_512, "mallory", "x"));
    vec![
        Dialogue {
            name: "SCRAM, an unknown user".to_owned(),
            says: vec![handshake(1, "SCRAM-SHA-512"), unknown],
            // After a challenge, and not at once.
            here: Some("invalid credentials with SASL mechanism SCRAM-SHA-512"),
        },
        Dialogue {
            name: "a request in the middle of a login".to_owned(),
            says: vec![handshake(1, "PLAIN"), Say::Ask("ListGroups", 4, json!({"statesFilter": []}))],
            // Without an error of that API before.
            here: Some("closed"),
        },
    ]
}
