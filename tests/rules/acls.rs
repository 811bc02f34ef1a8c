//! Who may look at the ACLs and change them, and what is answered.

use std::sync::Arc;

use doorkeeper::model::acl::{
    Binding, BindingFilter, CLUSTER_NAME, Change, ChangeError, ChangeOutcome, Operation, PatternFilter,
    PatternType, Permission, ResourceType,
};
use doorkeeper::protocol::error_code::*;
use doorkeeper::protocol::messages::create_acls_request::AclCreation;
use doorkeeper::protocol::messages::delete_acls_request::DeleteAclsFilter;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::Message;

use crate::support::door::*;

/// The code in all four enumerations that Kafka does not parse, that of anything, and one that nobody knows.
const UNKNOWN: i8 = 0;
const ANY: i8 = 1;
const UNHEARD_OF: i8 = 99;

fn creation(name: &str) -> AclCreation {
    AclCreation {
        resource_type: 2,
        resource_name: name.into(),
        resource_pattern_type: 3,
        principal: "User:bob".into(),
        host: "*".into(),
        operation: 3,
        permission_type: 3,
        ..Default::default()
    }
}

/// What [`creation`] makes.
fn created(name: &str) -> Binding {
    Binding { principal: "User:bob".into(), ..allow(Operation::Read, ResourceType::Topic, name) }
}

fn creations(creations: Vec<AclCreation>) -> CreateAclsRequest {
    CreateAclsRequest { creations, ..Default::default() }
}

fn filter() -> DeleteAclsFilter {
    DeleteAclsFilter {
        resource_type_filter: ANY,
        resource_name_filter: None,
        pattern_type_filter: 3,
        principal_filter: None,
        host_filter: None,
        operation: ANY,
        permission_type: ANY,
        ..Default::default()
    }
}

fn deletion(filters: Vec<DeleteAclsFilter>) -> DeleteAclsRequest {
    DeleteAclsRequest { filters, ..Default::default() }
}

fn description() -> DescribeAclsRequest {
    DescribeAclsRequest {
        resource_type_filter: ANY,
        resource_name_filter: None,
        pattern_type_filter: 3,
        principal_filter: None,
        host_filter: None,
        operation: ANY,
        permission_type: ANY,
        ..Default::default()
    }
}

fn results(answer: &CreateAclsResponse) -> Vec<(i16, Option<&str>)> {
    answer.results.iter().map(|one| (one.error_code, one.error_message.as_deref())).collect()
}

fn administrator() -> Door {
    Door::new([allow_cluster(Operation::Alter)])
}

#[test]
fn whoever_may_not_is_told_so_entry_by_entry_and_nothing_is_changed() {
    let needs = |operation: &str| Some(format!("Request needs {operation} permission."));
    for version in Door::versions::<CreateAclsRequest>() {
        let mut door = Door::new([allow_cluster(Operation::Describe)]);
        let answer = door.send(version, &creations(vec![creation("a"), creation("")])).reply();
        let expected = (CLUSTER_AUTHORIZATION_FAILED, needs("ALTER"));
        assert_eq!(results(&answer), vec![(expected.0, expected.1.as_deref()); 2]);
        let answer = door.send(version, &deletion(vec![filter(), filter()])).reply();
        let told: Vec<_> = answer
            .filter_results
            .iter()
            .map(|one| (one.error_code, one.error_message.as_deref().map(str::to_owned)))
            .collect();
        assert_eq!(told, vec![expected; 2]);
        assert_eq!(door.denials(), [(Operation::Alter, CLUSTER_NAME); 2]);

        let mut door = Door::new([allow_cluster(Operation::Create)]);
        let answer = door.send(version, &description()).reply();
        assert_eq!(
            (answer.error_code, answer.error_message.as_deref().map(str::to_owned)),
            (CLUSTER_AUTHORIZATION_FAILED, needs("DESCRIBE"))
        );
        assert_eq!(answer.resources, []);
        assert_eq!(door.denials(), [(Operation::Describe, CLUSTER_NAME)]);
    }
}

/// Before anybody is asked for rights: Kafka does not parse the request.
#[test]
fn a_code_of_zero_closes_the_connection() {
    for version in Door::versions::<CreateAclsRequest>() {
        for field in 0..4 {
            let (mut creation, mut filter, mut description) = (creation("a"), filter(), description());
            let fields = [
                [
                    &mut creation.resource_type,
                    &mut creation.resource_pattern_type,
                    &mut creation.operation,
                    &mut creation.permission_type,
                ],
                [
                    &mut filter.resource_type_filter,
                    &mut filter.pattern_type_filter,
                    &mut filter.operation,
                    &mut filter.permission_type,
                ],
                [
                    &mut description.resource_type_filter,
                    &mut description.pattern_type_filter,
                    &mut description.operation,
                    &mut description.permission_type,
                ],
            ];
            if version == 0 && field == 1 {
                continue;
            }
            fields.into_iter().for_each(|fields| *fields.into_iter().nth(field).unwrap() = UNKNOWN);
            let mut door = Door::new([]);
            door.send(version, &creations(vec![self::creation("b"), creation])).closed();
            door.send(version, &deletion(vec![self::filter(), filter])).closed();
            door.send(version, &description).closed();
            assert_eq!(door.heard, []);
        }
    }
}

