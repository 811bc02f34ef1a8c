//! The rules of APIs about nobody's topics: telemetry, delegation tokens, SCRAM credentials, the members of the quorum, the
//! state that brokers keep of share groups.

use doorkeeper::model::acl::ResourceType::{Group, Topic, User};
use doorkeeper::model::acl::{Binding, Operation};
use doorkeeper::protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use doorkeeper::protocol::messages::create_delegation_token_request::CreatableRenewers;
use doorkeeper::protocol::messages::describe_delegation_token_request::DescribeDelegationTokenOwner;
use doorkeeper::protocol::messages::describe_user_scram_credentials_request::UserName;
use doorkeeper::protocol::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult;
use doorkeeper::protocol::messages::*;
use doorkeeper::protocol::wire::{Bytes, Str};

use crate::support::door::*;

#[test]
fn telemetry_is_open_to_everybody() {
    for version in Door::versions::<GetTelemetrySubscriptionsRequest>() {
        for client_instance_id in [id(0), id(7)] {
            let request = GetTelemetrySubscriptionsRequest { client_instance_id, ..Default::default() };
            let mut door = Door::new([]);
            door.send(version, &request).untouched();
            assert_eq!(door.heard, [], "nobody is asked");
        }
    }
    for version in Door::versions::<PushTelemetryRequest>() {
        for metrics in [Bytes::new(), Bytes::from_static(b"a metric")] {
            let request = PushTelemetryRequest { client_instance_id: id(7), metrics, ..Default::default() };
            let mut door = Door::new([]);
            door.send(version, &request).untouched();
            assert_eq!(door.heard, [], "nobody is asked");
        }
    }
}

/// Who asks, and what a cluster without delegation tokens answers about one that exists: nobody has come to look for it.
const ASKING: [(&str, i16, i64); 3] = [(ALICE, 61, 0), ("User:ANONYMOUS", 64, -1), ("User:anonymous", 61, 0)];

fn asking(principal: &str, bindings: impl IntoIterator<Item = Binding>) -> Door {
    Door { principal: principal.to_owned(), ..Door::new(bindings) }
}

fn create_token(version: i16, owner: Option<(Option<&str>, &str)>) -> CreateDelegationTokenRequest {
    let empty = CreateDelegationTokenRequest::default();
    let Some((kind, name)) = owner.filter(|_| version >= 3) else { return empty };
    CreateDelegationTokenRequest {
        owner_principal_type: kind.map(Str::from),
        owner_principal_name: Some(name.into()),
        ..empty
    }
}

/// `owner` and `requester`: type and name.
fn no_token(
    version: i16,
    error_code: i16,
    owner: (&str, &str),
    requester: (&str, &str),
    timestamp: i64,
) -> CreateDelegationTokenResponse {
    let requester = if version >= 3 { requester } else { ("", "") };
    CreateDelegationTokenResponse {
        error_code,
        principal_type: owner.0.into(),
        principal_name: owner.1.into(),
        token_requester_principal_type: requester.0.into(),
        token_requester_principal_name: requester.1.into(),
        issue_timestamp_ms: timestamp,
        expiry_timestamp_ms: timestamp,
        max_timestamp_ms: timestamp,
        ..Default::default()
    }
}

#[test]
fn no_token_is_made_for_oneself() {
    for version in Door::versions::<CreateDelegationTokenRequest>() {
        for (principal, code, timestamp) in ASKING {
            let who = principal.split_once(':').unwrap();
            let mut door = asking(principal, []);
            for owner in [None, Some((Some("User"), "")), Some((None, "")), Some((Some(who.0), who.1))] {
                let answer = door.send(version, &create_token(version, owner)).reply();
                assert_eq!(answer, no_token(version, code, who, who, timestamp), "version {version}");
            }
            assert_eq!(door.heard, [], "nobody is asked about one's own");
        }
    }
}

