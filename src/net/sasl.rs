//! What connections need for SASL: what is offered, and who knows whether credentials are right.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;

use super::wakers::Woken;
use crate::model::sasl::users::{UsersChange, UsersChangeError};
use crate::protocol::access::UserDirectory;
use crate::protocol::sasl::{Credentials, Offer, Verified};

/// SASL at a listener.
pub struct SaslContext {
    /// What clients may choose from.
    pub offer: Arc<Offer>,
    /// Whether a client that has shown a certificate must log in as well.
    pub is_required_with_certificate: bool,
    /// Who knows the users.
    pub credentials: Arc<dyn CredentialSource>,
    /// What has failed lately.
    pub failures: FailedLogins,
}

/// Who knows whether credentials are right. None of it takes time of the thread that asks.
pub trait CredentialSource: UserDirectory {
    /// A number that changes with every change of the users.
    fn generation(&self) -> u64;
    /// Whether users are kept here, so that they can be changed.
    fn keeps_users(&self) -> bool;
    /// Finds out whether credentials are right.
    fn verify(&self, credentials: Credentials) -> Pending<Verified>;
    /// Changes the users. Once begun, a change goes on whether or not anybody waits for its outcome.
    fn change(&self, change: UsersChange) -> Pending<Result<(), UsersChangeError>>;
    /// The task is woken by changes from now on, while it is concerned and until what is returned is dropped.
    fn wake(&self, waker: &Waker) -> Woken;
}

/// What comes later.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How long the answer to a failed login is held back at first (`connection.failed.authentication.delay.ms`).
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// By how many doublings it grows for one address.
const DOUBLINGS: u32 = 5;
/// When what has failed is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// Of how many addresses failures are remembered.
const MOST_ADDRESSES: usize = 4096;

/// The logins that failed lately, by address: the more, the longer the answer to the next one takes.
#[derive(Debug, Default)]
pub struct FailedLogins(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl FailedLogins {
    /// One more has failed; says after how long the client is told.
    pub fn failed(&self, address: IpAddr, now: Instant) -> Duration {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |since: Instant| now.saturating_duration_since(since) >= FORGOTTEN;
        if all.len() >= MOST_ADDRESSES && !all.contains_key(&address) {
            all.retain(|_, (_, since)| !is_old(*since));
            if all.len() >= MOST_ADDRESSES {
                // Whoever has so many addresses is held up alike by all of them.
                return FIRST_DELAY * (1 << DOUBLINGS);
            }
        }
        let (count, since) = all.entry(address).or_insert((0, now));
        if is_old(*since) {
            *count = 0;
        }
        *since = now;
        let delay = FIRST_DELAY * (1 << (*count).min(DOUBLINGS));
        *count = count.saturating_add(1);
        delay
    }
}

/// The time, in milliseconds since 1970.
pub fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Letters and digits that nobody can foresee, as many as Kafka's have (`ScramFormatter.secureRandomString`).
pub fn nonce() -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let mut bytes = [0; 26];
    if rand::fill(&mut bytes).is_err() {
        // The system has no random numbers; the client's own half must do.
        return "0".repeat(26);
    }
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_often_waits_longer_until_it_is_forgotten() {
        let (failures, begun) = (FailedLogins::default(), Instant::now());
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let delays: Vec<u128> = (0..8).map(|_| failures.failed(one, begun).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 3200, 3200, 3200]);
        assert_eq!(failures.failed(other, begun), FIRST_DELAY);
        assert_eq!(failures.failed(one, begun + FORGOTTEN), FIRST_DELAY);
        for number in 0..10_000_u32 {
            failures.failed(IpAddr::from(number.to_be_bytes()), begun);
        }
        assert!(failures.0.lock().unwrap().len() <= MOST_ADDRESSES);
    }

    #[test]
    fn nonces_are_long_and_differ() {
        let (one, other) = (nonce(), nonce());
        assert!(
            one.len() == 26 && one != other && one.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{one}"
        );
    }
}
