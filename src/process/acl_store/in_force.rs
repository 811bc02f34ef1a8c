//! The set of bindings that is in force.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;

use arc_swap::ArcSwap;

use crate::model::acl::{Authorizer, Binding, Settings};
use crate::net::wakers::{Wakers, Woken};
use crate::observability::metrics::Metrics;

/// One set of bindings with its place in the succession of sets.
#[derive(Debug, Clone)]
pub struct Generation {
    /// 1 for the set of the start, one more for each that replaced it.
    pub number: u64,
    /// The set, indexed.
    pub authorizer: Authorizer,
}

/// The set of bindings that is in force. Reading never waits.
#[derive(Debug)]
pub(super) struct InForce {
    /// By what bindings are judged. Whoever puts another set in force holds this meanwhile, so that no number is lost.
    settings: Mutex<Settings>,
    current: ArcSwap<Generation>,
    /// The number of `current`, to be compared without touching its reference count.
    number: AtomicU64,
    /// Who is told when there is another one.
    wakers: Wakers,
    /// Where it is shown how many bindings are in force.
    metrics: OnceLock<Arc<Metrics>>,
}

impl InForce {
    /// The set of the start.
    pub(super) fn new(bindings: Vec<Arc<Binding>>, settings: Settings) -> InForce {
        let authorizer = Authorizer::sharing(bindings, settings.clone());
        InForce {
            settings: Mutex::new(settings),
            current: ArcSwap::from_pointee(Generation { number: 1, authorizer }),
            number: AtomicU64::new(1),
            wakers: Wakers::default(),
            metrics: OnceLock::new(),
        }
    }

    /// The set.
    pub(super) fn current(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Its number: one load, to find out for each request whether a view is still good.
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Has a task woken when another set is in force.
    pub(super) fn wake(&self, waker: &Waker) -> Woken {
        self.wakers.add(waker)
    }

    /// Shows in the metrics from now on which set is in force.
    pub(super) fn show(&self, metrics: &Arc<Metrics>) {
        // Held, so that no set that comes into force meanwhile is overwritten.
        let _settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = self.metrics.get_or_init(|| metrics.clone());
        let current = self.current();
        metrics.acls(current.authorizer.bindings().len(), current.number);
    }

    /// Puts another set in force. Blocks for as long as indexing takes.
    pub(super) fn replace(&self, bindings: Vec<Arc<Binding>>) {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        self.put(bindings, settings.clone());
    }

    /// Judges the same bindings by other settings. Blocks for as long as indexing takes.
    pub(super) fn judge_by(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut settings);
        let bindings = self.current().authorizer.bindings().to_vec();
        self.put(bindings, settings.clone());
    }

    fn put(&self, bindings: Vec<Arc<Binding>>, settings: Settings) {
        let number = self.number() + 1;
        let authorizer = Authorizer::sharing(bindings, settings);
        if let Some(metrics) = self.metrics.get() {
            metrics.acls(authorizer.bindings().len(), number);
        }
        self.current.store(Arc::new(Generation { number, authorizer }));
        // After the set itself: who sees the new number must get the new set.
        self.number.store(number, Ordering::Release);
        // What is under way by the old set is to be looked at, wherever nothing else happens.
        self.wakers.wake();
    }
}
