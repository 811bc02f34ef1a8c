//! The users that are in force, wherever they come from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use arc_swap::ArcSwap;

use crate::model::sasl::users::Users;
use crate::net::wakers::{Wakers, Woken};

/// The users in force. Reading never waits.
#[derive(Debug)]
pub struct UsersInForce {
    users: ArcSwap<Users>,
    generation: AtomicU64,
    wakers: Wakers,
}

impl UsersInForce {
    /// The users of the start.
    pub fn new(users: Users) -> Self {
        Self { users: ArcSwap::from_pointee(users), generation: AtomicU64::new(1), wakers: Wakers::default() }
    }

    /// The users.
    pub fn users(&self) -> Arc<Users> {
        self.users.load_full()
    }

    /// A number that changes with every change of them.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Has a task woken when there are others.
    pub fn wake(&self, waker: &Waker) -> Woken {
        self.wakers.add(waker)
    }

    /// Puts others in force.
    pub fn replace(&self, users: Users) {
        self.users.store(Arc::new(users));
        // After the users themselves: who sees the new number must get the new ones.
        self.generation.fetch_add(1, Ordering::Release);
        self.wakers.wake();
    }
}
