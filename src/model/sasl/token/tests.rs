#[path = "../../../../tests/support/tokens.rs"]
#[allow(unreachable_pub, dead_code, reason = "integration tests have it as well")]
mod tokens;

use aws_lc_rs::hmac;
use serde_json::json;

use super::*;
use tokens::{TokenSigner, encoded, key_set};

const NOW: u64 = 1_800_000_000;

fn rules() -> TokenRules {
    TokenRules {
        issuer: "https://idp.example.com".to_owned(),
        audience: vec!["kafka".to_owned(), "other".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::from_secs(30),
    }
}

fn claims() -> Value {
    json!({"iss": "https://idp.example.com", "aud": ["x", "kafka"], "sub": "bob", "exp": NOW + 60, "iat": NOW - 1})
}

/// A key of each kind.
fn signers() -> [TokenSigner; 5] {
    ["RS256", "ES256", "ES384", "ES512", "EdDSA"].map(|algorithm| TokenSigner::new(algorithm, algorithm))
}

fn read(set: &Value) -> KeySet {
    KeySet::read(set.to_string().as_bytes()).unwrap().0
}

#[test]
fn every_algorithm_is_taken_with_its_key_and_no_other() {
    let signers = signers();
    let keyset = read(&key_set(&signers.each_ref()));
    let right = VerifiedToken { principal: "bob".into(), expires: NOW + 60 };
    for signer in &signers {
        for algorithm in signer.algorithms() {
            let verify = |kid: Value| {
                let header = json!({"alg": algorithm, "kid": kid});
                keyset.verify(&signer.token_with(&header, &claims()), &rules(), NOW)
            };
            for kid in [json!(signer.id), Value::Null] {
                assert_eq!(verify(kid), Ok(right.clone()), "{algorithm}");
            }
            for other in signers.iter().filter(|other| other.id != signer.id) {
                assert!(matches!(verify(json!(other.id)), Err(TokenFault::Wrong(_))), "{algorithm}");
            }
            assert_eq!(verify(json!("gone")), Err(TokenFault::UnknownKey("gone".into())));
        }
    }
}

#[test]
fn a_key_has_the_form_of_its_kind() {
    let signers = signers();
    let faults = [
        (3, "crv", json!("P-384"), "'x' has not 48 bytes"),
        (3, "crv", json!("secp256k1"), "is not taken"),
        (3, "alg", json!("ES256"), "is not taken"),
        (1, "y", signers[1].public()["x"].clone(), "no public key"),
        (2, "x", json!("AAAA"), "'x' has not 48 bytes"),
        (2, "x", json!("A+A"), "'x' is no base64"),
        (4, "x", json!("AAAA"), "no public key"),
        (4, "x", Value::Null, "has no 'x'"),
        (0, "n", json!("AAAA"), "it has 0 bits, and 2048 to 8192 are taken"),
        (0, "e", json!("AAAA"), "no public key"),
        (0, "kty", json!("oct"), "is not taken"),
        (0, "use", json!("enc"), "(use)"),
        (0, "key_ops", json!(["sign"]), "(key_ops)"),
    ];
    for (place, name, value, why) in faults {
        let mut key = signers[place].public();
        key[name] = value.clone();
        let fault = KeySet::read(json!({ "keys": [key] }).to_string().as_bytes()).unwrap_err();
        assert!(fault.contains(why), "{name} {value}: {fault}");
    }
    // One whose first byte is zero, as Java's numbers have it.
    let mut padded = signers[0].public();
    let modulus = URL_SAFE_NO_PAD.decode(padded["n"].as_str().unwrap()).unwrap();
    padded["n"] = json!(URL_SAFE_NO_PAD.encode([&[0], &modulus[..]].concat()));
    let token = signers[0].token(&claims());
    assert!(read(&json!({ "keys": [padded] })).verify(&token, &rules(), NOW).is_ok());
}

#[test]
fn what_nobody_signed_is_refused() {
    let (signer, own) = (TokenSigner::new("ES256", "p256"), TokenSigner::new("ES256", "p256"));
    let keyset = read(&key_set(&[&signer]));
    let wrong = |token: &str| match keyset.verify(token, &rules(), NOW) {
        Err(TokenFault::Wrong(why)) => why,
        other => panic!("{token}: {other:?}"),
    };
    let token = signer.token(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let mut admin = claims();
    admin["sub"] = json!("admin");
    assert!(wrong(&format!("{header}.{}.{signature}", encoded(&admin))).contains("signature"));
    assert!(wrong(&format!("{header}.{payload}.")).contains("signature"));
    for none in ["none", "None", "", "es256", "HS512"] {
        let told = wrong(&format!("{}.{payload}.", encoded(&json!({"alg": none}))));
        assert!(told.contains(&format!("its algorithm '{none}' is not taken")), "{told}");
    }
    // The public key taken for a secret.
    let secret = hmac::Key::new(hmac::HMAC_SHA256, key_set(&[&signer]).to_string().as_bytes());
    let signed = format!("{}.{payload}", encoded(&json!({"alg": "HS256", "kid": "p256"})));
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, signed.as_bytes()));
    assert!(wrong(&format!("{signed}.{tag}")).contains("algorithm 'HS256' is not taken"));
    let critical = json!({"alg": "ES256", "kid": "p256", "crit": ["b64"]});
    assert!(wrong(&signer.token_with(&critical, &claims())).contains("crit"));
    for nonsense in ["", "a", "a.b", "a.b.c", "a.b.c.d", "....", "..", &"a".repeat(10_000)] {
        assert!(keyset.verify(nonsense, &rules(), NOW).is_err());
    }
    assert!(wrong(&signer.token(&json!("no claims"))).contains("claims cannot be read"));
    // One's own key, sent along in the header.
    let header = json!({"alg": "ES256", "jwk": own.public()});
    assert!(wrong(&own.token_with(&header, &claims())).contains("signature"));
}

