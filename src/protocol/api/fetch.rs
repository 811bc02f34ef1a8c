//! placeholder

use super::{Api, Verdict};
use crate::protocol::access::Access;
use crate::protocol::messages::{FetchRequest, FetchResponse};
use crate::protocol::wire::Fault;

impl Api for FetchRequest {
    fn decide(&mut self, _access: &mut Access<'_>) -> Result<Verdict<FetchResponse>, Fault> {
        Ok(Verdict::Close("has no rule yet"))
    }
}
