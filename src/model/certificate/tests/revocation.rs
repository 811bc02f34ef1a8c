//! What lists say of a certificate, and of which lists it is believed.

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SerialNumber,
};

use super::*;
use crate::model::certificate::{RevocationList, RevocationPolicy, SignedBy};

const STRICT: RevocationPolicy = RevocationPolicy { unknown_allowed: false, expired_allowed: false };
const LENIENT: RevocationPolicy = RevocationPolicy { unknown_allowed: true, expired_allowed: true };
/// 2026-01-01.
const REVOKED: i64 = 1_767_225_600;

impl Signer {
    /// A list of its own, good until that year.
    fn revokes(&self, serials: &[&[u8]], until: i32) -> Vec<u8> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: rcgen::date_time_ymd(2026, 1, 1),
            reason_code: Some(RevocationReason::Superseded),
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2000, 1, 1),
            next_update: rcgen::date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&issuer).unwrap().der().to_vec()
    }

    fn sign_numbered(&self, mut params: CertificateParams, serial: &[u8]) -> Signer {
        params.serial_number = Some(SerialNumber::from_slice(serial));
        self.sign(params)
    }
}

/// What a chain comes to below this root with these lists.
fn with_lists(
    root: &Signer,
    policy: RevocationPolicy,
    lists: &[Vec<u8>],
    chain: &[&Signer],
) -> Result<(), Kind> {
    let counting = Counting::new();
    let mut anchors = Anchors::default();
    anchors.add(Certificate::read(&root.der).unwrap(), &counting);
    anchors.look_up(policy);
    for list in lists {
        anchors.add_list(RevocationList::read(list).unwrap(), &counting);
    }
    let chain: Vec<&[u8]> = chain.iter().map(|signer| signer.der.as_slice()).collect();
    anchors.judge(&chain, Purpose::Client, NOW, &counting).map(drop).map_err(|refusal| refusal.kind)
}

#[test]
fn each_certificate_below_the_anchor_is_looked_up() {
    let root = Signer::self_signed(authority("Root"));
    let intermediate = root.sign_numbered(authority("Intermediate"), &[0x7f]);
    // A serial number that is the longest there may be, and one with its highest bit set.
    let alice = intermediate.sign_numbered(params("alice"), &[0x11; 20]);
    let bob = intermediate.sign_numbered(params("bob"), &[0x80]);
    let chain = |leaf| [leaf, &intermediate];
    let of_root = root.revokes(&[], 2040);
    let both = |serials: &[&[u8]]| [of_root.clone(), intermediate.revokes(serials, 2040)];

    assert_eq!(with_lists(&root, STRICT, &both(&[]), &chain(&alice)), Ok(()));
    assert_eq!(with_lists(&root, STRICT, &both(&[&[0x11; 20]]), &chain(&alice)), Err(Kind::Revoked(REVOKED)));
    assert_eq!(with_lists(&root, STRICT, &both(&[&[0x80]]), &chain(&bob)), Err(Kind::Revoked(REVOKED)));
    let many: Vec<Vec<u8>> = (1..=200_u8).map(|n| vec![1, n]).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).chain([&[0x80][..]]).collect();
    assert_eq!(with_lists(&root, STRICT, &both(&many), &chain(&bob)), Err(Kind::Revoked(REVOKED)));
    assert_eq!(with_lists(&root, STRICT, &both(&many), &chain(&alice)), Ok(()));

    // The authority between them.
    let lists = [root.revokes(&[&[0x7f]], 2040), intermediate.revokes(&[], 2040)];
    assert_eq!(with_lists(&root, LENIENT, &lists, &chain(&alice)), Err(Kind::Revoked(REVOKED)));
    // No list of one of them, or one that has ended.
    for (lists, expected) in [
        (vec![of_root.clone()], Kind::RevocationUnknown),
        (vec![intermediate.revokes(&[], 2040)], Kind::RevocationUnknown),
        (vec![of_root.clone(), intermediate.revokes(&[], 2020)], Kind::RevocationExpired(1_577_836_800)),
    ] {
        assert_eq!(with_lists(&root, STRICT, &lists, &chain(&alice)), Err(expected));
        assert_eq!(with_lists(&root, LENIENT, &lists, &chain(&alice)), Ok(()));
    }
    // One that has not ended is enough, and what any of them names is revoked.
    let two = [of_root, intermediate.revokes(&[&[0x80]], 2020), intermediate.revokes(&[], 2040)];
    assert_eq!(with_lists(&root, STRICT, &two, &chain(&alice)), Ok(()));
    assert_eq!(with_lists(&root, STRICT, &two, &chain(&bob)), Err(Kind::Revoked(REVOKED)));
}

