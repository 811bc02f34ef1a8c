//! Logs and the audit trail of the process: both are lines on standard output, and neither ever holds up a
//! connection. Each has a bounded queue and a thread of its own that writes; what an output that stands still
//! does not take is lost, counted and told.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

mod foreign;

use foreign::Foreign;

pub use super::config::LogFormat;
use crate::model::text::Rfc3339;
use crate::observability::audit::{self, AuditLog};
use crate::observability::lossy::{self, Offering, Taking};
use crate::observability::metrics::Metrics;

/// Log lines that wait for the output at most.
const LOG_QUEUE: usize = 1024;
/// Audit events that wait for the output at most, if each takes as much as one may: 16 MB. Of usual ones there is room for
/// ten times as many.
const AUDIT_QUEUE: usize = 4096;
/// How long the end of the process waits for the last lines to be written.
const LAST_LINES: Duration = Duration::from_secs(2);
/// What is logged when nobody says.
const DEFAULT_LEVEL: &str = "info";
/// The variables that say it, the first one that is set: they win over the configuration.
const VARIABLES: [&str; 2] = ["DOORKEEPER_LOG", "RUST_LOG"];

/// What the configuration says of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The form of log lines.
    pub format: LogFormat,
    /// The level, or several as `info,doorkeeper::net=debug`.
    pub level: Option<String>,
    /// The form of audit lines.
    pub audit_format: audit::Format,
    /// Whether allowed requests are written to the audit trail too.
    pub audit_allowed: bool,
}

/// Logs cannot be set up.
#[derive(Debug)]
pub enum TelemetryError {
    /// The levels that are asked for cannot be read.
    Level {
        /// Where they are written: a variable, or the configuration.
        place: &'static str,
        /// What is written there.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another part of the process has set up logs before.
    AlreadySet,
    /// The system gives no thread to write with.
    Thread(io::Error),
}

impl fmt::Display for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Level { place, text, reason } => write!(
                f,
                "{place}: '{text}' is no log level: {reason}; give error, warn, info, debug, trace or off, or \
                 levels by module such as 'info,doorkeeper::net=debug'"
            ),
            Self::AlreadySet => f.write_str("logs are set up already; a process can do so once"),
            Self::Thread(error) => write!(f, "no thread can be started to write logs: {error}"),
        }
    }
}

impl std::error::Error for TelemetryError {}

/// Logs and audit trail, running. Keep it until the end of the process: dropping it waits for the last lines.
#[derive(Debug)]
pub struct Telemetry {
    audit: AuditLog,
    levels: Levels,
    lines: Offering<Vec<u8>>,
}

impl Telemetry {
    /// Where connections record their decisions.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// How the log's level is changed.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }
}

/// Changes what is logged while the process runs; cheap to clone.
#[derive(Clone)]
pub struct Levels(Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Levels").finish_non_exhaustive()
    }
}

impl Levels {
    /// Logs by this level from now on, unless a variable says another one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn set(&self, level: &str) -> Result<(), TelemetryError> {
        let filter = filter(Some(level), |name| std::env::var(name).ok())?;
        // Fails only when nothing is logged any more.
        drop((self.0)(filter));
        Ok(())
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let deadline = Instant::now() + LAST_LINES;
        while !(self.audit.is_idle() && self.lines.is_idle()) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Sets up logs for the whole process and starts the threads that write.
///
/// # Errors
/// See [`TelemetryError`].
pub fn start(options: &Options, metrics: &Arc<Metrics>) -> Result<Telemetry, TelemetryError> {
    let filter = filter(options.level.as_deref(), |name| std::env::var(name).ok())?;
    let colours =
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());

    let (lines, queued) = lossy::queue(LOG_QUEUE);
    let (audit, audit_writer) =
        AuditLog::new(AUDIT_QUEUE, options.audit_allowed, Arc::clone(metrics), SystemTime::now);
    let (format, audit_format, counted) = (options.format, options.audit_format, Arc::clone(metrics));
    spawn("log", move || write_lines(&queued, format, &counted, &mut io::stdout()))?;
    spawn("audit", move || audit_writer.run(audit_format, &mut io::stdout()))?;

    let output = Lines { queue: lines.clone(), metrics: Arc::clone(metrics) };
    let (subscriber, levels) = subscriber(options.format, filter, colours, output);
    subscriber.try_init().map_err(|_| TelemetryError::AlreadySet)?;
    Ok(Telemetry { audit, levels, lines })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), TelemetryError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(TelemetryError::Thread)
}

