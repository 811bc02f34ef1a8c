//! What the program tells of itself: metrics, health, the audit trail, and log lines that nobody can make too many of.
//! Records and numbers only: who writes or serves them is in `process`.

pub mod audit;
pub mod health;
pub mod lossy;
pub mod metrics;
pub mod repeats;
