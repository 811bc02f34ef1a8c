use super::*;

/// RFC 7677, section 3: user `user`, password `pencil`.
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";
const CLIENT_NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

fn credential() -> ScramCredential {
    ScramCredential::from_password(Hash::Sha256, "pencil", BASE64.decode(SALT).unwrap(), 4096)
}

fn real(_: &str) -> Candidate {
    Candidate { credential: credential(), is_real: true }
}

fn begun(first: &str) -> Result<(Exchange, Progress), Rejection> {
    let mut exchange = Exchange::new(Hash::Sha256);
    let progress = exchange.step(first.as_bytes(), real, || SERVER_NONCE.to_owned())?;
    Ok((exchange, progress))
}

fn ended(exchange: &mut Exchange, last: &str) -> Result<Progress, Rejection> {
    exchange.step(last.as_bytes(), real, || unreachable!())
}

#[test]
fn the_example_of_rfc_7677_is_this_exchange() {
    let (mut exchange, challenge) = begun(&format!("n,,n=user,r={CLIENT_NONCE}")).unwrap();
    let expected = format!("r={CLIENT_NONCE}{SERVER_NONCE},s={SALT},i=4096");
    assert_eq!(challenge, Progress::Challenge(expected.into_bytes()));
    let last =
        format!("c=biws,r={CLIENT_NONCE}{SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    let done = ended(&mut exchange, &last).unwrap();
    let verifier = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_vec();
    assert_eq!(done, Progress::Done("user".to_owned(), verifier));
}

#[test]
fn a_wrong_proof_another_nonce_and_a_user_that_is_none_are_told_alike() {
    let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let wrong = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVR=";
    let flipped = "AHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    for (nonce, proof) in [(SERVER_NONCE, flipped), ("other", proof), (SERVER_NONCE, wrong)] {
        let (mut exchange, _) = begun(&format!("n,,n=user,r={CLIENT_NONCE}")).unwrap();
        let outcome = ended(&mut exchange, &format!("c=biws,r={CLIENT_NONCE}{nonce},p={proof}"));
        assert!(matches!(outcome, Err(Rejection::Untold(_))), "{outcome:?}");
    }
    // The right proof, of a user that is none.
    let mut exchange = Exchange::new(Hash::Sha256);
    let nobody = |_: &str| Candidate { credential: credential(), is_real: false };
    let first = format!("n,,n=user,r={CLIENT_NONCE}");
    exchange.step(first.as_bytes(), nobody, || SERVER_NONCE.to_owned()).unwrap();
    let outcome = ended(&mut exchange, &format!("c=biws,r={CLIENT_NONCE}{SERVER_NONCE},p={proof}"));
    assert!(matches!(outcome, Err(Rejection::Untold(why)) if why.contains("no user 'user'")));
    // A proof of another length is no proof; Kafka closes without a word.
    let (mut exchange, _) = begun(&format!("n,,n=user,r={CLIENT_NONCE}")).unwrap();
    let outcome = ended(&mut exchange, &format!("c=biws,r={CLIENT_NONCE}{SERVER_NONCE},p=AAAA"));
    assert!(matches!(outcome, Err(Rejection::Silent(_))));
}

#[test]
fn first_messages_are_read_as_kafka_reads_them() {
    let users = |text: &str| begun(text).map(|(exchange, _)| exchange.begun.unwrap().user);
    assert_eq!(users("n,,n=a=2Cb=3Dc,r=x"), Ok("a,b=c".to_owned()));
    assert_eq!(users("n,a=user,n=user,r=x"), Ok("user".to_owned()));
    assert_eq!(users("n,,m=later,n=user,r=x,ext=1"), Ok("user".to_owned()));
    for wrong in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,n=user,r=",
        "n,,n=,r=x",
        "y,,n=user,r=x",
        "p=tls,,n=user,r=x",
        "n,b=user,n=user,r=x",
        "n,a=,n=user,r=x",
        "n,,n=a=2c,r=x",
        "n,,n=a=b,r=x",
        "n,,n=user,r=x y",
        "n,,n=user,r=x,1=2",
        "n,,n=user,r=x,e=",
        "n,,n=user,r=x,",
        "n,,n=üser,r=x",
        "n,,n=user,r=ü",
    ] {
        assert!(matches!(begun(wrong), Err(Rejection::Untold(_))), "{wrong:?}");
    }
    let other = begun("n,a=root,n=user,r=x");
    assert!(matches!(other, Err(Rejection::Told(why)) if why.contains("different from username")));
    let token = begun("n,,n=user,r=x,tokenauth=true");
    assert!(matches!(token, Err(Rejection::Untold(why)) if why.contains("delegation token")));
    let not_text = Exchange::new(Hash::Sha256).step(b"n,,n=\xff,r=x", real, String::new);
    assert!(not_text.is_err());
}

#[test]
fn a_credential_is_written_and_read_and_what_is_none_is_refused_in_words() {
    let credential = credential();
    let text = credential.to_string();
    assert_eq!(ScramCredential::parse(Hash::Sha256, &text), Ok(credential.clone()));
    assert!(credential.is_of(Hash::Sha256, "pencil") && !credential.is_of(Hash::Sha256, "pen"));
    assert!(!format!("{credential:?}").contains(&BASE64.encode(&credential.server_key)));
    // As `kafka-configs` and a ZooKeeper write it.
    let [iterations, rest] = text.splitn(2, ',').collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!(ScramCredential::parse(Hash::Sha256, &format!("{rest},{iterations}")), Ok(credential));
    let fault = |text: &str, hash| ScramCredential::parse(hash, text).unwrap_err();
    assert!(fault(&text, Hash::Sha512).contains("has 32 bytes, and one of this mechanism has 64"));
    assert!(fault(&text.replace("4096", "4095"), Hash::Sha256).contains("Kafka takes 4096 to 16384"));
    assert!(fault(&text.replace("salt=", "salt=!"), Hash::Sha256).contains("'salt' is no base64"));
    assert!(fault("iterations=4096", Hash::Sha256).contains("'salt' is missing"));
    assert!(fault("password=pencil", Hash::Sha256).contains("part 1 is none of these"));
    for secret in ["pencil", "password=pencil", "pencil=1"] {
        assert!(!fault(secret, Hash::Sha256).contains("pencil"), "{}", fault(secret, Hash::Sha256));
    }
    assert!(fault(&format!("{text},iterations=1"), Hash::Sha256).contains("twice"));
    assert!(fault("pencil", Hash::Sha256).contains("has no '='"));
}
