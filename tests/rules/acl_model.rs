//! The indexed authorizer against a plain transcription of the rule, on random bindings of few words.

use std::net::IpAddr;

use doorkeeper::model::acl::{
    Authorizer, Binding, Operation, PatternType, Permission, ResourceType, Rule, Settings,
};
use proptest::prelude::*;

use crate::support::acl_rule::{Model, covers};

fn resource_type() -> impl Strategy<Value = ResourceType> {
    prop_oneof![6 => Just(ResourceType::Topic), 1 => Just(ResourceType::Group)]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => Just(Operation::All),
        4 => Just(Operation::Read),
        4 => Just(Operation::Describe),
        1 => prop::sample::select(Operation::ALL),
    ]
}

/// Few letters, so that names are often prefixes of each other; characters around the asterisk; more than one byte.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab]{0,4}", 1 => Just("*".to_owned()), 1 => "[a*$é~]{1,3}", 1 => Just("hardcode".to_owned()), 1 => "ha?r?"]
}

fn principal() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["User:a", "User:a", "User:b", "User:*", "Group:*", "User:"][..])
}

fn host() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "*",
            "*",
            "*",
            "10.0.0.1",
            "10.0.0.0/8",
            "10.9.9.9/8",
            "10.0.0.0/31",
            "0.0.0.0/0",
            "10.0.0.0/33",
            "0:0:0:0:0:0:0:1",
        ][..],
    )
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop::sample::select(&["10.0.0.1", "10.0.0.2", "11.0.0.1", "::1", "::ffff:10.0.0.1", "0.0.0.0"][..])
        .prop_map(|text| text.parse().unwrap())
}

prop_compose! {
    fn binding()(
        resource_type in resource_type(),
        resource_name in name(),
        pattern_type in prop::sample::select(PatternType::ALL),
        principal in principal(),
        host in host(),
        operation in operation(),
        permission in prop::sample::select(&[Permission::Allow, Permission::Allow, Permission::Deny][..]),
    ) -> Binding {
        let (principal, host) = (principal.to_owned(), host.to_owned());
        Binding { resource_type, resource_name, pattern_type, principal, host, operation, permission }
    }
}

prop_compose! {
    fn settings()(is_super in prop::bool::weighted(0.1), open in any::<bool>(), cidr_hosts in prop::bool::weighted(0.8), reserved_topic in prop::option::weighted(0.3, name())) -> Settings {
        let super_users = if is_super { vec!["User:a".to_owned()] } else { Vec::new() };
        Settings { super_users, allow_everyone_if_no_acl_found: open, cidr_hosts, reserved_topic }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_index_decides_as_the_rule_does(
        bindings in prop::collection::vec(binding(), 0..25),
        settings in settings(),
        principal in principal(),
        address in address(),
        questions in prop::collection::vec((operation(), resource_type(), name()), 1..12),
    ) {
        let authorizer = Authorizer::new(bindings.clone(), settings.clone());
        let model = Model { bindings: &bindings, settings: &settings, principal, address };
        let client = authorizer.client(principal, address);
        for (operation, resource_type, name) in questions {
            let decision = client.decide(operation, resource_type, &name);
            let expected = model.allows(operation, resource_type, &name);
            prop_assert_eq!(decision.allowed, expected, "{} on {:?}", operation, name);
            prop_assert_eq!(client.allows(operation, resource_type, &name), expected);
            match decision.rule {
                Rule::Binding(binding) => {
                    prop_assert_eq!(binding.permission == Permission::Allow, expected);
                    prop_assert!(model.is_for_client(&binding) && covers(&binding, operation));
                    prop_assert!(model.matching(resource_type, &name).any(|found| *found == *binding));
                }
                Rule::SuperUser => prop_assert!(client.is_super_user()),
                Rule::ReservedTopic => {
                    prop_assert_eq!(settings.reserved_topic.as_deref(), Some(name.as_str()));
                    prop_assert!(!expected && client.is_reserved(&name) && resource_type == ResourceType::Topic);
                }
                Rule::NoAclFound(allowed) => {
                    prop_assert_eq!(allowed, settings.allow_everyone_if_no_acl_found);
                    prop_assert_eq!(model.matching(resource_type, &name).count(), 0);
                }
                Rule::DefaultDeny => prop_assert!(model.matching(resource_type, &name).count() > 0),
            }

            let reported = client.allowed_operations(resource_type, &name);
            let bits = resource_type.operations().iter().filter(|&&operation| model.allows(operation, resource_type, &name));
            prop_assert_eq!(reported, bits.fold(0, |bits, operation| bits | 1 << operation.code()));

            if operation != Operation::All {
                let any = client.decide_by_resource_type(operation, resource_type);
                prop_assert_eq!(any.allowed, model.allows_any(operation, resource_type), "any {}", operation);
            }
            if !name.starts_with('*') && client.allows_every(operation, resource_type) {
                prop_assert!(expected, "every {}, but not {:?}", operation, name);
            }
        }
    }

    #[test]
    fn a_client_that_may_lose_nothing_loses_nothing(
        kept in prop::collection::vec(binding(), 0..10),
        gone in prop::collection::vec(binding(), 0..2),
        new in prop::collection::vec(binding(), 0..2),
        before in settings(),
        change in (prop::bool::weighted(0.1), prop::bool::weighted(0.2)),
        address in address(),
        questions in prop::collection::vec((operation(), resource_type(), name()), 1..12),
    ) {
        // Whether the client is a super user and whether everything is open can change while it is connected.
        let mut after = before.clone();
        if change.0 {
            after.super_users = if before.super_users.is_empty() { vec!["User:a".to_owned()] } else { Vec::new() };
        }
        after.allow_everyone_if_no_acl_found ^= change.1;
        let view = |more: &[Binding], settings: &Settings| {
            let bindings = kept.iter().chain(more).cloned().collect();
            Authorizer::new(bindings, settings.clone()).client("User:a", address)
        };
        let (old, newer) = (view(&gone, &before), view(&new, &after));
        prop_assert!(!old.may_lose(&old));
        if !old.may_lose(&newer) {
            for (operation, resource_type, name) in questions {
                let allowed = (old.allows(operation, resource_type, &name), newer.allows(operation, resource_type, &name));
                prop_assert_ne!(allowed, (true, false), "{} on {:?}", operation, name);
            }
        }
        // What is given to the client takes nothing away.
        if gone.is_empty() && before == after && !before.allow_everyone_if_no_acl_found {
            let gives = new.iter().all(|binding| binding.permission == Permission::Allow);
            prop_assert!(!gives || !old.may_lose(&newer));
        }
    }

    #[test]
    fn the_order_of_bindings_and_their_number_do_not_matter(
        bindings in prop::collection::vec(binding(), 0..12).prop_shuffle(),
        address in address(),
        operation in operation(),
        name in name(),
    ) {
        let decision = |bindings: Vec<Binding>| {
            let authorizer = Authorizer::new(bindings, Settings::default());
            let client = authorizer.client("User:a", address);
            (client.decide(operation, ResourceType::Topic, &name), client.decide_by_resource_type(operation, ResourceType::Topic), authorizer.bindings().len())
        };
        let mut doubled: Vec<_> = bindings.iter().chain(&bindings).cloned().collect();
        doubled.reverse();
        prop_assert_eq!(decision(bindings), decision(doubled));
    }
}
