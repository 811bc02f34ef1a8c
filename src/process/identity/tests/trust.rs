//! What is trusted, what is shown, and what is said of both.

use super::*;
use crate::model::certificate::Certificate;

/// The names of the authorities go to the client only as long as every client takes them.
#[test]
fn the_list_of_authorities_is_left_out_where_it_is_long() {
    let provider = Arc::new(aws_lc_rs::default_provider());
    for (count, sent) in [(1, 1), (100, 100), (1000, 0)] {
        let signatures = ProviderSignatures::new(provider.clone());
        let mut anchors = crate::model::certificate::Anchors::default();
        for n in 0..count {
            let der = issuer(&format!("An authority with a name of some length, number {n}"), (2020, 2040));
            anchors.add(Certificate::read(der.der()).unwrap(), &signatures);
        }
        let verifier = verifier::ClientVerifier::new(anchors, true, provider.clone());
        let hints = rustls::server::danger::ClientCertVerifier::root_hint_subjects(&verifier);
        assert_eq!(hints.len(), sent);
        assert!(hints.iter().map(|name| name.as_ref().len() + 2).sum::<usize>() <= verifier::MOST_HINTS);
    }
}

/// What clients need of a chain must be good; the rest is said, and harms nobody.
#[test]
fn only_what_clients_need_of_a_chain_must_be_good() {
    let sign = |by: &CertifiedIssuer<'static, KeyPair>, name: &str, years, key: KeyPair| {
        let mut params = named(name, years);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::signed_by(params, key, by).unwrap()
    };
    let again = |issuer: &CertifiedIssuer<'static, KeyPair>| {
        KeyPair::from_pem(&issuer.key().serialize_pem()).unwrap()
    };
    let new_key = || KeyPair::generate().unwrap();
    let (old, new) = ((2000, 2010), (2020, 2040));
    let oldest_root = issuer("Oldest Root", old);
    let root = issuer("Root", new);
    // The new root, which the oldest has signed for those who knew that alone.
    let cross = sign(&oldest_root, "Root", old, again(&root));
    let intermediate = sign(&root, "Intermediate", new, new_key());
    let expired = sign(&root, "Intermediate", old, again(&intermediate));
    let below_expired = sign(&expired, "Below", new, new_key());
    let leaf = |by: &CertifiedIssuer<'static, KeyPair>| {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        (named("broker-0", (2025, 2035)).signed_by(&key, by).unwrap().pem(), key.serialize_pem())
    };
    let (of_root, of_intermediate, of_below) = (leaf(&root), leaf(&intermediate), leaf(&below_expired));
    let other = issuer("Other", old);
    let client_ca = issuer("Clients", new);
    let (trusts_root, trusts_clients) = (root.pem(), client_ca.pem());
    let all =
        |more: &[&CertifiedIssuer<'static, KeyPair>]| more.iter().map(|one| one.pem()).collect::<String>();
    for (what, own, behind, client_ca, expected) in [
        ("all good", &of_intermediate, all(&[&intermediate]), &trusts_clients, None),
        ("the intermediate", &of_intermediate, all(&[&expired]), &trusts_clients, Some("refused")),
        (
            "and the root behind it",
            &of_intermediate,
            all(&[&expired, &root]),
            &trusts_clients,
            Some("refused"),
        ),
        (
            "a renewed one is there",
            &of_intermediate,
            all(&[&expired, &intermediate]),
            &trusts_clients,
            Some("warned"),
        ),
        (
            "the cross-signed root",
            &of_intermediate,
            all(&[&intermediate, &cross]),
            &trusts_clients,
            Some("warned"),
        ),
        (
            "and whoever has signed that",
            &of_intermediate,
            all(&[&intermediate, &cross, &oldest_root]),
            &trusts_clients,
            Some("warned"),
        ),
        ("the cross-signed root has issued it", &of_root, all(&[&cross]), &trusts_root, Some("warned")),
        ("what leads nowhere", &of_root, all(&[&other]), &trusts_clients, Some("warned")),
        ("a root", &leaf(&oldest_root), all(&[&oldest_root]), &trusts_clients, Some("warned")),
        (
            "one between, below a good root",
            &of_below,
            all(&[&below_expired, &expired, &root]),
            &trusts_clients,
            Some("refused"),
        ),
    ] {
        let loaded = load_from(&files(&format!("{}{behind}", own.0), &own.1, client_ca), "");
        match (loaded, expected) {
            (Ok(identity), None) => assert_eq!(identity.warnings, [], "{what}"),
            (Ok(identity), Some("warned")) => {
                assert!(!identity.warnings.is_empty(), "{what}");
                for warning in &identity.warnings {
                    assert!(warning.message.ends_with("nobody needs it, leave it out"), "{what}: {warning}");
                }
                let spare = identity.certificates.iter().filter(|facts| !facts.needed);
                assert!(spare.count() >= identity.warnings.len(), "{what}");
            }
            (Err(fault), Some("refused")) => assert!(fault.contains("expired on"), "{what}: {fault}"),
            (loaded, _) => panic!("{what}: {loaded:?}"),
        }
    }
}

/// A certificate in another form than the usual must not be left out without a word.
#[test]
fn what_is_not_read_of_a_file_of_issuers_is_said() {
    let pki = pki();
    let many: String = (0..120).map(|n| issuer(&format!("CA {n}"), (2020, 2040)).pem()).collect();
    for (label, expected) in [
        ("TRUSTED CERTIFICATE", Err("there is a 'TRUSTED CERTIFICATE' in it, which is not read")),
        ("X509 CERTIFICATE", Err("there is a 'X509 CERTIFICATE' in it, which is not read")),
        ("X509 CRL", Ok("there is a 'X509 CRL' in it, which is not used: no certificate is revoked by it")),
        ("PKCS7", Ok("there is a 'PKCS7' in it, which is not used")),
    ] {
        let ca = format!("{many}{}{}", pki.ca.pem().replace("CERTIFICATE", label), pki.ca.pem());
        match (load_from(&files(&pki.chain, &pki.key, &ca), ""), expected) {
            (Err(fault), Err(expected)) => assert!(fault.contains(expected), "{fault}"),
            (Ok(identity), Ok(expected)) => {
                let said: Vec<_> = identity.warnings.iter().map(|warning| &warning.message).collect();
                assert!(matches!(&*said, [one] if one.ends_with(expected)), "{said:?}");
            }
            (loaded, _) => panic!("{label}: {loaded:?}"),
        }
    }
}
