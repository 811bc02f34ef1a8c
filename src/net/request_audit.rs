//! What the metrics and the audit trail get of the decisions on one request.

use std::time::Instant;

use super::client::Client;
use super::context::ListenerContext;
use crate::model::acl::{Known, Operation, ResourceType};
use crate::model::advertise::Unmapped;
use crate::model::text::printable;
use crate::observability::audit::{Decided, Record, Request};
use crate::observability::metrics::MappingError;
use crate::protocol::access::{Checked, DecisionObserver};
use crate::protocol::api::Row;

/// Observes the decisions on one request: counts them, and makes the record for the audit trail.
pub struct RequestAudit<'a> {
    /// The listener.
    pub context: &'a ListenerContext,
    /// Who asks.
    pub client: &'a Client,
    /// What it calls itself.
    pub client_id: &'a str,
    /// Which API; `None` where nothing is decided.
    pub row: Option<&'static Row>,
    /// The request's version.
    pub version: i16,
    /// The request's correlation id.
    pub correlation_id: i32,
    /// What was observed so far.
    pub observed: &'a mut Observed,
    /// What the audit trail gets of it in the end.
    pub record: Option<Box<Record>>,
}

/// What the decisions on one request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observed {
    /// Something was denied.
    pub denied: bool,
    /// So many bytes are kept until it is answered.
    pub keeps: usize,
}

impl RequestAudit<'_> {
    /// What is known of a resource: from the ACLs, and of a topic from what the broker has told of.
    fn known(&self, checked: &Checked<'_>) -> Known {
        match checked.resource_type {
            ResourceType::Topic if self.context.upstream.cluster.load().topics.exists(checked.name) => {
                Known::ByName
            }
            // There is but one.
            ResourceType::Cluster => Known::ByName,
            kind => checked.view.known(kind, checked.name),
        }
    }
}

impl Drop for RequestAudit<'_> {
    /// However the request's judgement ends, what was decided till then is on record.
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.context.process.audit.record(*record);
        }
    }
}

impl DecisionObserver for RequestAudit<'_> {
    fn decided(&mut self, checked: &Checked<'_>) {
        let allowed = checked.decision.allowed;
        if !allowed && checked.silent {
            // Other silent ones only ask whether a way that needs fewer permissions is open.
            if let Some(row) = self.row
                && checked.operation == Operation::Describe
                && checked.resource_type != ResourceType::Cluster
            {
                self.context.process.metrics.api(row.key).filtered(checked.count as u64);
            }
            return;
        }
        self.observed.denied |= !allowed;
        self.context.process.metrics.authorization(
            allowed,
            checked.operation,
            checked.resource_type,
            checked.count as u64,
        );
        if !allowed {
            self.context.process.metrics.denied(&self.client.principal, checked.count as u64);
        }
        if !self.context.process.audit.wants(allowed) {
            return;
        }
        let known = match allowed {
            true => Known::Nothing,
            false => self.known(checked),
        };
        let record = self.record.get_or_insert_with(|| {
            Box::new(Record::new(Request {
                principal: self.client.principal.clone(),
                host: self.client.host.clone(),
                listener: self.context.name.clone(),
                client_id: (!self.client_id.is_empty()).then(|| self.client_id.into()),
                api: self.row.map_or("", |row| row.name),
                api_version: self.version,
                correlation_id: self.correlation_id,
            }))
        });
        record.add(&Decided {
            allowed,
            operation: checked.operation,
            resource_type: checked.resource_type,
            resource_name: checked.name,
            rule: &checked.decision.rule,
            count: u32::try_from(checked.count).unwrap_or(u32::MAX),
            known,
        });
    }

    fn keeps(&mut self, bytes: usize) {
        self.observed.keeps = self.observed.keeps.saturating_add(bytes);
    }

    fn unmapped(&mut self, node: i32, unmapped: &Unmapped) {
        let reason = match unmapped {
            Unmapped::Port(_) => MappingError::UnmappedPort,
            Unmapped::Node(_) | Unmapped::Undeclared(_) => MappingError::UnmappedNode,
        };
        self.context.process.metrics.address_mapping_error(reason);
        if let Some(more) = self.context.withheld.admit(node, Instant::now()) {
            tracing::warn!(
                listener = &*self.context.name,
                node,
                more,
                "a broker's address is withheld from clients: {}",
                printable(&unmapped.to_string())
            );
        }
    }
}
