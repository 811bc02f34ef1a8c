//! Making and registering metric families.

use std::marker::PhantomData;
use std::ops::Index;

use prometheus::core::Collector;
use prometheus::{
    Counter, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, Result,
};

use super::labels::Label;

/// The prefix of every metric that is ours.
const NAMESPACE: &str = "doorkeeper";

/// Makes families and puts them into one registry.
pub(super) struct Families<'a>(pub(super) &'a Registry);

impl Families<'_> {
    pub(super) fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.add(IntCounter::with_opts(options(name, help))?)
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
        self.add(IntCounterVec::new(options(name, help), labels)?)
    }

    /// A counter of time, in seconds.
    pub(super) fn seconds(&self, name: &str, help: &str) -> Result<Counter> {
        self.add(Counter::with_opts(options(name, help))?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.add(IntGauge::with_opts(options(name, help))?)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(options(name, help), labels)?)
    }

    /// `bounds` in seconds.
    pub(super) fn durations(&self, name: &str, help: &str, bounds: &[f64]) -> Result<Histogram> {
        self.add(Histogram::with_opts(histogram(name, help, bounds))?)
    }

    /// `bounds` in seconds.
    pub(super) fn durations_by(
        &self,
        name: &str,
        help: &str,
        bounds: &[f64],
        labels: &[&str],
    ) -> Result<HistogramVec> {
        self.add(HistogramVec::new(histogram(name, help, bounds), labels)?)
    }

    fn add<C: Collector + Clone + 'static>(&self, family: C) -> Result<C> {
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace(NAMESPACE)
}

fn histogram(name: &str, help: &str, bounds: &[f64]) -> HistogramOpts {
    HistogramOpts::new(name, help).namespace(NAMESPACE).buckets(bounds.to_vec())
}

/// One handle for each value of a closed set, found by position.
#[derive(Debug, Clone)]
pub(super) struct Each<L, M>(Box<[M]>, PhantomData<L>);

impl<L: Label, M> Each<L, M> {
    pub(super) fn new(handle: impl FnMut(&'static str) -> M) -> Self {
        Self(L::ALL.iter().map(|label| label.text()).map(handle).collect(), PhantomData)
    }
}

impl<L: Label, M> Index<L> for Each<L, M> {
    type Output = M;

    fn index(&self, label: L) -> &M {
        &self.0[label.index()]
    }
}