#[test]
fn claims_must_be_right() {
    let signer = TokenSigner::new("EdDSA", "ed");
    let keyset = read(&key_set(&[&signer]));
    let verify = |change: Value| {
        let mut claims = claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        keyset.verify(&signer.token(&claims), &rules(), NOW)
    };
    for (right, expires) in [
        (json!({}), NOW + 60),
        (json!({"aud": "other"}), NOW + 60),
        (json!({"exp": NOW - 29}), NOW - 29),
        (json!({"exp": NOW as f64 + 60.5, "nbf": NOW + 29, "iat": NOW + 29}), NOW + 60),
    ] {
        assert_eq!(verify(right.clone()).map(|verified| verified.expires), Ok(expires), "{right}");
    }
    for (wrong, why) in [
        (json!({"iss": "https://evil.example.com"}), "its issuer is 'https://evil.example.com'"),
        (json!({"iss": ["https://idp.example.com"]}), "its issuer is [\"https://idp"),
        (json!({"iss": null}), "its issuer is null"),
        (json!({"aud": "kafka2"}), "its audience is 'kafka2', and not 'kafka', 'other'"),
        (json!({"aud": []}), "its audience is []"),
        (json!({"exp": null}), "when it expires"),
        (json!({"exp": "soon"}), "'exp' is no time"),
        (json!({"exp": NOW - 30}), "it expired 30 s ago"),
        (json!({"nbf": NOW + 31}), "counts from 31 s on"),
        (json!({"iat": NOW + 31}), "issued 31 s in the future"),
        (json!({"iat": null}), "when it was issued"),
        (json!({"sub": ""}), "'sub' names nobody"),
        (json!({"sub": 7}), "'sub' names nobody"),
        (json!({"exp": -5}), "'exp' is no time"),
    ] {
        match verify(wrong.clone()) {
            Err(TokenFault::Wrong(told)) => assert!(told.contains(why), "{wrong}: {told}"),
            other => panic!("{wrong}: {other:?}"),
        }
    }
}

#[test]
fn a_set_without_a_key_that_serves_is_refused_and_others_are_left_out() {
    let fault = |text: &str| KeySet::read(text.as_bytes()).unwrap_err();
    assert!(fault("{").contains("no JSON"));
    assert!(fault("[]").contains("no list 'keys'"));
    assert!(fault(r#"{"keys": []}"#).contains("it is empty"));
    assert!(fault(r#"{"keys": [{"kty": "oct", "k": "AAAA", "kid": "shared"}]}"#).contains("key 'shared'"));
    let signers = ["one", "two", "three"].map(|id| TokenSigner::new("ES256", id));
    let mut mixed = key_set(&signers.each_ref());
    mixed["keys"][1]["use"] = json!("enc");
    mixed["keys"][2]["alg"] = json!("ES384");
    let (keyset, left_out) = KeySet::read(mixed.to_string().as_bytes()).unwrap();
    assert_eq!((keyset.len(), left_out.len()), (1, 2));
    assert!(
        left_out[0].contains("'two'") && left_out[0].contains("use") && left_out[1].contains("'three'"),
        "{left_out:?}"
    );
    let many = json!({"keys": vec![json!({}); MOST_KEYS + 1]});
    assert!(fault(&many.to_string()).contains("257 keys"));
}
