//! What a decision costs with 10,000 bindings, laid out in several ways: `cargo bench --bench acl`.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use doorkeeper::model::acl::{
    Authorizer, Binding, Operation, PatternType, Permission, ResourceType, Settings,
};

const BINDINGS: usize = 10_000;
const CLIENT: &str = "User:team-7";
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

fn main() {
    println!("{BINDINGS} bindings; nanoseconds, the best of 20 rounds");
    println!(
        "{:<44} {:>9} {:>7} {:>9} {:>9} {:>9} {:>9}",
        "layout", "index", "view", "decide", "allows", "denied", "mask"
    );
    layout("500 principals with 20 bindings each", |at| {
        let team = at % 500;
        binding(
            &format!("User:team-{team}"),
            &format!("team-{team}.orders-{}", at / 500),
            PatternType::Literal,
        )
    });
    layout("one principal, literal names", |at| {
        binding(CLIENT, &format!("team-7.orders-{at}"), PatternType::Literal)
    });
    layout("one principal, prefixes", |at| {
        binding(CLIENT, &format!("team-7.orders-{at}"), PatternType::Prefixed)
    });
    layout("everybody, prefixes", |at| {
        binding("User:*", &format!("team-7.orders-{at}"), PatternType::Prefixed)
    });
    layout("one principal, prefixes 240 deep", |at| {
        let name: String = "team-7.orders-11".chars().chain(std::iter::repeat_n('x', at % 224)).collect();
        binding(
            CLIENT,
            &format!("{name}{}", if at < 224 { String::new() } else { at.to_string() }),
            PatternType::Prefixed,
        )
    });
    layout("one topic, hosts", |at| {
        let host = Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(at).unwrap_or_default()).to_string();
        Binding { host, ..binding(CLIENT, "team-7.orders-11", PatternType::Literal) }
    });
    layout("one topic, networks", |at| {
        let host = format!("10.{}.{}.0/{}", at >> 8, at & 0xff, 20 + at % 5);
        Binding { host, ..binding(CLIENT, "team-7.orders-11", PatternType::Literal) }
    });
    by_resource_type();
}

fn binding(principal: &str, name: &str, pattern_type: PatternType) -> Binding {
    Binding {
        resource_type: ResourceType::Topic,
        resource_name: name.to_owned(),
        pattern_type,
        principal: principal.to_owned(),
        host: "*".to_owned(),
        operation: Operation::Read,
        permission: Permission::Allow,
    }
}

fn layout(label: &str, binding: impl Fn(usize) -> Binding) {
    let bindings: Vec<_> = (0..BINDINGS).map(binding).collect();
    let start = Instant::now();
    let authorizer = Authorizer::new(bindings, Settings::default());
    let index = start.elapsed();
    let client = authorizer.client(CLIENT, ADDRESS);
    let deep = format!("team-7.orders-11{}", "x".repeat(224));
    let name = if label.contains("deep") { deep.as_str() } else { "team-7.orders-11" };
    let topic = ResourceType::Topic;
    println!(
        "{label:<44} {:>6} ms {:>7} {:>9} {:>9} {:>9} {:>9}",
        index.as_millis(),
        each(|| authorizer.client(black_box(CLIENT), ADDRESS)),
        each(|| client.decide(Operation::Read, topic, black_box(name))),
        each(|| client.allows(Operation::Read, topic, black_box(name))),
        each(|| client.decide(Operation::Write, topic, black_box("team-8.secret"))),
        each(|| client.allowed_operations(topic, black_box(name))),
    );
    assert!(client.allows(Operation::Read, topic, name), "{label} grants what is asked");
}

/// The worst case of the question "may this client write to any topic at all?": every permission is denied by name.
fn by_resource_type() {
    let bindings = (0..BINDINGS).map(|at| Binding {
        permission: if at % 2 == 0 { Permission::Allow } else { Permission::Deny },
        ..binding(CLIENT, &format!("topic-{}", at / 2), PatternType::Literal)
    });
    let client = Authorizer::new(bindings.collect(), Settings::default()).client(CLIENT, ADDRESS);
    let nanoseconds = each(|| client.decide_by_resource_type(Operation::Read, ResourceType::Topic));
    println!("any topic, with every permission denied by name: {nanoseconds}");
}

/// Nanoseconds of one call.
fn each<T>(call: impl Fn() -> T) -> u128 {
    let round = |calls: u32| {
        let start = Instant::now();
        (0..calls).for_each(|_| drop(black_box(call())));
        start.elapsed() / calls
    };
    let calls =
        u32::try_from(Duration::from_millis(5).as_nanos() / round(10).as_nanos().max(1)).unwrap_or(1).max(1);
    (0..20).map(|_| round(calls)).min().unwrap_or_default().as_nanos()
}
