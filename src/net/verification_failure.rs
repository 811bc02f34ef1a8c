//! Why a client's certificate was refused: rustls passes on no more than the alert that the client gets.

use std::cell::RefCell;

use crate::model::certificate::Refusal;

thread_local! {
    /// A certificate is judged within a call of rustls, so whoever has made that call finds it here afterwards.
    static REFUSED: RefCell<Option<Box<Refusal>>> = const { RefCell::new(None) };
}

/// Stores, for this thread, why a certificate is refused.
pub fn remember(refusal: Box<Refusal>) {
    REFUSED.set(Some(refusal));
}

/// Why this thread has refused a certificate since it was asked last.
pub fn take() -> Option<Box<Refusal>> {
    REFUSED.take()
}