#[test]
fn no_token_is_made_for_others_and_without_a_right_the_right_is_missing() {
    let alice = ("User", "alice");
    for version in 3..=*Door::versions::<CreateDelegationTokenRequest>().end() {
        let for_bob = create_token(version, Some((Some("User"), "bob")));
        let mut door = Door::new([allow(Operation::All, User, "User:carol"), allow_cluster(Operation::All)]);
        let answer = door.send(version, &for_bob).reply();
        assert_eq!(answer, no_token(version, 65, ("User", "bob"), alice, -1));
        assert_eq!(door.denials(), [(Operation::CreateTokens, "User:bob")]);

        let mut door = Door::new([allow(Operation::CreateTokens, User, "User:bob")]);
        let answer = door.send(version, &for_bob).reply();
        assert_eq!(answer, no_token(version, 61, ("User", "bob"), alice, 0));
        // The type counts too.
        let answer = door.send(version, &create_token(version, Some((Some("Group"), "alice")))).reply();
        assert_eq!(answer, no_token(version, 65, ("Group", "alice"), alice, -1));

        let mut door = asking("User:ANONYMOUS", [allow(Operation::All, User, "*")]);
        let answer = door.send(version, &for_bob).reply();
        assert_eq!(answer, no_token(version, 64, ("User", "bob"), ("User", "ANONYMOUS"), -1));
        assert_eq!(door.heard, []);

        let anonymous = ("User", "ANONYMOUS");
        let answer = door.send(version, &create_token(version, Some((None, "bob")))).reply();
        assert_eq!(answer, no_token(version, -1, anonymous, anonymous, -1), "an owner without a type");
    }
}

#[test]
fn only_users_may_renew_a_token() {
    let renewers = |kinds: &[&str]| {
        let renewer = |kind: &&str| CreatableRenewers {
            principal_type: (*kind).into(),
            principal_name: "r".into(),
            ..Default::default()
        };
        kinds.iter().map(renewer).collect::<Vec<_>>()
    };
    let alice = ("User", "alice");
    for version in Door::versions::<CreateDelegationTokenRequest>() {
        for (kinds, code, timestamp) in [
            (&["User", "User"][..], 61, 0),
            (&["User", "Group"], 67, -1),
            (&["user"], 67, -1),
            (&[""], 67, -1),
        ] {
            let request =
                CreateDelegationTokenRequest { renewers: renewers(kinds), ..create_token(version, None) };
            let answer = Door::new([]).send(version, &request).reply();
            assert_eq!(answer, no_token(version, code, alice, alice, timestamp), "{kinds:?}");
            let answer = asking("User:ANONYMOUS", []).send(version, &request).reply();
            assert_eq!(answer.error_code, 64);
        }
    }
}

#[test]
fn no_token_is_renewed_expired_or_described() {
    let hmac = Bytes::from_static(b"secret");
    for (principal, error_code, expiry_timestamp_ms) in ASKING {
        let mut door = asking(principal, []);
        for version in Door::versions::<RenewDelegationTokenRequest>() {
            let request = RenewDelegationTokenRequest { hmac: hmac.clone(), ..Default::default() };
            let refused =
                RenewDelegationTokenResponse { error_code, expiry_timestamp_ms, ..Default::default() };
            assert_eq!(door.send(version, &request).reply(), refused);
        }
        for version in Door::versions::<ExpireDelegationTokenRequest>() {
            let request = ExpireDelegationTokenRequest { hmac: hmac.clone(), ..Default::default() };
            let refused =
                ExpireDelegationTokenResponse { error_code, expiry_timestamp_ms, ..Default::default() };
            assert_eq!(door.send(version, &request).reply(), refused);
        }
        for version in Door::versions::<DescribeDelegationTokenRequest>() {
            let owner = DescribeDelegationTokenOwner {
                principal_type: "User".into(),
                principal_name: "bob".into(),
                ..Default::default()
            };
            for owners in [None, Some(Vec::new()), Some(vec![owner])] {
                let request = DescribeDelegationTokenRequest { owners, ..Default::default() };
                let refused = DescribeDelegationTokenResponse { error_code, ..Default::default() };
                assert_eq!(door.send(version, &request).reply(), refused);
            }
        }
        assert_eq!(door.heard, [], "nobody is asked");
    }
}

fn describe_scram(users: Option<&[&str]>) -> DescribeUserScramCredentialsRequest {
    let user = |name: &&str| UserName { name: (*name).into(), ..Default::default() };
    let users = users.map(|users| users.iter().map(user).collect());
    DescribeUserScramCredentialsRequest { users, ..Default::default() }
}

