//! Decisions, held against Kafka's own StandardAuthorizer: `tests/data/acl-decisions.tsv`, made by
//! `tests/tools/AclDecisions.java`.

use std::net::IpAddr;

use doorkeeper::model::acl::{
    Authorizer, Binding, Decision, Operation, PatternType, Permission, ResourceType, Rule, Settings,
    host_text,
};

const TABLE: &str = include_str!("../data/acl-decisions.tsv");

/// Networks that Kafka takes and doorkeeper does not.
const REFUSED_NETWORKS: [(&str, &str); 1] = [("::/\u{661}", "a prefix length in Arabic digits")];

fn rows(kind: &str) -> impl Iterator<Item = Vec<&'static str>> {
    TABLE.lines().map(|line| line.split('\t').collect::<Vec<_>>()).filter(move |row| row[0] == kind)
}

fn text(json: &str) -> String {
    serde_json::from_str(json).unwrap()
}

#[test]
fn every_decision_is_kafkas() {
    let (mut bindings, mut written) = (Vec::new(), Vec::new());
    let mut authorizer = Authorizer::new(Vec::new(), Settings::default());
    let mut last: Option<Rule> = None;
    let mut counts = [0; 3];
    for row in TABLE.lines().map(|line| line.split('\t').collect::<Vec<_>>()) {
        match row[..] {
            ["acl", resource_type, name, pattern, principal, host, operation, permission] => {
                bindings.push(Binding {
                    resource_type: resource_type.parse().unwrap(),
                    resource_name: text(name),
                    pattern_type: pattern.parse().unwrap(),
                    principal: text(principal),
                    host: text(host),
                    operation: operation.parse().unwrap(),
                    permission: permission.parse().unwrap(),
                });
            }
            ["scenario", super_users, open] => {
                let settings = Settings {
                    super_users: text(super_users).split(';').map(str::to_owned).collect(),
                    allow_everyone_if_no_acl_found: open == "true",
                    cidr_hosts: true,
                    reserved_topic: None,
                };
                written = std::mem::take(&mut bindings);
                authorizer = Authorizer::new(written.clone(), settings);
            }
            ["ask", principal, address, operation, resource_type, name, kafka] => {
                counts[0] += 1;
                let (operation, resource_type): (Operation, ResourceType) =
                    (operation.parse().unwrap(), resource_type.parse().unwrap());
                let client = authorizer.client(&text(principal), address.parse().unwrap());
                let Decision { allowed, rule } = client.decide(operation, resource_type, &text(name));
                let told = match &rule {
                    Rule::Binding(binding) => {
                        written.iter().position(|written| *written == **binding).unwrap().to_string()
                    }
                    other => other.to_string(),
                };
                assert_eq!(told, kafka, "{row:?} of {written:#?}");
                let says = match &rule {
                    Rule::SuperUser => true,
                    Rule::Binding(binding) => binding.permission == Permission::Allow,
                    Rule::NoAclFound(allowed) => *allowed,
                    Rule::DefaultDeny | Rule::ReservedTopic => false,
                };
                assert_eq!(allowed, says);
                assert_eq!(client.allows(operation, resource_type, &text(name)), allowed);
                last = Some(rule);
            }
            ["text", kafka] => {
                counts[1] += 1;
                assert_eq!(last.take().unwrap().to_string(), text(kafka));
            }
            ["any", principal, address, operation, resource_type, kafka] => {
                counts[2] += 1;
                let client = authorizer.client(&text(principal), address.parse().unwrap());
                let decision = client
                    .decide_by_resource_type(operation.parse().unwrap(), resource_type.parse().unwrap());
                assert_eq!(decision.allowed, kafka == "ALLOWED", "{row:?} of {written:#?}");
            }
            _ => {}
        }
    }
    assert!(counts[0] > 2000 && counts[1] > 100 && counts[2] > 700, "{counts:?}");
}

#[test]
fn every_network_is_kafkas() {
    let addresses: Vec<IpAddr> =
        rows("addresses").next().unwrap()[1..].iter().map(|address| address.parse().unwrap()).collect();
    let mut refused = Vec::new();
    for row in rows("network") {
        let [_, host, kafka, valid] = row[..] else { panic!("{row:?}") };
        let binding = Binding {
            resource_type: ResourceType::Topic,
            resource_name: "t".to_owned(),
            pattern_type: PatternType::Literal,
            principal: "User:a".to_owned(),
            host: text(host),
            operation: Operation::Read,
            permission: Permission::Allow,
        };
        let checked = binding.check();
        if checked.is_err() && valid == "valid" {
            refused.push(text(host));
            continue;
        }
        assert_eq!(checked.is_ok(), valid == "valid", "{host}: {checked:?}");
        for (cidr_hosts, expected) in [(true, kafka.to_owned()), (false, "0".repeat(addresses.len()))] {
            let settings = Settings { cidr_hosts, ..Settings::default() };
            let authorizer = Authorizer::new(vec![binding.clone()], settings);
            let ours: String = addresses
                .iter()
                .map(|&address| {
                    authorizer.client("User:a", address).allows(Operation::Read, ResourceType::Topic, "t")
                })
                .map(|allowed| if allowed { '1' } else { '0' })
                .collect();
            assert_eq!(ours, expected, "{host} with cidr_hosts {cidr_hosts}");
        }
    }
    assert_eq!(refused, REFUSED_NETWORKS.map(|(host, _)| host));
}

#[test]
fn addresses_are_written_as_in_java() {
    for row in rows("ask").filter(|row| row[2].contains(':')) {
        assert_eq!(host_text(row[2].parse().unwrap()), row[2]);
    }
}
