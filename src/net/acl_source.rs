//! The ACLs as connections need them, wherever they are kept.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::Waker;

use super::wakers::Woken;
use crate::model::acl::{Change, ChangeError, ChangeOutcome, ClientView};

/// The ACLs in force. They are replaced whole; whoever holds a view of the old ones sees it by the generation.
pub trait AclSource: Send + Sync {
    /// A number that changes with every change.
    fn generation(&self) -> u64;
    /// The ACLs as they matter for a client, and their generation.
    fn view(&self, principal: &str, address: IpAddr) -> (ClientView, u64);
    /// The task is woken by changes from now on, once the generation is another, while it is concerned and until what is
    /// returned is dropped.
    fn wake(&self, waker: &Waker) -> Woken;
    /// Changes the ACLs. Once begun, a change goes on whether or not anybody waits for its outcome; it ends within a time
    /// that the source sets.
    fn change(&self, change: Change) -> PendingChange;
}

/// What comes of a change, when it is known.
pub type PendingChange = Pin<Box<dyn Future<Output = Result<ChangeOutcome, ChangeError>> + Send>>;