#[test]
fn right_creations_are_one_change_and_each_has_its_result() {
    for version in Door::versions::<CreateAclsRequest>() {
        let mut door = administrator();
        let request = creations(vec![
            creation("a"),
            creation(""),
            AclCreation { principal: "bob".into(), ..creation("b") },
            AclCreation { operation: UNHEARD_OF, ..creation("b") },
            creation("c"),
            creation("a"),
        ]);
        let changing = door.send(version, &request).changing();
        let wanted = ["a", "c", "a"].map(created);
        assert_eq!(*changing.change(), Change::Create(wanted.to_vec()));
        let answer = changing.came_to(&mut door, Ok(ChangeOutcome::Created));
        let expected = [
            (NONE, Some("")),
            (INVALID_REQUEST, Some("Invalid empty resource name")),
            (
                INVALID_REQUEST,
                Some(
                    "Could not parse principal from `bob` (no colon is present separating the principal type from the principal name)",
                ),
            ),
            (INVALID_REQUEST, Some("Invalid operation UNKNOWN")),
            (NONE, Some("")),
            (NONE, Some("")),
        ];
        assert_eq!(results(&answer), expected);
    }
}

/// The words of a filter are none of a binding: Kafka fails as a whole.
#[test]
fn a_creation_with_a_word_for_filters_fails_them_all() {
    let mut wrong = vec![
        AclCreation { resource_type: ANY, ..creation("a") },
        AclCreation { operation: ANY, ..creation("a") },
        AclCreation { permission_type: ANY, ..creation("a") },
    ];
    wrong.extend([ANY, 2].map(|code| AclCreation { resource_pattern_type: code, ..creation("a") }));
    for wrong in wrong {
        let answer = administrator().send(3, &creations(vec![creation("b"), wrong])).reply();
        assert_eq!(results(&answer), [(UNKNOWN_SERVER_ERROR, None); 2]);
    }
}

#[test]
fn nothing_right_is_no_change() {
    let answer = administrator().send(3, &creations(vec![creation("")])).reply();
    assert_eq!(answer.results.len(), 1);
    assert_eq!(administrator().send(3, &creations(Vec::new())).reply().results, []);
    assert_eq!(administrator().send(3, &deletion(Vec::new())).reply().filter_results, []);
}

/// A broker of before 4.4 takes every host, one of today knows networks.
#[test]
fn hosts_are_checked_as_the_brokers_age_has_it() {
    let hosts = ["", "10.0.0.0/33", "gateway", "10.0.0.0/8"];
    let request = creations(hosts.map(|host| AclCreation { host: host.into(), ..creation("a") }).to_vec());
    let mut door = administrator();
    let changing = door.send(3, &request).changing();
    let codes: Vec<_> = changing
        .came_to(&mut door, Ok(ChangeOutcome::Created))
        .results
        .iter()
        .map(|one| one.error_code)
        .collect();
    assert_eq!(codes, [INVALID_REQUEST, INVALID_REQUEST, NONE, NONE]);
    let old = |key, versions: std::ops::RangeInclusive<i16>| {
        Some(if key == ApiVersionsRequest::KEY { 0..=4 } else { versions })
    };
    let mut door = administrator();
    door.broker = broker(old, Default::default());
    let changing = door.send(3, &request).changing();
    assert!(matches!(changing.change(), Change::Create(bindings) if bindings.len() == 4));
}