#[test]
fn there_are_no_users_with_a_password() {
    for version in Door::versions::<DescribeUserScramCredentialsRequest>() {
        let mut door = Door::new([allow_cluster(Operation::Describe)]);
        for users in [None, Some(&[][..])] {
            let answer = door.send(version, &describe_scram(users)).reply();
            assert_eq!(answer, DescribeUserScramCredentialsResponse::default());
            assert_eq!(answer.error_message, Some(Str::EMPTY));
        }
        let answer = door.send(version, &describe_scram(Some(&["b", "a", "b", ""]))).reply();
        assert_eq!((answer.error_code, answer.error_message), (0, Some(Str::EMPTY)));
        let twice = "Cannot describe SCRAM credentials for the same user twice in a single request: b";
        let absent = "Attempt to describe a user credential that does not exist: ";
        let expected = [("", 91, absent), ("a", 91, &*format!("{absent}a")), ("b", 92, twice)];
        let told: Vec<_> = answer.results.iter().map(|told| (&*told.user, told.error_code)).collect();
        assert_eq!(told, expected.map(|(user, code, _)| (user, code)));
        let texts: Vec<_> =
            answer.results.iter().map(|told| told.error_message.as_deref().unwrap()).collect();
        assert_eq!(texts, expected.map(|(_, _, text)| text));
    }
}

#[test]
fn passwords_are_described_to_those_who_may_describe_the_cluster() {
    for version in Door::versions::<DescribeUserScramCredentialsRequest>() {
        for (users, count) in [(None, 0), (Some(&[][..]), 0), (Some(&["a", "b", "a"]), 3)] {
            let mut door =
                Door::new([allow_cluster(Operation::AlterConfigs), allow(Operation::All, User, "*")]);
            // ALTER_CONFIGS implies DESCRIBE_CONFIGS and no more.
            let answer = door.send(version, &describe_scram(users)).reply();
            assert_eq!((answer.error_code, answer.error_message), (31, None));
            assert_eq!(answer.results.len(), count);
            for told in answer.results {
                let refused = DescribeUserScramCredentialsResult {
                    error_code: 31,
                    error_message: None,
                    ..Default::default()
                };
                assert_eq!(told, refused, "the user's name is not repeated");
            }
            assert_eq!(door.denials(), [(Operation::Describe, "kafka-cluster")]);
        }
    }
}

fn deletion(name: &str, mechanism: i8) -> ScramCredentialDeletion {
    ScramCredentialDeletion { name: name.into(), mechanism, ..Default::default() }
}

fn upsertion(name: &str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
    ScramCredentialUpsertion { name: name.into(), mechanism, iterations, ..Default::default() }
}

#[test]
fn no_password_is_set_and_what_is_wrong_with_it_is_told_first() {
    let request = AlterUserScramCredentialsRequest {
        deletions: vec![
            deletion("gone", 1),
            deletion("gone", 2),
            deletion("", 1),
            deletion("odd", 0),
            deletion("both", 1),
        ],
        upsertions: vec![
            upsertion("both", 1, 4096),
            upsertion("few", 1, 4095),
            upsertion("many", 2, 16385),
            upsertion("new", 1, 4096),
            upsertion("other", 2, 16384),
            upsertion("strange", 3, 4096),
            upsertion("twice", 1, 4096),
            upsertion("twice", 2, 4096),
            upsertion("twice", 2, 4096),
        ],
        ..Default::default()
    };
    let absent = "Attempt to delete a user credential that does not exist";
    let none = "SCRAM is not supported here: clients authenticate with certificates.";
    let expected = [
        ("", 93, "Username must not be empty"),
        ("both", 91, absent),
        ("few", 93, "Too few iterations"),
        ("gone", 91, absent),
        ("many", 93, "Too many iterations"),
        ("new", 35, none),
        ("odd", 33, "Unknown SCRAM mechanism"),
        ("other", 35, none),
        ("strange", 33, "Unknown SCRAM mechanism"),
        ("twice", 92, "A user credential cannot be altered twice in the same request"),
    ];
    for version in Door::versions::<AlterUserScramCredentialsRequest>() {
        let mut door = Door::new([allow_cluster(Operation::Alter)]);
        let answer = door.send(version, &request).reply();
        let told: Vec<_> = answer
            .results
            .iter()
            .map(|told| (&*told.user, told.error_code, told.error_message.as_deref().unwrap()))
            .collect();
        assert_eq!(told, expected);
        let nothing = AlterUserScramCredentialsRequest::default();
        assert_eq!(door.send(version, &nothing).reply(), AlterUserScramCredentialsResponse::default());

        let mut door = Door::new([allow_cluster(Operation::AlterConfigs)]);
        let answer = door.send(version, &request).reply();
        let told: Vec<_> = answer.results.iter().map(|told| (&*told.user, told.error_code)).collect();
        assert_eq!(told, expected.map(|(user, _, _)| (user, 31)), "each user once, sorted");
        let text = answer.results[0].error_message.as_deref();
        assert_eq!(text, Some("Request needs ALTER permission."));
        assert_eq!(door.denials(), [(Operation::Alter, "kafka-cluster")]);
    }
}

