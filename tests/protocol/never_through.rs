//! Nothing goes through without a right: everything that reaches the broker, and everything that comes back to the client,
//! of random requests under random ACLs that change all the time, is judged by rules that are not doorkeeper's.
//!
//! A run is made of houses: a cluster with names that nobody guesses, a few clients, a random broker release. Each has a
//! seed of its own, which a failure names. `DOORKEEPER_NEVER_THROUGH=1000000` asks for so many requests (`make
//! never-through`), `DOORKEEPER_NEVER_THROUGH_SEED=17` for the house with that seed alone.

mod broker;
mod dice;
mod foreign;
mod house;
mod played;
mod records;
mod requests;
mod rules;
mod seeds;
mod seen;
mod sessions;
#[allow(unreachable_pub, reason = "a library has them where a fuzzer runs them")]
#[path = "../../fuzz/src/targets.rs"]
pub mod targets;
mod tree;
mod versions;
mod world;

use std::collections::BTreeMap;

use dice::Dice;
use played::House;
use requests::Remembered;
use rules::Case;
use sessions::Sessions;
use world::{ALICE, World};

/// How many requests are sent without being asked for more.
const REQUESTS: usize = 20_000;
/// How many of them in one house.
const IN_A_HOUSE: usize = 200;

#[test]
fn nothing_goes_through_without_a_right() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (first, houses) = match number("DOORKEEPER_NEVER_THROUGH_SEED") {
        Some(seed) => (seed, 1),
        None => {
            let requests = number("DOORKEEPER_NEVER_THROUGH").map_or(REQUESTS, |n| n as usize);
            (1, requests.div_ceil(IN_A_HOUSE) as u64)
        }
    };
    let (mut reached, mut found) = (BTreeMap::new(), BTreeMap::new());
    for seed in first..first + houses {
        let mut house = House::new(Dice::seeded(seed));
        let outcome = house.live(IN_A_HOUSE);
        for why in house.found().iter().cloned().chain(outcome.err()) {
            // One of each kind will do.
            let kind = why.split(" v").next().unwrap_or_default().to_owned();
            let (count, _) =
                found.entry(kind).or_insert((0, format!("DOORKEEPER_NEVER_THROUGH_SEED={seed}: {why}")));
            *count += 1;
        }
        for (api, count) in house.reached() {
            *reached.entry(api).or_insert(0) += count;
        }
    }
    for (kind, (count, example)) in &found {
        println!("{kind}, {count} times; {example}\n");
    }
    assert!(found.is_empty(), "{} kinds of requests and answers went through, see above", found.len());
    println!("{} houses; reached the broker: {reached:?}", houses);
}

/// The APIs of which a client without any right may have every request passed on.
const OPEN: &[&str] = &[
    "ListGroups",
    "ApiVersions",
    "DescribeCluster",
    "ListTransactions",
    "GetTelemetrySubscriptions",
    "PushTelemetry",
];

/// The judge is not blind: of every API, in every version, it refuses something to whoever may do nothing.
#[test]
fn without_any_right_something_of_every_api_is_judged_to_be_too_much() {
    let mut dice = Dice::seeded(3);
    let world = World::new(&mut dice);
    world.acls.set(Vec::new());
    let rights = world.rights(ALICE, [10, 0, 0, 7].into()).closed();
    for layout in crate::support::layouts::layouts().iter().filter(|layout| layout.is_request) {
        for version in layout.versions.clone() {
            let refuses = (0..200).any(|_| {
                let mut remembered = Remembered::default();
                let body = requests::request(layout, version, &world, &mut remembered, &mut dice);
                let session = Sessions::default().fetch(version, &body, true).topics(&world);
                let case = Case {
                    world: &world,
                    rights: &rights,
                    version,
                    body: &body,
                    session: &session,
                    auto_create: true,
                };
                rules::judge(layout.api, false, &case).is_err()
            });
            assert_eq!(refuses, !OPEN.contains(&layout.api), "{} v{version}", layout.api);
        }
    }
}
