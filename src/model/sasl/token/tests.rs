use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

use super::*;

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

/// A key of each kind, the algorithms that go with it, and its public half.
fn keys() -> Vec<(EncodingKey, &'static [Algorithm], Value)> {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
    let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let rsa = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    // The library wants RSA's own form, without the wrapping of PKCS#8: 26 bytes in front for this size.
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let public = Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap();
    let public =
        json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(public.public_key().as_ref())});
    let of = |key: EncodingKey, algorithms: &'static [Algorithm]| {
        let mut public = serde_json::to_value(Jwk::from_encoding_key(&key, algorithms[0]).unwrap()).unwrap();
        public.as_object_mut().unwrap().remove("alg");
        (key, algorithms, public)
    };
    vec![
        of(EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]), &ALGORITHMS[..6]),
        of(EncodingKey::from_ec_der(p256.as_ref()), &[Algorithm::ES256]),
        of(EncodingKey::from_ec_der(p384.as_ref()), &[Algorithm::ES384]),
        (EncodingKey::from_ed_der(ed.as_ref()), &[Algorithm::EdDSA], public),
    ]
}

fn set(keys: &[(&Value, &str)]) -> Value {
    let named = |(key, id): &(&Value, &str)| {
        let mut key = (*key).clone();
        key["kid"] = json!(id);
        key
    };
    json!({ "keys": keys.iter().map(named).collect::<Vec<_>>() })
}

fn read(set: &Value) -> KeySet {
    KeySet::read(set.to_string().as_bytes()).unwrap().0
}

fn signed(key: &EncodingKey, algorithm: Algorithm, id: Option<&str>, claims: &Value) -> String {
    let header = Header { kid: id.map(str::to_owned), ..Header::new(algorithm) };
    encode(&header, claims, key).unwrap()
}

#[test]
fn every_algorithm_is_taken_with_its_key_and_no_other() {
    let keys = keys();
    let all: Vec<_> =
        keys.iter().zip(["rsa", "p256", "p384", "ed"]).map(|((.., public), id)| (public, id)).collect();
    let keyset = read(&set(&all));
    for ((key, algorithms, _), id) in keys.iter().zip(["rsa", "p256", "p384", "ed"]) {
        for algorithm in *algorithms {
            for kid in [Some(id), None] {
                let token = signed(key, *algorithm, kid, &claims());
                let verified = keyset.verify(&token, &rules(), NOW);
                assert_eq!(
                    verified,
                    Ok(VerifiedToken { principal: "bob".into(), expires: NOW + 60 }),
                    "{algorithm:?}"
                );
            }
            let other = if id == "rsa" { "p256" } else { "rsa" };
            let token = signed(key, *algorithm, Some(other), &claims());
            assert!(matches!(keyset.verify(&token, &rules(), NOW), Err(TokenFault::Wrong(_))));
            let unknown = signed(key, *algorithm, Some("gone"), &claims());
            assert_eq!(keyset.verify(&unknown, &rules(), NOW), Err(TokenFault::UnknownKey("gone".into())));
        }
    }
}

#[test]
fn what_nobody_signed_is_refused() {
    let (all, id) = (keys(), "p256");
    let (key, _, public) = &all[1];
    let keyset = read(&set(&[(public, id)]));
    let wrong = |token: &str| match keyset.verify(token, &rules(), NOW) {
        Err(TokenFault::Wrong(why)) => why,
        other => panic!("{token}: {other:?}"),
    };
    let token = signed(key, Algorithm::ES256, Some(id), &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let encoded = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut admin = claims();
    admin["sub"] = json!("admin");
    assert!(wrong(&format!("{header}.{}.{signature}", encoded(admin))).contains("signature"));
    assert!(wrong(&format!("{header}.{payload}.")).contains("signature"));
    assert!(wrong(&format!("{}.{payload}.", encoded(json!({"alg": "none"})))).contains("no token"));
    // The public key taken for a secret.
    let secret = EncodingKey::from_secret(set(&[(public, id)]).to_string().as_bytes()).unwrap();
    let token = signed(&secret, Algorithm::HS256, Some(id), &claims());
    assert!(wrong(&token).contains("algorithm HS256 is not taken"));
    let critical = Header {
        crit: Some(vec!["b64".to_owned()]),
        kid: Some(id.to_owned()),
        ..Header::new(Algorithm::ES256)
    };
    assert!(wrong(&encode(&critical, &claims(), key).unwrap()).contains("crit"));
    for nonsense in ["", "a", "a.b", "a.b.c", "....", &"a".repeat(10_000)] {
        assert!(keyset.verify(nonsense, &rules(), NOW).is_err());
    }
    // One's own key, sent along in the header.
    let own = &keys()[1].0;
    let own_key = Jwk::from_encoding_key(own, Algorithm::ES256).unwrap();
    let header = Header { jwk: Some(own_key), ..Header::new(Algorithm::ES256) };
    assert!(wrong(&encode(&header, &claims(), own).unwrap()).contains("signature"));
}

#[test]
fn claims_must_be_right() {
    let all = keys();
    let (key, _, public) = &all[3];
    let keyset = read(&set(&[(public, "ed")]));
    let verify = |change: Value| {
        let mut claims = claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        keyset.verify(&signed(key, Algorithm::EdDSA, None, &claims), &rules(), NOW)
    };
    for (right, expires) in [
        (json!({}), NOW + 60),
        (json!({"aud": "other"}), NOW + 60),
        (json!({"exp": NOW - 29}), NOW - 29),
        (json!({"exp": NOW as f64 + 60.5, "nbf": NOW + 29, "iat": null}), NOW + 60),
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
    let public = &keys()[1].2;
    let mut mixed = set(&[(public, "one"), (public, "two"), (public, "three")]);
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
    assert!(!format!("{keyset:?}").contains("crv"));
}
