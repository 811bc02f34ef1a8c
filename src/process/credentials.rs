//! Who clients are by SASL, at a listener: the users of a file, the tokens of an issuer.

use std::sync::{Arc, OnceLock};
use std::task::Waker;

use tokio::sync::Semaphore;

use super::acl_store::AclStore;
use super::config::sasl::{Sasl, UserPlace};
use super::config::{Config, Fault, Faults, Listener};
use super::token_keys::TokenKeys;
use super::users::UserStore;
use super::users_in_force::UsersInForce;
use crate::model::sasl::users::{CredentialChange, Users, UsersChange, UsersChangeError};
use crate::net::sasl::{CredentialSource, FailedLogins, Pending, SaslContext, unix_ms};
use crate::net::wakers::{Wakers, Woken};
use crate::protocol::access::UserDirectory;
use crate::protocol::sasl::{Credentials as Said, Offer, Verified};

/// What a listener compares credentials with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The users of SCRAM and PLAIN.
    pub users: Option<UserSource>,
    /// The keys of tokens.
    pub tokens: Option<Arc<TokenKeys>>,
    /// Verifying takes a processor; others are to have one as well.
    turns: Arc<Semaphore>,
    nobody: Arc<Users>,
    /// Of users that never change.
    wakers: Wakers,
}

/// Where a listener's users come from.
#[derive(Debug, Clone)]
pub enum UserSource {
    /// A file.
    File(Arc<UserStore>),
    /// The topic with the bindings.
    Topic(TopicUsers),
}

/// The users of the topic with the bindings.
#[derive(Debug, Clone)]
pub struct TopicUsers {
    /// Who follows and writes the topic.
    pub acls: Arc<AclStore>,
    /// The users.
    pub in_force: Arc<UsersInForce>,
}

impl UserSource {
    fn in_force(&self) -> &UsersInForce {
        match self {
            Self::File(store) => store.in_force(),
            Self::Topic(users) => &users.in_force,
        }
    }
}

/// The credentials of all listeners, in the order of the configuration; the same file is the same for all.
#[derive(Debug, Default)]
pub struct AllCredentials {
    /// `None` where nobody logs in.
    pub of_listeners: Vec<Option<Arc<Credentials>>>,
    /// Each once.
    pub users: Vec<Arc<UserStore>>,
    /// Those of the topic with the bindings, where a listener has them.
    pub topic: Option<TopicUsers>,
    /// Each once.
    pub tokens: Vec<Arc<TokenKeys>>,
}

impl AllCredentials {
    /// Reads every file that listeners name; what in them is allowed but risky is told as well. `acls` follow the topic, where
    /// users are in that; without them its users are not there either.
    ///
    /// # Errors
    /// Every fault in them.
    pub fn open(config: &Config, acls: Option<&Arc<AclStore>>) -> Result<(Self, Vec<Fault>), Faults> {
        let mut all = Self::default();
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        let in_topic = |listener: &Listener| {
            listener.sasl.as_ref().is_some_and(|sasl| sasl.users == Some(UserPlace::Topic))
        };
        if config.listeners.iter().any(in_topic) {
            let users = acls.and_then(|acls| Some((acls.clone(), acls.serve_logins()?)));
            all.topic = users.map(|(acls, in_force)| TopicUsers { acls, in_force });
        }
        // At least one processor is others' to use.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = Arc::new(Semaphore::new((processors / 2).max(1)));
        for listener in &config.listeners {
            let opened = match &listener.sasl {
                Some(sasl) => match all.open_listener(config, listener, sasl, &turns) {
                    Ok((credentials, more)) => {
                        warnings.extend(more);
                        Some(Arc::new(credentials))
                    }
                    Err(more) => {
                        faults.extend(more.0);
                        None
                    }
                },
                None => None,
            };
            all.of_listeners.push(opened);
        }
        match faults.is_empty() {
            true => Ok((all, warnings)),
            false => Err(Faults::sorted(faults)),
        }
    }

