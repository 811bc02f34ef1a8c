//! Whether what clients are told for a broker leads back here: for the broker behind a sidecar, or for every broker of a
//! gateway. What is found is a warning unless the configuration says otherwise: clients may see another network than
//! doorkeeper does. And whether the broker behind a sidecar reaches itself ([`super::itself`]).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::itself::{self, is_loopback};
use super::table::{AddressTable, Row, in_a_line};
use super::tls_probe::{Answer, Found, probe_tls};
use crate::model::advertise::Destination;
use crate::net::cluster_metadata::{ClusterMetadata, describe_cluster};
use crate::net::context::ListenerContext;
use crate::observability::health::Health;
use crate::observability::metrics::Check;
use crate::process::config::Reaction;
use crate::process::findings;
use crate::process::identity::IdentityStore;

/// How often it is looked when all is well.
const INTERVAL: Duration = Duration::from_secs(60);
/// The first pause when something is not, and longer each time: who has just started may not be all there.
const AGAIN: Duration = Duration::from_secs(5);

/// Asks from time to time which brokers there are, keeps the table of what clients are told for them, and looks whether
/// that leads back here.
pub(in crate::process) async fn watch_addresses(
    context: Arc<ListenerContext>,
    identity: Arc<IdentityStore>,
    table: AddressTable,
    reaction: Reaction,
    health: Health,
) {
    let (mut told_before, mut warned_before) = (String::new(), None);
    let mut again = AGAIN;
    let show = |finding| findings::show(&health, Check::Addresses, &context.name, reaction, finding);
    loop {
        // Whether the broker answers at all, the watcher of the upstream says.
        let Ok(cluster) = describe_cluster(&context.upstream).await else {
            sleep(AGAIN).await;
            continue;
        };
        let mut rows = rows(&context, &cluster);
        let told = in_a_line(&rows);
        if told != told_before {
            tracing::info!(listener = &*context.name, "addresses that clients are told: {told}");
            told_before = told;
        }
        // Until there is something better to show.
        table.set(&context.name, rows.clone());
        let checked = check(&context, &identity, cluster.own, &mut rows).await;
        let wrong = [warning(&rows), itself::fault(&context, &cluster).await];
        let warning = wrong.into_iter().flatten().reduce(|first, second| format!("{first}; {second}"));
        let complete = checked && warning.is_none();
        table.set(&context.name, rows);
        match &warning {
            Some(warning) if warned_before.as_ref() != Some(warning) => {
                tracing::warn!(listener = &*context.name, "{warning}");
            }
            None if warned_before.is_some() => {
                tracing::info!(
                    listener = &*context.name,
                    "the addresses that clients are told lead back here now"
                );
            }
            _ => {}
        }
        show(
            match (&warning, checked || !context.self_check.is_enabled() || context.advertised.is_gateway()) {
                (None, false) => {
                    Some(format!("{}: the broker does not say which node it is", findings::NOT_YET))
                }
                _ => warning.clone(),
            },
        );
        if checked {
            context.process.metrics.address_self_check(&context.name, warning.is_none());
        }
        warned_before = warning;
        let pause = if complete || !context.self_check.is_enabled() { INTERVAL } else { again };
        again = if complete { AGAIN } else { (again * 2).min(INTERVAL) };
        sleep(pause).await;
    }
}

/// What clients are told for each broker that there is, or that is declared.
fn rows(context: &ListenerContext, cluster: &ClusterMetadata) -> Vec<Row> {
    let mut brokers: BTreeMap<i32, _> =
        cluster.nodes.iter().map(|(node, address)| (*node, Some(address.clone()))).collect();
    for (node, configured) in context.upstream.brokers.nodes() {
        let broker = brokers.entry(node).or_default();
        *broker = configured.or(broker.take());
    }
    let row = |(node, broker): (i32, Option<(String, u16)>)| {
        let (host, port) = broker.as_ref().map_or(("", 0), |(host, port)| (host.as_str(), *port));
        let told = context.advertised.address(node, host, port.into());
        let told = told.map(|(host, port)| (host.to_owned(), port)).map_err(|unmapped| unmapped.to_string());
        Row { node, told, broker, check: None }
    };
    brokers.into_iter().map(row).collect()
}

