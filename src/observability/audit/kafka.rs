//! Events as lines like those of Kafka's own log.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use super::losses::{Account, Lost};
use super::{Event, Sum, operation_name, resource_type_name};
use crate::model::text::{QuotedNames, Rfc3339, printable};

/// As Kafka's `StandardAuthorizerData.buildAuditMessage` words it.
pub(super) fn write(event: &Event, out: &mut dyn Write) -> io::Result<()> {
    let request = &event.request;
    write!(
        out,
        "Principal = {} is {} operation = {} from host = {} on resource = {}:LITERAL:{} for request = {} \
         with resourceRefCount = {} based on rule {}",
        printable(&request.principal),
        outcome(event.allowed),
        operation_name(event.operation),
        printable(&request.host),
        resource_type_name(event.resource_type),
        printable(&event.resource_name),
        request.api,
        event.count,
        printable(&event.rule),
    )
}

/// The same of decisions that have no lines of their own. Names are in quotation marks here: one with a comma must not
/// look like two.
pub(super) fn write_sum(sum: &Sum, out: &mut dyn Write) -> io::Result<()> {
    let request = &sum.request;
    let kind = resource_type_name(sum.resource_type);
    write!(
        out,
        "Principal = {} is {} operation = {} from host = {} on {} more resources = {kind}:LITERAL for request = {} \
         with correlationId = {} and resourceRefCount = {} based on rule {}",
        printable(&request.principal),
        outcome(sum.allowed),
        operation_name(sum.operation),
        printable(&request.host),
        sum.decisions,
        request.api,
        request.correlation_id,
        sum.count,
        printable(&sum.rule),
    )?;
    if !sum.allowed {
        write!(out, "; known are {} of them", sum.known)?;
    }
    write!(out, "; the first: {}", QuotedNames(&sum.first))?;
    if !sum.last.is_empty() {
        write!(out, "; the last: {}", QuotedNames(&sum.last))?;
    }
    Ok(())
}

/// What is said of a principal's events that were lost; of those for whom there was no account left where it is `None`.
pub(super) fn loss(principal: Option<&Arc<str>>, account: &Account) -> String {
    let whose = match principal {
        Some(principal) => format!("principal {}", printable(principal)),
        None => "further principals".to_owned(),
    };
    let Account { from, to, denied, allowed, telling, first } = account;
    let mut message = format!(
        "{} audit events were lost: the queue was full because the output does not keep up: {denied} denials and \
         {allowed} permissions of {whose} between {} and {}",
        denied + allowed,
        Rfc3339(*from),
        Rfc3339(*to)
    );
    for (which, lost) in [("denied on known resources", telling), ("the first denied on others", first)] {
        if !lost.is_empty() {
            message += &format!("; {which}: {}", Listed(lost));
        }
    }
    message
}

struct Listed<'a>(&'a [Lost]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, lost) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            let (operation, kind) = (operation_name(lost.operation), resource_type_name(lost.resource_type));
            let name = QuotedNames([&lost.name]);
            write!(f, "{separator}{operation} {kind}:LITERAL:{name} ({})", lost.api)?;
        }
        Ok(())
    }
}

fn outcome(allowed: bool) -> &'static str {
    if allowed { "Allowed" } else { "Denied" }
}