    fn open_listener(
        &mut self,
        config: &Config,
        listener: &Listener,
        sasl: &Sasl,
        turns: &Arc<Semaphore>,
    ) -> Result<(Credentials, Vec<Fault>), Faults> {
        // What is said of a file as a whole is said at the place that names it.
        let placed = |key: &str, Faults(faults): Faults| {
            let at = format!("{}.sasl.{key}", listener.place);
            let placed = |fault: Fault| match fault.place {
                Some(_) => fault,
                None => config.document.fault(&at, format!("{}: {}", fault.file.display(), fault.message)),
            };
            Faults(faults.into_iter().map(placed).collect())
        };
        let mut warnings = Vec::new();
        let mut users = match &sasl.users {
            Some(UserPlace::Topic) => self.topic.clone().map(UserSource::Topic),
            _ => None,
        };
        if let Some(file) = sasl.users.as_ref().and_then(UserPlace::file) {
            let mut store = self.users.iter().find(|store| store.path() == file.file).cloned();
            if store.is_none() {
                let opened =
                    UserStore::open(file.file.clone()).map_err(|faults| placed("users.file", faults))?;
                warnings.extend(opened.1);
                let opened = Arc::new(opened.0);
                self.users.push(opened.clone());
                store = Some(opened);
            }
            users = store.map(UserSource::File);
        }
        let mut tokens = None;
        if let Some(bearer) = &sasl.bearer {
            let opened =
                TokenKeys::open(bearer.clone()).map_err(|faults| placed("oauthbearer.jwks.file", faults))?;
            warnings.extend(opened.1);
            let keys = Arc::new(opened.0);
            self.tokens.push(keys.clone());
            tokens = Some(keys);
        }
        let nobody = static_nobody();
        Ok((Credentials { users, tokens, turns: turns.clone(), nobody, wakers: Wakers::default() }, warnings))
    }
}

fn static_nobody() -> Arc<Users> {
    static NOBODY: OnceLock<Arc<Users>> = OnceLock::new();
    NOBODY.get_or_init(Arc::default).clone()
}

/// What a listener with SASL offers.
pub fn sasl_context(sasl: &Sasl, credentials: &Arc<Credentials>) -> SaslContext {
    SaslContext {
        offer: Arc::new(Offer {
            mechanisms: sasl.mechanisms.clone(),
            max_reauth_ms: sasl.max_reauth.map(|most| i64::try_from(most.as_millis()).unwrap_or(i64::MAX)),
        }),
        is_required_with_certificate: sasl.is_required_with_certificate,
        credentials: credentials.clone(),
        failures: FailedLogins::default(),
    }
}

impl UserDirectory for Credentials {
    fn users(&self) -> Arc<Users> {
        self.users.as_ref().map_or_else(|| self.nobody.clone(), |source| source.in_force().users())
    }
}

impl CredentialSource for Credentials {
    fn generation(&self) -> u64 {
        self.users.as_ref().map_or(0, |source| source.in_force().generation())
    }

    fn keeps_users(&self) -> bool {
        self.users.is_some()
    }

    fn verify(&self, credentials: Said) -> Pending<Verified> {
        let (users, turns) = (self.users(), self.turns.clone());
        match (credentials, self.tokens.clone()) {
            (Said::Password(user, password), _) => Box::pin(async move {
                let Ok(turn) = turns.acquire_owned().await else {
                    return Verified::Unknown("doorkeeper is stopping".to_owned());
                };
                let comparing = tokio::task::spawn_blocking(move || {
                    let is_right = users.is_password(&user, &password);
                    drop(turn);
                    match is_right {
                        true => Verified::Password,
                        false if users.get(&user).is_some() => {
                            Verified::Wrong(format!("the password of user '{user:.80}' is another"))
                        }
                        false => Verified::Wrong(format!("there is no user '{user:.80}'")),
                    }
                });
                comparing.await.unwrap_or_else(|error| Verified::Unknown(error.to_string()))
            }),
            (Said::Token(token), Some(tokens)) => {
                let now = u64::try_from(unix_ms() / 1000).unwrap_or_default();
                Box::pin(tokens.verify(token, now, turns))
            }
            (Said::Token(_), None) => {
                Box::pin(async { Verified::Unknown("no tokens are taken here".to_owned()) })
            }
        }
    }

    fn change(&self, change: UsersChange) -> Pending<Result<(), UsersChangeError>> {
        match self.users.clone() {
            Some(UserSource::File(store)) => Box::pin(store.change(change)),
            Some(UserSource::Topic(TopicUsers { acls, .. })) => {
                // On its own, so that it goes on when the client leaves.
                let changing = tokio::spawn(acls.change_credentials(CredentialChange::of(&change)));
                Box::pin(async move {
                    changing.await.unwrap_or_else(|error| {
                        Err(UsersChangeError::Unavailable(format!("the change failed: {error}")))
                    })
                })
            }
            None => Box::pin(async {
                Err(UsersChangeError::ReadOnly(
                    "this listener keeps no users: name a file for them in its configuration, under sasl.users".to_owned(),
                ))
            }),
        }
    }

    fn wake(&self, waker: &Waker) -> Woken {
        self.users.as_ref().map_or_else(|| self.wakers.add(waker), |source| source.in_force().wake(waker))
    }
}