/// What is to be logged: by the first variable that is set, else the configuration.
fn filter(
    configured: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<EnvFilter, TelemetryError> {
    let from_variable = |place: &'static str| {
        variable(place).filter(|text| !text.trim().is_empty()).map(|text| (place, text))
    };
    let configured = || configured.map(|text| ("log level in the configuration", text.to_owned()));
    let (place, text) = VARIABLES
        .into_iter()
        .find_map(from_variable)
        .or_else(configured)
        .unwrap_or(("default", DEFAULT_LEVEL.to_owned()));

    let wrong = |reason: String| TelemetryError::Level { place, text: text.clone(), reason };
    // `EnvFilter` takes a misspelt level for a module to trace, and everything else falls silent. In RUST_LOG,
    // which other programs share, a lone module is meant.
    if place != "RUST_LOG"
        && !text.contains('[')
        && let Some(unknown) =
            directives(&text).map(level).find(|level| level.parse::<LevelFilter>().is_err())
    {
        return Err(wrong(format!("'{unknown}' is not known")));
    }
    EnvFilter::try_new(directives(&text).collect::<Vec<_>>().join(","))
        .map_err(|error| wrong(error.to_string()))
}

fn directives(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

/// What stands in the place of the level.
fn level(directive: &str) -> &str {
    directive.rsplit_once('=').map_or(directive, |(_, level)| level)
}

fn subscriber(
    format: LogFormat,
    filter: EnvFilter,
    colours: bool,
    lines: Lines,
) -> (Box<dyn Subscriber + Send + Sync>, Levels) {
    let foreign = Foreign::new(lines.clone(), format);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(lines);
    match format {
        LogFormat::Text => {
            let builder = builder.with_filter_reloading();
            let levels = builder.reload_handle();
            (Box::new(builder.finish().with(foreign)), Levels(Arc::new(move |filter| levels.reload(filter))))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_current_span(true).with_span_list(false);
            let builder = builder.with_filter_reloading();
            let levels = builder.reload_handle();
            (Box::new(builder.finish().with(foreign)), Levels(Arc::new(move |filter| levels.reload(filter))))
        }
    }
}

/// Where the log's lines go: into the queue, each as one item.
#[derive(Clone)]
struct Lines {
    queue: Offering<Vec<u8>>,
    metrics: Arc<Metrics>,
}

struct Line<'a>(&'a Lines);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

impl Write for Line<'_> {
    /// Takes a whole line, as the formatter hands it over.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !self.0.queue.offer(line.to_vec()) {
            self.0.metrics.log_lines_dropped().inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes queued lines until nobody is left to log, and tells of losses.
fn write_lines(lines: &Taking<Vec<u8>>, format: LogFormat, metrics: &Metrics, out: &mut dyn Write) {
    while let Some(line) = lines.next() {
        let lost = lines.lost();
        let loss = if lost > 0 { loss_line(lost, SystemTime::now(), format) } else { String::new() };
        let written =
            out.write_all(loss.as_bytes()).and_then(|()| out.write_all(&line)).and_then(|()| out.flush());
        if written.is_err() {
            metrics.log_lines_dropped().inc();
        }
    }
}

fn loss_line(lost: u64, time: SystemTime, format: LogFormat) -> String {
    let message =
        format!("{lost} log lines were lost: the queue was full because the output does not keep up");
    let (time, target) = (Rfc3339(time), module_path!());
    match format {
        LogFormat::Text => format!("{time}  WARN {target}: {message}\n"),
        LogFormat::Json => {
            format!(
                "{{\"timestamp\":\"{time}\",\"level\":\"WARN\",\"message\":\"{message}\",\"target\":\"{target}\"}}\n"
            )
        }
    }
}

/// What keeps the process from starting, as a line of the log that is not there yet.
pub fn failure_line(message: &str, format: LogFormat, time: SystemTime) -> String {
    match format {
        LogFormat::Text => format!("{message}\n"),
        LogFormat::Json => {
            let line = serde_json::json!({
                "timestamp": Rfc3339(time).to_string(),
                "level": "ERROR",
                "message": message,
                "target": "doorkeeper",
            });
            format!("{line}\n")
        }
    }
}

#[cfg(test)]
mod tests;
