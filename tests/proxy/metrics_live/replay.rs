//! Every API in every version goes through doorkeeper, allowed, denied, cut short and in versions that nobody has: what that
//! leaves in the metrics is bounded.

use doorkeeper::protocol::api::{Row, Rule, TABLE};
use doorkeeper::protocol::header;
use doorkeeper::protocol::messages::{ApiVersionsRequest, DescribeConfigsRequest, MetadataRequest};
use doorkeeper::protocol::wire::Message;
use tokio::io::AsyncWriteExt;

use crate::metrics::exposition;
use crate::metrics::promtool;
use crate::rig::broker::{Act, Broker, Seen};
use crate::rig::client::{Client, with_length};
use crate::rig::door::{Door, Setup};
use crate::support::filled::{Filling, filled};
use crate::support::layouts::{Layout, layouts};

/// What one sidecar may cost a Prometheus server.
const BUDGET: usize = 2_000;

/// A doorkeeper through which everything has gone once. The broker must live as long.
pub(crate) async fn replayed() -> (Door, Broker) {
    let broker = Broker::hearing_all(answer).await;
    let door = Setup::new(broker.address).start().await;
    for principal in ["admin", "bob"] {
        let mut client = None;
        for row in TABLE {
            for version in versions(row) {
                let body = layout(row.key, version, true)
                    .map(|layout| filled(layout, version, &Filling::default()))
                    .unwrap_or_default();
                for cut in [0, body.len() / 2] {
                    let frame = request(row, version, &body[..body.len() - cut]);
                    // An answer, or the end: a cut request, a version that is not served, a denial without an answer.
                    if exchange(&door, &mut client, principal, &frame).await.is_none() {
                        client = None;
                    }
                }
            }
        }
        for key in [-1, 95, 500, i16::MAX] {
            let mut frame = vec![0; 4];
            header::write_request(key, 0, 1, "replay", false, &mut frame);
            assert!(exchange(&door, &mut None, principal, &with_length(frame)).await.is_none());
        }
    }
    (door, broker)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sidecar_stays_within_its_budget_after_every_api() {
    let (door, _broker) = replayed().await;
    let scrape = door.metrics.encode().unwrap();
    let families = exposition::parse(&scrape).unwrap();
    assert_eq!(exposition::lint(&families), Vec::<String>::new());
    let series = exposition::series(&families);
    println!("{series} series in {} families, {} bytes", families.len(), scrape.len());
    assert!(series <= BUDGET, "{series} series");

    let requests = &families["doorkeeper_requests_total"];
    for row in TABLE {
        let seen = requests.samples.iter().filter(|sample| sample.labels["api"] == row.name);
        assert!(seen.map(|sample| sample.value).sum::<f64>() > 0.0, "{} was not seen", row.name);
    }
    if let Some(said) = promtool::run(&["check", "metrics"], Some(&scrape)) {
        said.unwrap_or_else(|said| panic!("{said}"));
    }
    door.assert_sound();
}

/// Those of the row, and one on either side.
fn versions(row: &Row) -> std::ops::RangeInclusive<i16> {
    row.versions.start().saturating_sub(1).max(0)..=row.versions.end().saturating_add(1)
}

fn layout(key: i16, version: i16, is_request: bool) -> Option<&'static Layout> {
    layouts().iter().find(|layout| {
        layout.key == key && layout.is_request == is_request && layout.versions.contains(&version)
    })
}

fn request(row: &Row, version: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 4];
    header::write_request(row.key, version, 1, "replay", row.is_flexible(version), &mut frame);
    frame.extend_from_slice(body);
    with_length(frame)
}

/// Sends a request on a connection, a new one if there is none, and waits for an answer or the end.
async fn exchange(
    door: &Door,
    client: &mut Option<Client>,
    principal: &str,
    frame: &[u8],
) -> Option<Vec<u8>> {
    if client.is_none() {
        *client = Some(Client::connect(door.address, principal).await);
    }
    let client = client.as_mut()?;
    client.tls.write_all(frame).await.ok()?;
    client.tls.flush().await.ok()?;
    client.receive().await.ok()
}

/// A broker that has an answer to everything.
fn answer(seen: &Seen) -> Act {
    let own = [ApiVersionsRequest::KEY, MetadataRequest::KEY, DescribeConfigsRequest::KEY];
    if seen.is_own() && own.contains(&seen.key) {
        return Act::Usual;
    }
    let decided = Row::find(seen.key).is_some_and(|row| matches!(row.rule, Rule::Decided(_)));
    assert!(decided, "API {} reached the broker", seen.key);
    let layout = layout(seen.key, seen.version, false).expect("a response of the version");
    Act::bytes(seen.answer(&filled(layout, seen.version, &Filling::default())))
}