#[test]
fn a_list_is_believed_of_its_issuer_alone() {
    let root = Signer::self_signed(authority("Root"));
    let namesake = Signer::self_signed(authority("Root"));
    let stranger = Signer::self_signed(authority("Stranger"));
    let alice = root.sign_numbered(params("alice"), &[7]);
    let counting = Counting::new();
    let mut anchors = Anchors::default();
    anchors.add(Certificate::read(&root.der).unwrap(), &counting);
    anchors.look_up(STRICT);
    for (signer, expected) in
        [(&namesake, SignedBy::NotByItsIssuer), (&stranger, SignedBy::Other), (&root, SignedBy::Anchor)]
    {
        let list = RevocationList::read(&signer.revokes(&[], 2040)).unwrap();
        assert_eq!(anchors.add_list(list, &counting), expected);
    }
    let forged = with_lists(&root, STRICT, &[namesake.revokes(&[&[7]], 2040)], &[&alice]);
    assert_eq!(forged, Err(Kind::RevocationUnknown));

    // An authority that says it signs no lists.
    let mut silent = authority("Silent");
    silent.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let silent = Signer::self_signed(silent);
    let mut may = authority("Silent");
    may.key_usages = vec![KeyUsagePurpose::CrlSign];
    let issuer =
        Signer { params: may, key: KeyPair::from_pem(&silent.key.serialize_pem()).unwrap(), der: Vec::new() };
    let list = RevocationList::read(&issuer.revokes(&[], 2040)).unwrap();
    let mut anchors = Anchors::default();
    anchors.add(Certificate::read(&silent.der).unwrap(), &counting);
    anchors.look_up(STRICT);
    assert_eq!(anchors.add_list(list, &counting), SignedBy::NotByItsIssuer);
}

/// A pinned certificate can be taken back by its issuer, if that is trusted, too.
#[test]
fn a_pinned_certificate_can_be_revoked() {
    let root = Signer::self_signed(authority("Root"));
    let alice = root.sign_numbered(params("alice"), &[7]);
    let counting = Counting::new();
    for (revoked, expected) in [(&[7], Err(Kind::Revoked(REVOKED))), (&[8], Ok(()))] {
        let mut anchors = Anchors::default();
        for anchor in [&root, &alice] {
            anchors.add(Certificate::read(&anchor.der).unwrap(), &counting);
        }
        anchors.look_up(STRICT);
        anchors.add_list(RevocationList::read(&root.revokes(&[revoked], 2040)).unwrap(), &counting);
        let judged = anchors.judge(&[&alice.der], Purpose::Client, NOW, &counting);
        assert_eq!(judged.map(drop).map_err(|refusal| refusal.kind), expected);
    }
}

#[test]
fn lists_that_do_not_tell_all_are_refused() {
    let list = Signer::self_signed(authority("Root")).revokes(&[&[7]], 2040);
    assert!(RevocationList::read(&list).is_ok());
    let with = |old: [u8; 3], new: [u8; 3]| {
        let at = list.windows(3).position(|bytes| bytes == old).unwrap();
        let mut list = list.clone();
        list[at..at + 3].copy_from_slice(&new);
        RevocationList::read(&list).map(drop).unwrap_err().0
    };
    // The extensions of the list and of the entry, by their last byte: crlNumber and reasonCode become others.
    let (number, reason) = ([0x55, 0x1d, 20], [0x55, 0x1d, 21]);
    assert!(with(number, [0x55, 0x1d, 27]).starts_with("it is a delta list"));
    assert!(with(number, [0x55, 0x1d, 28]).starts_with("its issuingDistributionPoint"));
    assert!(with(reason, [0x55, 0x1d, 29]).starts_with("it is indirect"));
}

#[test]
fn no_damage_to_a_list_panics() {
    let root = Signer::self_signed(authority("Root"));
    let list = root.revokes(&[&[7], &[9]], 2040);
    let alice = root.sign_numbered(params("alice"), &[7]);
    for at in 0..list.len() {
        assert!(RevocationList::read(&list[..at]).is_err(), "cut at {at}");
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = list.clone();
            damaged[at] ^= mask;
            if RevocationList::read(&damaged).is_ok() {
                // It is signed by nobody now, and says nothing.
                let judged = with_lists(&root, STRICT, &[damaged], &[&alice]);
                assert_eq!(judged, Err(Kind::RevocationUnknown), "{mask:x} at {at}");
            }
        }
    }
}
