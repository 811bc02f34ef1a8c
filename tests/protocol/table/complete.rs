//! The table has every API, and what it says of them is true.

use bytes::Bytes;
use doorkeeper::observability::metrics::ApiClass;
use doorkeeper::protocol::api::{Row, Rule, TABLE};
use doorkeeper::protocol::messages::CATALOGUE;

use crate::support::door::{Door, allow, allow_cluster, id};
use crate::support::layouts::layouts;
use crate::support::samples::{Random, Style, sample};
use crate::table::played::{each_decided_version, play, response};
use doorkeeper::model::acl::{Operation, ResourceType};

/// The last key that Kafka 4.4 has.
const LAST: i16 = 94;

#[test]
fn every_key_has_its_row() {
    assert_eq!(TABLE.len(), usize::try_from(LAST).unwrap() + 1);
    for (key, row) in (0..).zip(TABLE) {
        assert_eq!(row.key, key, "{}", row.name);
        assert!(std::ptr::eq(Row::find(key).unwrap(), row));
    }
    assert!(Row::find(LAST + 1).is_none() && Row::find(-1).is_none());
}

#[test]
fn rows_have_kafkas_names_and_the_versions_of_the_codec() {
    for layout in layouts() {
        let row = Row::find(layout.key).unwrap();
        assert_eq!(row.name, layout.api);
    }
    for row in TABLE {
        match (&row.rule, CATALOGUE.iter().find(|api| api.key == row.key)) {
            (Rule::Decided(_), Some(api)) => {
                let (first, last) = (row.versions.start(), row.versions.end());
                assert!(api.versions.contains(first) && api.versions.contains(last), "{}", row.name);
                assert_eq!(row.flexible, api.flexible, "{}", row.name);
            }
            (Rule::Decided(_), None) => panic!("{} cannot be read", row.name),
            (Rule::Never(reason), _) => {
                assert!(row.versions.is_empty() && !reason.is_empty(), "{}", row.name);
            }
        }
    }
}

/// An API that is served is counted among its like, and one that is not among those that are unknown.
#[test]
fn every_api_that_is_served_has_a_class() {
    for row in TABLE {
        let is_served = matches!(row.rule, Rule::Decided(_));
        assert_eq!(row.class != ApiClass::Other, is_served, "{}", row.name);
    }
}

/// What only brokers and controllers say is refused whatever the ACLs say.
#[test]
fn what_only_brokers_say_has_no_rule() {
    for key in [4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82] {
        let row = Row::find(key).unwrap();
        assert!(matches!(row.rule, Rule::Never(_)), "{}", row.name);
    }
    for layout in layouts().iter().filter(|layout| layout.is_request && !layout.listeners.contains(&"broker"))
    {
        // The versions that Kafka 4 dropped say nothing of today.
        if layout.is_current() {
            let row = Row::find(layout.key).unwrap();
            assert!(matches!(row.rule, Rule::Never(_)), "{} is not for clients", row.name);
        }
    }
}

/// Clients with nothing, with much, and with everything, some topics known by id.
pub(crate) fn doors() -> Vec<Door> {
    let any = [ResourceType::Topic, ResourceType::Group, ResourceType::TransactionalId];
    let some = || {
        [
            allow(Operation::Describe, ResourceType::Topic, "a"),
            allow(Operation::Read, ResourceType::Group, ""),
        ]
    };
    let much = any.map(|resource_type| allow(Operation::All, resource_type, "*"));
    vec![
        Door::new([]),
        Door::new(some()).knowing(&[(id(0), "zero")]),
        Door::new(much).knowing(&[(id(0xff), "known")]),
        Door::new([allow_cluster(Operation::All)]),
        Door::for_super_user(),
    ]
}

/// Whatever a client sends and a broker answers, in whatever version: no rule fails, and what the client gets and what
/// the broker gets can be read in the client's version.
#[test]
fn whatever_is_sent_and_answered_can_be_read() {
    let mut random = Random(4711);
    let mut answers = Random(1147);
    let (mut forwarded, mut replied) = (0, 0);
    each_decided_version(|row, layout, version| {
        let entry = layout.entry();
        let same = |body: &Bytes, codec: &doorkeeper::protocol::messages::Codec| {
            let again = (codec.recode)(body, version, version)
                .unwrap_or_else(|fault| panic!("{} version {version}: {fault}", row.name));
            assert_eq!(again, **body, "{} version {version}", row.name);
        };
        for style in [Style::Rich, Style::Sparse, Style::Rich, Style::Rich] {
            let mut requests = vec![sample(layout, version, &mut random, style)];
            requests.push((entry.request.default)(version).unwrap().into());
            for request in requests {
                for mut door in doors() {
                    let in_pieces = random.below(2) == 0;
                    let mut broker = |key, version, _: &Bytes| {
                        sample(response(key, version), version, &mut answers, Style::Rich)
                    };
                    let played = play(&mut door, row, version, &request, in_pieces, &mut broker);
                    if let Some(body) = &played.forwarded {
                        same(body, &entry.request);
                        forwarded += 1;
                    }
                    if let Some(body) = &played.answer {
                        same(body, &entry.response);
                        replied += usize::from(played.forwarded.is_none());
                    }
                }
            }
        }
    });
    assert!(forwarded > 1000 && replied > 1000, "{forwarded} forwarded, {replied} replied");
}