/// Looks at the addresses that should lead here; whether there were any.
async fn check(
    context: &ListenerContext,
    identity: &IdentityStore,
    own: Option<i32>,
    rows: &mut [Row],
) -> bool {
    if !context.self_check.is_enabled() {
        return false;
    }
    let fingerprint = identity.certificates().first().map(|facts| facts.sha256.clone()).unwrap_or_default();
    let gateway = context.advertised.is_gateway();
    let mut checked = false;
    for row in rows.iter_mut() {
        let outcome = match &row.told {
            // The brokers of a cluster that a gateway does not stand before are withheld on purpose.
            Err(_) if gateway => continue,
            _ if !gateway && own != Some(row.node) => continue,
            Err(withheld) => Err(format!("it is withheld: {withheld}")),
            Ok((host, _)) if !gateway && leads_clients_to_themselves(context, host) => {
                Err(format!("it is loopback, which leads every client to itself: {}", loopback_from(context)))
            }
            Ok((host, port)) => {
                let port = u16::try_from(*port).unwrap_or_default();
                let answer = probe_tls(&context.self_check, (host, port), &fingerprint).await;
                judged(&answer, gateway.then_some(row.node), host)
            }
        };
        row.check = Some(outcome);
        checked = true;
    }
    checked
}

/// Whether clients come from elsewhere and are told loopback.
fn leads_clients_to_themselves(context: &ListenerContext, host: &str) -> bool {
    context.serves_others && is_loopback(host)
}

/// Where such an address comes from.
fn loopback_from(context: &ListenerContext) -> &'static str {
    match context.advertised.keeps_host() {
        true => {
            "the broker advertises it, as it does when it is bound to loopback and has no advertised.listeners; set \
             advertised.listeners at the broker to the name by which clients reach this host"
        }
        false => "address_mapping says so; name this host as clients do",
    }
}

/// What is wrong with what was found at an address; `node` is the broker that a gateway should lead to.
fn judged(answer: &Answer, node: Option<i32>, host: &str) -> Result<(), String> {
    match (&answer.found, node) {
        (Found::Ourselves(Destination::Node(other)), Some(node)) if *other != node => {
            Err(format!("it leads to doorkeeper's port for node {other}"))
        }
        (Found::Ourselves(Destination::Any), Some(_)) => {
            Err("it leads to doorkeeper's port for any broker".into())
        }
        // A gateway may consist of several that share the work.
        (Found::Ourselves(_), _) | (Found::Twin, Some(_)) if answer.fits => Ok(()),
        (Found::Ourselves(_), _) | (Found::Twin, Some(_)) => {
            Err(format!("the certificate there is not for {host}: clients that verify host names refuse it"))
        }
        (Found::Twin, None) => Err("it leads to another doorkeeper with the same certificate".into()),
        (Found::Stranger, _) => Err("it leads to somebody with another certificate".into()),
        (Found::Nobody(why), _) => Err(format!("nobody who speaks TLS is there: {why}")),
    }
}

/// The first thing that is wrong, and how many more are.
fn warning(rows: &[Row]) -> Option<String> {
    let mut wrong = rows.iter().filter_map(|row| Some((row, row.check.as_ref()?.as_ref().err()?)));
    let (row, why) = wrong.next()?;
    let more = match wrong.count() {
        0 => String::new(),
        more => format!(" (and {more} more, on the admin page /addresses)"),
    };
    let address = match &row.told {
        Ok((host, port)) => format!(" {host}:{port}"),
        Err(_) => String::new(),
    };
    Some(format!(
        "the address{address} that clients are told for node {} does not lead back here: {why}{more}",
        row.node
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sidecar_must_be_itself_and_a_gateway_one_of_several() {
        let judge = |found: Found, node| judged(&Answer { found, fits: true }, node, "k");
        assert_eq!(judge(Found::Ourselves(Destination::Any), None), Ok(()));
        assert!(judge(Found::Twin, None).is_err());
        assert_eq!(judge(Found::Ourselves(Destination::Node(1)), Some(1)), Ok(()));
        assert_eq!(judge(Found::Twin, Some(1)), Ok(()));
        for found in
            [Found::Ourselves(Destination::Node(2)), Found::Ourselves(Destination::Any), Found::Stranger]
        {
            assert!(judge(found, Some(1)).is_err());
        }
        for (found, node) in [(Found::Ourselves(Destination::Any), None), (Found::Twin, Some(1))] {
            let misfit = judged(&Answer { found, fits: false }, node, "k").unwrap_err();
            assert_eq!(
                misfit,
                "the certificate there is not for k: clients that verify host names refuse it"
            );
        }
    }

    #[test]
    fn the_first_fault_is_told_and_the_others_are_counted() {
        let row =
            |node, check| Row { node, broker: None, told: Ok(("k".into(), 9200 + node)), check: Some(check) };
        assert_eq!(warning(&[row(0, Ok(())), Row { check: None, ..row(1, Ok(())) }]), None);
        let wrong = [row(0, Ok(())), row(1, Err("a".into())), row(2, Err("b".into()))];
        assert_eq!(
            warning(&wrong).unwrap(),
            "the address k:9201 that clients are told for node 1 does not lead back here: a (and 1 more, on the admin page /addresses)"
        );
    }
}
