use super::*;
use crate::model::sasl::scram::{Hash, ScramCredential};
use crate::model::sasl::users::{User, Users};
use crate::protocol::access::BrokerSettings;
use crate::protocol::messages::SaslAuthenticateRequest;
use crate::protocol::messages::api_versions_response::ApiVersion;
use crate::protocol::wire::Message;

const NOW: i64 = 1_800_000_000_000;

fn offer(max_reauth_ms: Option<i64>) -> Arc<Offer> {
    Arc::new(Offer { mechanisms: Mechanism::ALL.to_vec(), max_reauth_ms })
}

fn users() -> Users {
    let credential = ScramCredential::from_password(Hash::Sha256, "pencil", b"salt".to_vec(), 4096);
    let alice = User { scram_sha_256: Some(credential), ..User::default() };
    Users::new([("alice".to_owned(), alice)].into(), None)
}

/// A request as a client sends it, without its length.
fn request(message: &impl Message, version: i16, flexible: i16) -> Bytes {
    let key = message_key(message);
    let mut frame = Vec::new();
    super::super::header::write_request(key, version, 7, "test", version >= flexible, &mut frame);
    message.encode(version, &mut frame).unwrap();
    frame.into()
}

fn message_key<M: Message>(_: &M) -> i16 {
    M::KEY
}

fn handshake(mechanism: &str, version: i16) -> Bytes {
    request(&SaslHandshakeRequest { mechanism: mechanism.into(), ..Default::default() }, version, i16::MAX)
}

fn token(bytes: &[u8]) -> Bytes {
    let auth_bytes = Bytes::copy_from_slice(bytes);
    request(&SaslAuthenticateRequest { auth_bytes, ..Default::default() }, 2, 2)
}

fn versions(version: i16) -> Bytes {
    let asked = ApiVersionsRequest {
        client_software_name: "test".into(),
        client_software_version: "1".into(),
        ..Default::default()
    };
    request(&asked, version, 3)
}

fn step(server: &mut SaslServer, frame: &Bytes) -> Reaction {
    server.step(frame, &Surroundings { users: &users(), now_ms: NOW, nonce: || "nonce".to_owned() })
}

/// The error code of the frame of an answer to SaslAuthenticate, and what it says.
fn told(answer: Option<&Vec<u8>>) -> (i16, String, i64) {
    let frame = Bytes::copy_from_slice(answer.unwrap());
    // Length, correlation id, no tags.
    let answer = SaslAuthenticateResponse::decode(&frame.slice(9..), 2).unwrap();
    (answer.error_code, answer.error_message.unwrap_or_default().to_string(), answer.session_lifetime_ms)
}

fn begun(mechanism: &str) -> SaslServer {
    let mut server = SaslServer::new(offer(Some(60_000)));
    assert!(matches!(step(&mut server, &handshake(mechanism, 1)), Reaction::Answer(Some(_))));
    server
}

#[test]
fn a_password_is_verified_by_somebody_else_and_counts_for_a_time() {
    let mut server = begun("PLAIN");
    let Reaction::Verify(Credentials::Password(user, password)) = step(&mut server, &token(b"\0bob\0s3cret"))
    else {
        panic!("nothing is to be verified")
    };
    assert_eq!((&*user, &**password), ("bob", "s3cret"));
    let Reaction::Authenticated(done) = server.verified(Verified::Password, NOW) else { panic!("refused") };
    assert_eq!((&*done.user, done.mechanism, done.lifetime_ms), ("bob", Mechanism::Plain, Some(60_000)));
    assert_eq!(told(done.answer.as_ref()), (0, String::new(), 60_000));

    let mut server = begun("PLAIN");
    step(&mut server, &token(b"\0bob\0wrong"));
    let Reaction::Refused(refused) = server.verified(Verified::Wrong("for the log".to_owned()), NOW) else {
        panic!("let in")
    };
    let expected = "Authentication failed: Invalid username or password".to_owned();
    assert_eq!((told(refused.answer.as_ref()), &*refused.why), ((58, expected, 0), "for the log"));
}

