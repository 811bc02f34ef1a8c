//! Lines of the libraries that doorkeeper is built with.
//!
//! Some of them say something for each connection, with words of whoever connects in it: the TLS library warns of a
//! server name that is none. Nobody outside may fill the log so. From each place in a library's source one line passes in
//! a while, printable and cut; it tells how many did not. What is written from `debug` on is there because somebody asked
//! for it and passes whole.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;

use super::{Lines, LogFormat};
use crate::model::text::{Rfc3339, printable};
use crate::observability::repeats::Repeats;

/// How often the same is said.
const SAID_AGAIN: Duration = Duration::from_secs(10);
/// Longest text that is kept, in bytes.
const MAX_TEXT: usize = 512;

/// Writes what libraries say, from time to time.
pub(super) struct Foreign {
    lines: Lines,
    format: LogFormat,
    said: Repeats<(Level, String, Option<u64>)>,
}

impl Foreign {
    pub(super) fn new(lines: Lines, format: LogFormat) -> Self {
        Self { lines, format, said: Repeats::new(SAID_AGAIN) }
    }

    fn line(&self, level: Level, target: &str, text: &str, unlogged: u64) -> String {
        let (time, text) = (Rfc3339(SystemTime::now()), printable(text).to_string());
        match self.format {
            LogFormat::Text => {
                let unlogged = if unlogged > 0 { format!(" unlogged={unlogged}") } else { String::new() };
                format!("{time} {level:>5} {target}: {text}{unlogged}\n")
            }
            LogFormat::Json => {
                let mut line = json!({
                    "timestamp": time.to_string(),
                    "level": level.as_str(),
                    "message": text,
                    "target": target,
                });
                if unlogged > 0 {
                    line["unlogged"] = unlogged.into();
                }
                format!("{line}\n")
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for Foreign {
    /// False for what is written here instead, or not at all.
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if is_own(metadata.target()) || *metadata.level() > Level::INFO {
            return true;
        }
        let mut said = Said::default();
        event.record(&mut said);
        let target = said.target.as_deref().unwrap_or(metadata.target());
        if is_own(target) {
            return true;
        }
        let place = said.place.or(metadata.line().map(u64::from));
        let key = (*metadata.level(), target.to_owned(), place);
        if let Some(unlogged) = self.said.admit(key, Instant::now()) {
            let line = self.line(*metadata.level(), target, &said.text.text, unlogged);
            // The queue takes it or counts it as lost.
            drop(self.lines.make_writer().write_all(line.as_bytes()));
        }
        false
    }
}

fn is_own(target: &str) -> bool {
    target.split("::").next() == Some(env!("CARGO_CRATE_NAME"))
}

/// What an event says.
#[derive(Default)]
struct Said {
    text: Cut,
    /// Where it is from, if it came by the `log` crate, which has one place in the source for all.
    target: Option<String>,
    place: Option<u64>,
}

impl Visit for Said {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "log.line" => self.place = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.target = Some(value.to_owned()),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // What does not fit is cut, which is the only thing that can fail here.
        let _ = match field.name() {
            "message" => write!(self.text, "{value:?}"),
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.text, " {name}={value:?}"),
        };
    }
}

/// A text of no more than [`MAX_TEXT`] bytes and a few dots.
#[derive(Default)]
struct Cut {
    text: String,
    is_full: bool,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.is_full {
            return Err(fmt::Error);
        }
        let room = MAX_TEXT - self.text.len();
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&at| more.is_char_boundary(at)).unwrap_or(0);
        self.text.push_str(&more[..end]);
        self.text.push_str("...");
        self.is_full = true;
        Err(fmt::Error)
    }
}
