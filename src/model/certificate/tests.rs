mod revocation;

use std::cell::Cell;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints,
};

use super::*;
use crate::process::identity::ProviderSignatures;

/// 2030-01-01.
const NOW: i64 = 1_893_456_000;

/// Checks signatures, and counts how often.
struct Counting {
    real: ProviderSignatures,
    checked: Cell<usize>,
}

impl Counting {
    fn new() -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Self { real: ProviderSignatures::new(provider), checked: Cell::new(0) }
    }
}

impl Signatures for Counting {
    fn verify(
        &self,
        key: &PublicKey,
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Unverified> {
        self.checked.set(self.checked.get() + 1);
        self.real.verify(key, algorithm, message, signature)
    }

    fn takes(&self, key: &PublicKey) -> bool {
        self.real.takes(key)
    }
}

/// A certificate and what signs others in its name.
struct Signer {
    der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Signer {
    fn self_signed(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self { der: params.self_signed(&key).unwrap().der().to_vec(), params, key }
    }

    fn sign(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        Self { der: params.signed_by(&key, &issuer).unwrap().der().to_vec(), params, key }
    }
}

fn judged(anchors: &[&Signer], chain: &[&Signer]) -> (Result<(), Box<Refusal>>, usize) {
    let counting = Counting::new();
    let mut trusted = Anchors::default();
    for anchor in anchors {
        trusted.add(Certificate::read(&anchor.der).unwrap(), &counting);
    }
    let chain: Vec<&[u8]> = chain.iter().map(|signer| signer.der.as_slice()).collect();
    let judged = trusted.judge(&chain, Purpose::Client, NOW, &counting).map(drop);
    (judged, counting.checked.get())
}

/// Certificates of one name, each of which may have issued each: there are more ways than could ever be tried.
#[test]
fn a_tangle_of_certificates_costs_a_bounded_time() {
    let tangle: Vec<Signer> = (0..9).map(|_| Signer::self_signed(authority("X"))).collect();
    let leaf = tangle[0].sign(params("alice"));
    let chain: Vec<&Signer> = std::iter::once(&leaf).chain(&tangle).collect();

    let (refused, checked) = judged(&[&Signer::self_signed(authority("Y"))], &chain);
    assert_eq!(refused.unwrap_err().kind, Kind::UnknownIssuer);
    assert_eq!(checked, 0, "no key is used that nobody trusted vouches for");

    let anchors: Vec<Signer> = (0..100).map(|_| Signer::self_signed(authority("X"))).collect();
    let (refused, checked) = judged(&anchors.iter().collect::<Vec<_>>(), &chain);
    assert!(refused.is_err());
    assert!(checked <= 64, "{checked} signatures");
}

/// Only so many certificates are read, and a way through them is found whatever is between.
#[test]
fn what_is_superfluous_is_no_hindrance_up_to_a_length() {
    let root = Signer::self_signed(authority("Root"));
    let intermediate = root.sign(authority("Intermediate"));
    let leaf = intermediate.sign(params("alice"));
    let other = Signer::self_signed(authority("Intermediate"));
    let mut chain = vec![&leaf];
    chain.extend(std::iter::repeat_n(&other, 8));
    chain.push(&intermediate);
    assert_eq!(judged(&[&root], &chain).0, Ok(()));
    chain.push(&other);
    assert_eq!(judged(&[&root], &chain).0.unwrap_err().kind, Kind::TooMuch);
}

#[test]
fn names_and_constraints_without_end_are_not_compared() {
    let mut constrained = authority("Constrained");
    let hosts = |n: usize| format!("h{n}.example.com");
    constrained.name_constraints = Some(NameConstraints {
        permitted_subtrees: (0..1000).map(|n| GeneralSubtree::DnsName(hosts(n))).collect(),
        excluded_subtrees: Vec::new(),
    });
    let root = Signer::self_signed(constrained);
    let leaf = |count: usize| {
        let mut params = CertificateParams::new((0..count).map(hosts).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Alice the First");
        root.sign(params)
    };
    assert_eq!(judged(&[&root], &[&leaf(90)]).0, Ok(()));
    assert_eq!(judged(&[&root], &[&leaf(110)]).0.unwrap_err().kind, Kind::TooMuch);
}

#[test]
fn a_name_from_a_strangers_certificate_is_short_and_steers_no_terminal() {
    let stranger = Signer::self_signed(authority(&format!("\u{1b}[2J{}", "x".repeat(1000))));
    let leaf = stranger.sign(params(&format!("\u{202e}\n{}", "y".repeat(1000))));
    let root = Signer::self_signed(authority("Root"));
    let refusal = judged(&[&root], &[&leaf, &stranger]).0.unwrap_err().to_string();
    assert!(refusal.len() < 2000 && refusal.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{refusal}");
    assert!(refusal.contains("in certificate 2 of its chain"), "{refusal}");
}

/// Of several things that are wrong, that is told which is nearest to being right.
#[test]
fn the_way_that_came_furthest_is_the_one_that_is_told() {
    let root = Signer::self_signed(authority("Root"));
    let namesake = Signer::self_signed(authority("Root"));
    let mut old = authority("Intermediate");
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let old = root.sign(old);
    let leaf = old.sign(params("alice"));
    let expired = Kind::Expired(1_577_836_800);
    assert_eq!(judged(&[&namesake, &root], &[&leaf, &old]).0.unwrap_err().kind, expired);
    assert_eq!(judged(&[&namesake], &[&leaf, &old]).0.unwrap_err().kind, Kind::Signature);
    assert_eq!(judged(&[&root], &[&leaf]).0.unwrap_err().kind, Kind::UnknownIssuer);
}

#[test]
fn no_damage_to_a_certificate_panics_or_is_believed() {
    let mut constrained = authority("Constrained");
    constrained.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".to_owned())],
        excluded_subtrees: Vec::new(),
    });
    let root = Signer::self_signed(authority("Root"));
    let intermediate = root.sign(constrained);
    let mut leaf = CertificateParams::new(["a.example.com".to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "Alice the First");
    let leaf = intermediate.sign(leaf);
    let counting = Counting::new();
    let mut anchors = Anchors::default();
    anchors.add(Certificate::read(&root.der).unwrap(), &counting);
    let judge = |chain: [&[u8]; 2]| anchors.judge(&chain, Purpose::Client, NOW, &counting);
    assert!(judge([&leaf.der, &intermediate.der]).is_ok());
    for at in 0..leaf.der.len() {
        assert!(judge([&leaf.der[..at], &intermediate.der]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut damaged = leaf.der.clone();
            damaged[at] ^= 1 << bit;
            assert!(judge([&damaged, &intermediate.der]).is_err(), "bit {bit} at {at}");
        }
    }
    for at in 0..intermediate.der.len() {
        let mut damaged = intermediate.der.clone();
        damaged[at] ^= 0x41;
        assert!(judge([&leaf.der, &damaged]).is_err(), "at {at}");
    }
}
