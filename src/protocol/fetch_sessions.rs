//! placeholder

/// The fetch sessions of one connection.
#[derive(Default)]
pub struct FetchSessions {}