#[test]
fn a_token_counts_until_its_end_and_a_wrong_one_is_taken_note_of_first() {
    let bearer = b"n,,\x01auth=Bearer a.b.c\x01\x01";
    let mut server = begun("OAUTHBEARER");
    assert!(
        matches!(step(&mut server, &token(bearer)), Reaction::Verify(Credentials::Token(token)) if **token == *"a.b.c")
    );
    let verified = Verified::Token("bob".to_owned(), NOW + 5000);
    let Reaction::Authenticated(done) = server.verified(verified, NOW) else { panic!("refused") };
    assert_eq!((done.lifetime_ms, told(done.answer.as_ref()).2), (Some(5000), 5000));

    let mut server = begun("OAUTHBEARER");
    step(&mut server, &token(bearer));
    let Reaction::Answer(answer) = server.verified(Verified::Wrong("expired".to_owned()), NOW) else {
        panic!("no document")
    };
    assert_eq!(told(answer.as_ref()).0, 0);
    let Reaction::Refused(refused) = step(&mut server, &token(b"\x01")) else { panic!("let in") };
    assert_eq!(told(refused.answer.as_ref()), (58, r#"{"status":"invalid_token"}"#.to_owned(), 0));
    // A principal that is another's than asked for.
    let mut server = begun("OAUTHBEARER");
    step(&mut server, &token(b"n,a=root,\x01auth=Bearer a.b.c\x01\x01"));
    let Reaction::Refused(refused) = server.verified(Verified::Token("bob".to_owned(), NOW + 5000), NOW)
    else {
        panic!("let in")
    };
    assert!(told(refused.answer.as_ref()).1.contains("(root)"));
}

#[test]
fn nothing_is_served_before_and_what_comes_out_of_turn_ends_it() {
    let metadata = request(&crate::protocol::messages::MetadataRequest::default(), 4, 9);
    for frames in [
        vec![metadata.clone()],
        vec![token(b"\0bob\0s3cret")],
        vec![handshake("PLAIN", 1), metadata],
        vec![handshake("PLAIN", 1), handshake("PLAIN", 1)],
        vec![handshake("PLAIN", 1), versions(3)],
        vec![handshake("GSSAPI", 1)],
        vec![handshake("PLAIN", 0), Bytes::from_static(b"nonsense")],
        vec![Bytes::from_static(b"")],
        vec![Bytes::from_static(&[0xff; 64])],
    ] {
        let mut server = SaslServer::new(offer(None));
        let (last, before) = frames.split_last().unwrap();
        for frame in before {
            assert!(matches!(step(&mut server, frame), Reaction::Answer(Some(_))), "{frames:?}");
        }
        assert!(matches!(step(&mut server, last), Reaction::Refused(_)), "{frames:?}");
        // And nothing afterwards.
        assert!(matches!(step(&mut server, &handshake("PLAIN", 1)), Reaction::Refused(_)), "{frames:?}");
    }
}

#[test]
fn versions_are_the_brokers_and_may_be_asked_once() {
    let serves = |max_version| ApiVersionsResponse {
        api_keys: [(18, max_version), (0, 99), (4, 3)]
            .map(|(api_key, max_version)| ApiVersion { api_key, max_version, ..Default::default() })
            .into(),
        ..Default::default()
    };
    let broker = Broker::new(&serves(3), BrokerSettings::default());
    let mut server = SaslServer::new(offer(None));
    assert!(matches!(step(&mut server, &versions(3)), Reaction::AskVersions(3)));
    let Reaction::Answer(Some(frame)) = server.versions(&broker, 3, Some(serves(3))) else {
        panic!("no answer")
    };
    let answer = ApiVersionsResponse::decode(&Bytes::from(frame).slice(8..), 3).unwrap();
    let keys: Vec<(i16, i16)> = answer.api_keys.iter().map(|key| (key.api_key, key.max_version)).collect();
    let newest = *crate::protocol::messages::ProduceRequest::VERSIONS.end();
    assert_eq!(keys, [(18, 3), (0, newest)]);
    assert!(server.introduction().is_some() && server.has_asked_versions());
    assert!(matches!(step(&mut server, &versions(3)), Reaction::Refused(_)));

    // One that the broker does not speak: it is told which it does, and asks again.
    let mut server = SaslServer::new(offer(None));
    assert!(matches!(step(&mut server, &versions(4)), Reaction::AskVersions(4)));
    let Reaction::Answer(Some(frame)) = server.versions(&broker, 4, None) else { panic!("no answer") };
    let answer = ApiVersionsResponse::decode(&Bytes::from(frame).slice(8..), 0).unwrap();
    assert_eq!((answer.error_code, answer.api_keys.len(), answer.api_keys[0].max_version), (35, 1, 3));
    assert!(server.introduction().is_none());
    assert!(matches!(step(&mut server, &versions(3)), Reaction::AskVersions(3)));
}

#[test]
fn again_it_must_be_the_same_by_the_same() {
    let before = || Before { user: "bob".to_owned(), mechanism: Mechanism::Plain };
    let again = || {
        let mut server = SaslServer::again(offer(None), before());
        assert!(matches!(step(&mut server, &handshake("PLAIN", 1)), Reaction::Answer(Some(_))));
        server
    };
    let mut server = again();
    step(&mut server, &token(b"\0bob\0s3cret"));
    assert!(matches!(server.verified(Verified::Password, NOW), Reaction::Authenticated(_)));
    let mut server = again();
    step(&mut server, &token(b"\0eve\0s3cret"));
    let Reaction::Refused(refused) = server.verified(Verified::Password, NOW) else { panic!("let in") };
    let told = told(refused.answer.as_ref());
    assert_eq!(told.1, "Cannot change principals during re-authentication from User.bob: User.eve");
    let mut server = SaslServer::again(offer(None), before());
    assert!(matches!(step(&mut server, &handshake("SCRAM-SHA-256", 1)), Reaction::Answer(Some(_))));
    assert!(matches!(
        step(&mut server, &token(b"n,,n=bob,r=x")),
        Reaction::Refused(Refused { answer: None, .. })
    ));
}