/// What a store says that did not take the change.
#[test]
fn a_change_that_failed_is_told_of_in_every_right_entry() {
    let text = "The ACLs are kept elsewhere";
    for (unchanged, code, message) in [
        (ChangeError::ReadOnly(text.into()), POLICY_VIOLATION, text),
        (ChangeError::Unavailable(text.into()), UNKNOWN_SERVER_ERROR, text),
        (ChangeError::TooMany, POLICY_VIOLATION, "Unable to perform excessively large batch operation."),
    ] {
        let mut door = administrator();
        let changing = door
            .send(
                2,
                &creations(vec![
                    creation("a"),
                    creation(""),
                    AclCreation { principal: "bob".into(), ..creation("b") },
                ]),
            )
            .changing();
        let answer = changing.came_to(&mut door, Err(unchanged.clone()));
        let failed = (code, Some(message));
        assert_eq!(
            results(&answer),
            [failed, (INVALID_REQUEST, Some("Invalid empty resource name")), failed]
        );

        let (code, message) = match unchanged {
            ChangeError::TooMany => {
                (INVALID_REQUEST, "Cannot remove more than 10000 acls in a single delete operation.")
            }
            _ => (code, message),
        };
        let changing = door
            .send(2, &deletion(vec![filter(), DeleteAclsFilter { operation: UNHEARD_OF, ..filter() }]))
            .changing();
        let answer = changing.came_to(&mut door, Err(unchanged));
        let told: Vec<_> =
            answer.filter_results.iter().map(|one| (one.error_code, one.error_message.as_deref())).collect();
        assert_eq!(told, [(code, Some(message)), (INVALID_REQUEST, Some("Unknown entryFilter."))]);
    }
}

#[test]
fn each_filter_has_what_it_removed() {
    for version in Door::versions::<DeleteAclsRequest>() {
        let mut door = administrator();
        let request = deletion(vec![
            filter(),
            DeleteAclsFilter { resource_type_filter: UNHEARD_OF, ..filter() },
            DeleteAclsFilter { principal_filter: Some("User:bob".into()), permission_type: 2, ..filter() },
        ]);
        let changing = door.send(version, &request).changing();
        let all = BindingFilter {
            resource_type: None,
            resource_name: None,
            pattern: PatternFilter::Is(PatternType::Literal),
            principal: None,
            host: None,
            operation: None,
            permission: None,
        };
        let bobs = BindingFilter {
            principal: Some("User:bob".into()),
            permission: Some(Permission::Deny),
            ..all.clone()
        };
        assert_eq!(*changing.change(), Change::Delete(vec![all, bobs]));
        let selected = vec![vec![Arc::new(created("a")), Arc::new(created("b"))], Vec::new()];
        let answer = changing.came_to(&mut door, Ok(ChangeOutcome::Deleted(selected)));
        let told: Vec<_> = answer
            .filter_results
            .iter()
            .map(|one| (one.error_code, one.error_message.as_deref(), one.matching_acls.len()))
            .collect();
        assert_eq!(
            told,
            [(NONE, None, 2), (INVALID_REQUEST, Some("Unknown patternFilter."), 0), (NONE, None, 0)]
        );
        let matching = &answer.filter_results[0].matching_acls[1];
        assert_eq!(
            (&*matching.resource_name, &*matching.principal, matching.error_code),
            ("b", "User:bob", NONE)
        );
        assert_eq!(matching.error_message, None);
    }
}

#[test]
fn what_a_filter_selects_is_described_by_resource() {
    let prefixed = Binding { pattern_type: PatternType::Prefixed, ..created("a") };
    let bindings = || {
        [
            allow_cluster(Operation::Describe),
            created("b"),
            created("a"),
            Binding { operation: Operation::Write, ..created("a") },
            prefixed.clone(),
            Binding { permission: Permission::Deny, ..created("c") },
        ]
    };
    let seen = |door: &mut Door, version, request: &DescribeAclsRequest| {
        let answer = door.send(version, request).reply();
        assert_eq!((answer.error_code, answer.error_message.as_deref()), (NONE, Some("")));
        let resources = answer.resources.iter();
        let seen = resources.map(|one| (one.resource_name.to_string(), one.pattern_type, one.acls.len()));
        seen.collect::<Vec<_>>()
    };
    for version in Door::versions::<DescribeAclsRequest>() {
        let mut door = Door::new(bindings());
        let topics = DescribeAclsRequest { resource_type_filter: 2, ..description() };
        let expected =
            [("c", 3, 1), ("b", 3, 1), ("a", 3, 2)].map(|(name, kind, n)| (name.to_owned(), kind, n));
        assert_eq!(seen(&mut door, version, &topics), expected);
        let denials = DescribeAclsRequest { permission_type: 2, ..description() };
        assert_eq!(seen(&mut door, version, &denials), [("c".to_owned(), 3, 1)]);
        let nothing = DescribeAclsRequest { operation: UNHEARD_OF, ..description() };
        assert_eq!(seen(&mut door, version, &nothing), []);
        if version > 0 {
            let named = DescribeAclsRequest {
                pattern_type_filter: 2,
                resource_name_filter: Some("a-and-more".into()),
                ..description()
            };
            assert_eq!(seen(&mut door, version, &named), [("a".to_owned(), 4, 1)]);
        }
        let allowed =
            door.heard.iter().filter(|heard| heard.allowed && heard.operation == Operation::Describe);
        assert!(allowed.count() >= 3);
    }
}