/// In every version: forwarded with `operation` on the cluster, answered without, whatever else is allowed.
fn needs_cluster<Q>(operation: Operation, request: impl Fn(i16) -> Q, refusal: Q::Response)
where
    Q: Sendable,
    Q::Response: PartialEq,
{
    for version in Door::versions::<Q>() {
        let request = request(version);
        Door::new([allow_cluster(operation)]).send(version, &request).untouched();
        Door::for_super_user().send(version, &request).untouched();
        let others = [Operation::Create, Operation::Describe, Operation::AlterConfigs];
        let mut door = Door::new(
            others
                .map(allow_cluster)
                .into_iter()
                .chain([allow(Operation::All, Topic, "*"), allow(Operation::All, Group, "*")]),
        );
        assert_eq!(door.send(version, &request).reply(), refusal, "version {version}");
        assert_eq!(door.denials(), [(operation, "kafka-cluster")]);
    }
}

#[test]
fn voters_and_controllers_are_changed_by_those_who_may_alter_the_cluster() {
    let denied = || Some(Str::from("Cluster authorization failed."));
    needs_cluster(
        Operation::Alter,
        |_| AddRaftVoterRequest { cluster_id: None, voter_id: 3, ..Default::default() },
        AddRaftVoterResponse { error_code: 31, error_message: denied(), ..Default::default() },
    );
    needs_cluster(
        Operation::Alter,
        |_| RemoveRaftVoterRequest { cluster_id: Some("c".into()), voter_id: 3, ..Default::default() },
        RemoveRaftVoterResponse { error_code: 31, error_message: denied(), ..Default::default() },
    );
    needs_cluster(
        Operation::Alter,
        |_| UnregisterControllerRequest { controller_id: 3, ..Default::default() },
        UnregisterControllerResponse {
            error_code: 31,
            error_message: Some("Request needs ALTER permission.".into()),
            ..Default::default()
        },
    );
}

macro_rules! share_state {
    ($request:ident, $request_module:ident :: $asked:ident, $response:ident, $response_module:ident :: $result:ident) => {{
        use doorkeeper::protocol::messages::{$request_module, $response_module};
        let topic = |n, partitions: &[i32]| $request_module::$asked {
            topic_id: id(n),
            partitions: partitions
                .iter()
                .map(|partition| $request_module::PartitionData {
                    partition: *partition,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        let result = |n, partitions: &[i32]| $response_module::$result {
            topic_id: id(n),
            partitions: partitions
                .iter()
                .map(|partition| $response_module::PartitionResult {
                    partition: *partition,
                    error_code: 31,
                    error_message: Some("Cluster authorization failed.".into()),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        // Nothing is looked up and nothing put together: a topic comes back as it was named.
        let named: [(u8, &[i32]); 4] = [(7, &[0, 3]), (0, &[]), (7, &[0, 0]), (9, &[1])];
        needs_cluster(
            Operation::ClusterAction,
            |_| $request {
                group_id: "g".into(),
                topics: named.iter().map(|(n, partitions)| topic(*n, partitions)).collect(),
                ..Default::default()
            },
            $response {
                results: named.iter().map(|(n, partitions)| result(*n, partitions)).collect(),
                ..Default::default()
            },
        );
        needs_cluster(Operation::ClusterAction, |_| $request::default(), $response::default());
    }};
}

#[test]
fn the_state_of_share_groups_is_for_those_who_may_act_for_the_cluster() {
    share_state!(
        InitializeShareGroupStateRequest,
        initialize_share_group_state_request::InitializeStateData,
        InitializeShareGroupStateResponse,
        initialize_share_group_state_response::InitializeStateResult
    );
    share_state!(
        ReadShareGroupStateRequest,
        read_share_group_state_request::ReadStateData,
        ReadShareGroupStateResponse,
        read_share_group_state_response::ReadStateResult
    );
    share_state!(
        WriteShareGroupStateRequest,
        write_share_group_state_request::WriteStateData,
        WriteShareGroupStateResponse,
        write_share_group_state_response::WriteStateResult
    );
    share_state!(
        DeleteShareGroupStateRequest,
        delete_share_group_state_request::DeleteStateData,
        DeleteShareGroupStateResponse,
        delete_share_group_state_response::DeleteStateResult
    );
    share_state!(
        ReadShareGroupStateSummaryRequest,
        read_share_group_state_summary_request::ReadStateSummaryData,
        ReadShareGroupStateSummaryResponse,
        read_share_group_state_summary_response::ReadStateSummaryResult
    );
}
