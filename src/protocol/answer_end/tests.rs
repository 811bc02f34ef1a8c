//! Ends of both kinds, with addresses that become shorter, longer, or none.

use std::fmt::Debug;

use super::*;
use crate::protocol::messages::{fetch_response, share_fetch_response};

trait Example: WithAddresses + Debug + PartialEq {
    fn naming(hosts: &[&str]) -> Self;
    fn set(&mut self, at: usize, host: &str, port: i32);
    fn clear(&mut self);
}

macro_rules! example {
    ($answer:ident, $module:ident) => {
        impl Example for $answer {
            fn naming(hosts: &[&str]) -> Self {
                let node = |(node_id, host): (usize, &&str)| $module::NodeEndpoint {
                    node_id: node_id as i32,
                    host: (*host).into(),
                    port: 9092,
                    rack: Some("rack".into()),
                    ..Default::default()
                };
                Self { node_endpoints: hosts.iter().enumerate().map(node).collect(), ..Default::default() }
            }

            fn set(&mut self, at: usize, host: &str, port: i32) {
                let node = &mut self.node_endpoints[at];
                (node.host, node.port) = (host.into(), port);
            }

            fn clear(&mut self) {
                self.node_endpoints.clear();
            }
        }
    };
}

example!(FetchResponse, fetch_response);
example!(ShareFetchResponse, share_fetch_response);

fn end_of(answer: &impl WithAddresses, version: i16) -> Vec<u8> {
    fn split<M: WithAddresses>(answer: &M, version: i16) -> Vec<u8> {
        let mut bytes = Vec::new();
        answer.encode(version, &mut bytes).unwrap();
        let end = bytes.split_off(M::BEFORE_END.len());
        assert_eq!(bytes, M::BEFORE_END);
        end
    }
    split(answer, version)
}

fn read<M: WithAddresses>(end: &[u8], version: i16) -> M {
    M::decode(&[M::BEFORE_END, end].concat().into(), version).unwrap()
}

fn versions<M: WithAddresses>() -> impl Iterator<Item = i16> {
    let first = if M::KEY == FetchResponse::KEY { 16 } else { *M::VERSIONS.start() };
    first..=*M::VERSIONS.end()
}

fn an_address_that_is_no_longer_takes_the_place_of_the_other<M: Example>() {
    let long = "b".repeat(400);
    for version in versions::<M>() {
        for shorter in 0..=long.len() {
            let host = &long[shorter..];
            let mut end = end_of(&M::naming(&["first", &long]), version);
            let before = end.len();
            let changed = change(&mut end, version, |answer: &mut M| answer.set(1, host, 19092));
            assert_eq!((changed, end.len()), (Ok(true), before), "{shorter} bytes less");
            let mut seen = read::<M>(&end, version);
            let padding: Vec<u32> = seen.last_tags().iter().map(|(tag, _)| tag).collect();
            assert!(padding.is_empty() || padding == [u32::from(UNKNOWN_TAG)]);
            seen.last_tags().clear();
            let mut expected = M::naming(&["first", host]);
            expected.set(1, host, 19092);
            assert_eq!(seen, expected, "{shorter} bytes less");
        }
    }
}

fn withheld_addresses_leave_a_field_that_nobody_knows<M: Example>() {
    for version in versions::<M>() {
        let mut end = end_of(&M::naming(&["broker", "broker"]), version);
        assert_eq!(change(&mut end, version, M::clear), Ok(true));
        assert!(!end.windows(6).any(|bytes| bytes == b"broker"));
        assert!(!read::<M>(&end, version).has_addresses());
    }
}

fn an_end_that_does_not_fit_or_names_nobody_stays<M: Example>() {
    for version in versions::<M>() {
        let mut end = end_of(&M::naming(&["broker"]), version);
        let before = end.clone();
        let longer = change(&mut end, version, |answer: &mut M| answer.set(0, "broker1", 9092));
        assert_eq!((longer, &end), (Ok(false), &before));
        assert!(change(&mut before.clone()[..7], version, |_: &mut M| {}).is_err());

        let mut none = end_of(&M::naming(&[]), version);
        assert_eq!(none, M::PLAIN_END);
        assert_eq!(change(&mut none, version, |_: &mut M| panic!("there is no address")), Ok(true));
        let mut unknown = M::naming(&[]);
        unknown.last_tags().push(9, Bytes::from_static(b"unknown"));
        let mut end = end_of(&unknown, version);
        assert_eq!(change(&mut end, version, |_: &mut M| panic!("there is no address")), Ok(true));
        assert_eq!(read::<M>(&end, version), unknown);
    }
}

#[test]
fn ends_of_fetch_answers() {
    an_address_that_is_no_longer_takes_the_place_of_the_other::<FetchResponse>();
    withheld_addresses_leave_a_field_that_nobody_knows::<FetchResponse>();
    an_end_that_does_not_fit_or_names_nobody_stays::<FetchResponse>();
}

#[test]
fn ends_of_share_fetch_answers() {
    an_address_that_is_no_longer_takes_the_place_of_the_other::<ShareFetchResponse>();
    withheld_addresses_leave_a_field_that_nobody_knows::<ShareFetchResponse>();
    an_end_that_does_not_fit_or_names_nobody_stays::<ShareFetchResponse>();
}
