//! The keys that tokens are signed with, in force, and where they come from: a file, or the issuer's server.

mod fetch;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::acl_store::Reload;
use super::config::document::read_text;
use super::config::sasl::{Bearer, KeySource};
use super::config::{Fault, Faults};
use crate::model::sasl::token::{KeySet, TokenFault, VerifiedToken};
use crate::protocol::sasl::Verified;

/// The longest set of keys, in bytes.
const LONGEST: u64 = 1024 * 1024;
/// How often a key that is not known may have the server asked: whoever makes tokens up must not have it asked all the time.
const UNKNOWN_INTERVAL: Duration = Duration::from_secs(30);
/// How soon a server that has failed is asked again.
const RETRY: Duration = Duration::from_secs(10);

/// Keys of an issuer. The last ones that were right stay in force until there are others.
#[derive(Debug)]
pub struct TokenKeys {
    bearer: Bearer,
    in_force: ArcSwap<KeySet>,
    seen: Mutex<Seen>,
    /// When somebody asked last because of a key that is not known.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Seen {
    text: Vec<u8>,
    wrong: Option<Faults>,
}

impl TokenKeys {
    /// Reads the keys from their file. A server is asked later: what is not there yet lets nobody in.
    ///
    /// # Errors
    /// Why the file is none.
    pub fn open(bearer: Bearer) -> Result<(Self, Vec<Fault>), Faults> {
        let keys = Self {
            bearer,
            in_force: ArcSwap::default(),
            seen: Mutex::default(),
            asked: tokio::sync::Mutex::default(),
        };
        let KeySource::File(_) = &keys.bearer.keys else { return Ok((keys, Vec::new())) };
        match keys.look() {
            Reload::Refused(faults) => Err(faults),
            Reload::Loaded(warnings) => Ok((keys, warnings)),
            Reload::Unchanged | Reload::StillRefused => Ok((keys, Vec::new())),
        }
    }

    /// How soon the keys are to be looked at again, after this.
    pub fn interval(&self, outcome: &Reload) -> Duration {
        let is_server = matches!(self.bearer.keys, KeySource::Url { .. });
        match outcome {
            Reload::Refused(_) | Reload::StillRefused if is_server => RETRY.min(self.bearer.refresh_interval),
            _ => self.bearer.refresh_interval,
        }
    }

    /// Where they come from, for people.
    pub fn place(&self) -> String {
        match &self.bearer.keys {
            KeySource::File(path) => path.display().to_string(),
            KeySource::Url { host, port, path, ca } => {
                format!("{}://{host}:{port}{path}", if ca.is_some() { "https" } else { "http" })
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.in_force.load().len()
    }

    /// Looks at the file, which blocks for a moment.
    fn look(&self) -> Reload {
        let KeySource::File(path) = &self.bearer.keys else { return Reload::Unchanged };
        match read_text(path, LONGEST) {
            Ok(text) => self.take(path, text.into_bytes()),
            Err(fault) => self.refuse(fault.into()),
        }
    }

    /// Looks at the keys now, wherever they come from.
    pub async fn reload(self: &Arc<Self>) -> Reload {
        let KeySource::Url { host, port, path, ca } = &self.bearer.keys else {
            let this = self.clone();
            return tokio::task::spawn_blocking(move || this.look()).await.unwrap_or(Reload::Unchanged);
        };
        let place = self.place();
        match fetch::fetch((host, *port), path, ca.as_deref(), LONGEST as usize).await {
            Ok(text) => self.take(Path::new(&place), text),
            Err(message) => self.refuse(Fault { file: place.into(), place: None, message }.into()),
        }
    }

    fn take(&self, place: &Path, text: Vec<u8>) -> Reload {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.text == text && seen.wrong.is_none() {
            return Reload::Unchanged;
        }
        let fault = |message: String| Fault { file: place.into(), place: None, message };
        match KeySet::read(&text) {
            Ok((keys, left_out)) => {
                self.in_force.store(Arc::new(keys));
                *seen = Seen { text, wrong: None };
                Reload::Loaded(
                    left_out.into_iter().map(|why| fault(format!("{why}; it is left out"))).collect(),
                )
            }
            Err(message) => {
                drop(seen);
                self.refuse(fault(message).into())
            }
        }
    }

    fn refuse(&self, faults: Faults) -> Reload {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.wrong.as_ref() == Some(&faults) {
            return Reload::StillRefused;
        }
        seen.wrong = Some(faults.clone());
        Reload::Refused(faults)
    }

    /// Verifies a token, when it is its turn. `now` is in seconds since 1970.
    pub async fn verify(
        self: Arc<Self>,
        token: Zeroizing<String>,
        now: u64,
        turns: Arc<Semaphore>,
    ) -> Verified {
        let token = Arc::new(token);
        let mut verified = self.verify_once(&token, now, &turns).await;
        if let Err(TokenFault::UnknownKey(_)) = verified
            && self.ask_for_unknown().await
        {
            verified = self.verify_once(&token, now, &turns).await;
        }
        match verified {
            Ok(token) => {
                let expires = i64::try_from(token.expires).unwrap_or(i64::MAX);
                Verified::Token(token.principal, expires.saturating_mul(1000))
            }
            Err(TokenFault::UnknownKey(key)) => Verified::Wrong(format!(
                "the token is signed with the key '{key:.80}', which is not among the {} of {}",
                self.count(),
                self.place()
            )),
            Err(TokenFault::Wrong(why)) => Verified::Wrong(format!("the token is not taken: {why}")),
        }
    }

    /// Beside the threads that serve connections: some signatures take a millisecond.
    async fn verify_once(
        &self,
        token: &Arc<Zeroizing<String>>,
        now: u64,
        turns: &Arc<Semaphore>,
    ) -> Result<VerifiedToken, TokenFault> {
        let failed = |why: String| TokenFault::Wrong(why);
        let turn = turns.clone().acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let (keys, rules, token) = (self.in_force.load_full(), self.bearer.rules.clone(), token.clone());
        let verifying = tokio::task::spawn_blocking(move || {
            let verified = keys.verify(&token, &rules, now);
            drop(turn);
            verified
        });
        verifying.await.unwrap_or_else(|error| Err(failed(error.to_string())))
    }

    /// Asks for a key that is not known; whether that has been done just now.
    async fn ask_for_unknown(self: &Arc<Self>) -> bool {
        let begun = Instant::now();
        // Whoever waits here has what whoever was first has heard.
        let mut asked = self.asked.lock().await;
        if let Some(last) = *asked
            && begun.saturating_duration_since(last) < UNKNOWN_INTERVAL
        {
            return last >= begun;
        }
        let outcome = self.reload().await;
        *asked = Some(Instant::now());
        matches!(outcome, Reload::Loaded(_))
    }
}
