//! What is loaded anew while the process runs, and which configuration it runs with.

use std::time::SystemTime;

use prometheus::{IntCounter, IntGauge, IntGaugeVec, Result};

use super::families::{Each, Families};
use super::labels::{Reload, outcome};
use super::unix_seconds;

#[derive(Debug)]
pub(super) struct Reloads {
    each: Each<Reload, ReloadHandles>,
    settings_pending: IntGauge,
    config_hash: IntGaugeVec,
}

#[derive(Debug)]
struct ReloadHandles {
    ok: IntCounter,
    error: IntCounter,
    last_successful: IntGauge,
    last_success: IntGauge,
}

impl Reloads {
    pub(super) fn new(families: &Families<'_>) -> Result<Self> {
        let reloads = families.counters(
            "config_reloads_total",
            "Attempts to load something anew while running.",
            &["what", "result"],
        )?;
        let last_successful = families.gauges(
            "config_last_reload_successful",
            "Whether the last attempt to load it succeeded.",
            &["what"],
        )?;
        let last_success = families.gauges(
            "config_last_reload_success_timestamp_seconds",
            "When it was last loaded.",
            &["what"],
        )?;
        Ok(Self {
            each: Each::new(|what| ReloadHandles {
                ok: reloads.with_label_values(&[what, outcome(true)]),
                error: reloads.with_label_values(&[what, outcome(false)]),
                last_successful: last_successful.with_label_values(&[what]),
                last_success: last_success.with_label_values(&[what]),
            }),
            settings_pending: families.gauge(
                "config_settings_pending",
                "Settings that have changed in the file since the start and wait for a restart.",
            )?,
            config_hash: families.gauges(
                "config_hash_info",
                "The beginning of the SHA-256 of the configuration file that was accepted last.",
                &["sha256"],
            )?,
        })
    }

    pub(super) fn loaded(&self, what: Reload, at: SystemTime) {
        let handles = &self.each[what];
        handles.last_successful.set(1);
        handles.last_success.set(unix_seconds(at));
    }

    pub(super) fn reloaded(&self, what: Reload, ok: bool, at: SystemTime) {
        let handles = &self.each[what];
        if ok {
            handles.ok.inc();
            self.loaded(what, at);
        } else {
            handles.error.inc();
            handles.last_successful.set(0);
        }
    }

    pub(super) fn still_refused(&self, what: Reload) {
        self.each[what].last_successful.set(0);
    }

    pub(super) fn set_settings_pending(&self, count: usize) {
        self.settings_pending.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(super) fn set_config_hash(&self, sha256: &str) {
        let beginning: String = sha256.chars().take(16).collect();
        self.config_hash.reset();
        self.config_hash.with_label_values(&[&beginning]).set(1);
    }
}
