//! Open connections whose client is no longer believed: its certificate was revoked, has expired, or its authority is trusted no
//! more.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use crate::net::close::Close;
use crate::observability::metrics::CloseReason;
use crate::process::identity::{Trust, end_of};

/// Chains are judged one at a time: after a change all connections have theirs judged, and those that have work go on with it
/// in between.
static TURN: Semaphore = Semaphore::const_new(1);
/// How long the clock is not looked at, which may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Ends when the client with this chain is no longer believed, by changes of what `trust` holds or by its own end.
pub(super) async fn distrusted(
    mut trust: watch::Receiver<Trust>,
    chain: Vec<CertificateDer<'static>>,
    clock: impl Fn() -> SystemTime,
) -> Close {
    let end = chain.first().map(end_of).and_then(|end| u64::try_from(end).ok()).unwrap_or_default();
    // It is valid in the whole of its last second.
    let end = UNIX_EPOCH.checked_add(Duration::from_secs(end.saturating_add(1)));
    let left = || end.map_or(Duration::MAX, |end| end.duration_since(clock()).unwrap_or_default());
    let mut is_judged = false;
    loop {
        let pause = if is_judged && left().is_zero() { LONGEST_SLEEP } else { left() };
        tokio::select! {
            changed = trust.changed() => {
                if changed.is_err() {
                    return std::future::pending().await;
                }
            }
            () = sleep(pause.min(LONGEST_SLEEP)) => {
                if !left().is_zero() {
                    continue;
                }
            }
        }
        let _turn = TURN.acquire().await;
        tokio::task::yield_now().await;
        let current = trust.borrow_and_update().clone();
        is_judged = true;
        if !current.closes_connections() {
            continue;
        }
        if let Err(why) = current.judge(&chain, clock()) {
            return Close::new(CloseReason::NoLongerTrusted, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;
    use crate::process::config::Config;
    use crate::process::config::scratch::Scratch;
    use crate::process::identity::{IdentityStore, load};

    /// 2030-01-01, the last second of the client's certificate.
    const END: u64 = 1_893_456_000;

    fn named(name: &str, until: i32) -> CertificateParams {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params
    }

    /// A listener whose `closes` is as given, and a client's chain that ends at [`END`].
    fn house(closes: bool) -> (Scratch, IdentityStore, Vec<CertificateDer<'static>>) {
        let mut params = named("CA", 2040);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let (key, client_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let server = named("server", 2040).signed_by(&key, &authority).unwrap();
        let client = named("alice", 2030).signed_by(&client_key, &authority).unwrap();
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2020, 1, 1),
            next_update: rcgen::date_time_ymd(2040, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let folder = Scratch::new();
        folder.write("tls.crt", server.pem());
        folder.write("tls.key", key.serialize_pem());
        folder.write("ca.crt", authority.pem());
        folder.write("clients.crl", list.signed_by(&authority).unwrap().pem().unwrap());
        let text = format!(
            "version: 1\nlisteners: [{{ name: a, bind: '127.0.0.1:1', upstream: 'localhost:2', tls: {{ certificate_chain: tls.crt, private_key: tls.key, client_ca: ca.crt, revocation: {{ crl_files: [clients.crl], close_connections: {closes} }} }} }}]\nauthorization: {{}}\n"
        );
        let config = Arc::new(Config::parse(&folder.path().join("doorkeeper.yaml"), &text).unwrap());
        let now = UNIX_EPOCH + Duration::from_secs(END);
        let identity = load(&config.document, &config.listeners[0], now).unwrap();
        (folder, IdentityStore::new(config, 0, identity), vec![client.der().clone()])
    }

    #[tokio::test]
    async fn a_client_whose_certificate_has_expired_is_left() {
        let (_folder, store, chain) = house(true);
        let seconds = Arc::new(AtomicU64::new(END));
        let clock = {
            let seconds = seconds.clone();
            move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst))
        };
        let mut left = Box::pin(distrusted(store.trust(), chain, clock));
        // In its last second it is valid yet.
        tokio::select! {
            close = &mut left => panic!("{close}"),
            () = tokio::task::yield_now() => {}
        }
        seconds.store(END + 1, Ordering::SeqCst);
        let close = left.await;
        assert_eq!(close.reason, CloseReason::NoLongerTrusted);
        assert!(close.detail.contains("it expired on 2030-01-01 00:00 UTC"), "{close}");
    }

    #[tokio::test]
    async fn without_the_key_nobody_is_left() {
        let (_folder, store, chain) = house(false);
        assert!(!store.trust().borrow().closes_connections());
        let later = || UNIX_EPOCH + Duration::from_secs(END + 1);
        let mut stays = Box::pin(distrusted(store.trust(), chain, later));
        for _ in 0..100 {
            tokio::select! {
                biased;
                close = &mut stays => panic!("{close}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }
}
