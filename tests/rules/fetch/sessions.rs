//! Sessions: whose they are, and that they hold what their client may read, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use doorkeeper::protocol::messages::fetch_request::ReplicaState;
use doorkeeper::protocol::messages::{FetchRequest, FetchResponse};

use super::*;
use crate::support::door::Door;

#[test]
fn a_revoked_reader_gets_no_more_of_its_session() {
    for version in 7..=*Door::versions::<FetchRequest>().end() {
        let (mut door, mut broker) = (door(vec![read(1), read(2)]), FakeBroker::default());
        let both = [((1, 0), 5), ((2, 0), 6)].into();
        let session =
            fetch(&mut door, &mut broker, version, &request(version, (0, 0), &both, &[])).session_id;
        assert_ne!(session, 0);
        let nothing = Wanted::new();
        door.heard.clear();
        unedited(&mut door, version, &request(version, (session, 1), &nothing, &[]));
        assert!(door.heard.is_empty(), "while the ACLs stay the same nothing is decided anew");

        // The test's broker did not see that one.
        broker.sessions.get_mut(&session).unwrap().0 += 1;
        door.change([read(1)]);
        for epoch in 2..5 {
            let answer =
                fetch(&mut door, &mut broker, version, &request(version, (session, epoch), &nothing, &[]));
            assert_eq!(said(&answer), [((1, 0), (0, 5)), ((2, 0), (DENIED, -1))].into());
        }
        assert_eq!(broker.sessions[&session].1.keys().collect::<Vec<_>>(), [&(1, 0)]);

        door.change([read(1), read(2)]);
        let answer = fetch(&mut door, &mut broker, version, &request(version, (session, 5), &nothing, &[]));
        assert_eq!(said(&answer), [((1, 0), (0, 5)), ((2, 0), (0, 6))].into());

        door.change([]);
        for epoch in 6..8 {
            let answer = door.send(version, &request(version, (session, epoch), &nothing, &[])).reply();
            assert_eq!(answer.session_id, session, "a session of errors is one");
            assert_eq!(said(&answer), [((1, 0), (DENIED, -1)), ((2, 0), (DENIED, -1))].into());
        }

        // It lives on at the broker under another number, and the client does not see that.
        door.change([read(2)]);
        for epoch in 8..10 {
            let answer =
                fetch(&mut door, &mut broker, version, &request(version, (session, epoch), &nothing, &[]));
            assert_eq!(answer.session_id, session);
            assert_eq!(said(&answer), [((1, 0), (DENIED, -1)), ((2, 0), (0, 6))].into());
        }
        assert!(!broker.sessions.contains_key(&session), "the old one is closed");
        assert_eq!(broker.sessions.len(), 1);
        fetch(&mut door, &mut broker, version, &request(version, (session, -1), &both, &[]));
        assert!(broker.sessions.is_empty(), "the number is the broker's again");
        let answer = door.send(version, &request(version, (session, 10), &nothing, &[])).reply();
        assert_eq!(answer.error_code, NO_SESSION);
    }
}

#[test]
fn a_session_of_errors_alone_has_a_number_of_the_brokers() {
    for version in 7..=*Door::versions::<FetchRequest>().end() {
        let (mut door, mut broker) = (door(vec![]), FakeBroker::default());
        let (one, nothing) = (Wanted::from([((1, 0), 5)]), Wanted::new());
        let mut first = request(version, (0, 0), &one, &[]);
        match version {
            15.. => first.replica_state = ReplicaState { replica_id: 2, ..Default::default() },
            _ => first.replica_id = 2,
        }
        let forwarded = door.send(version, &first).forwarded();
        let asked = &forwarded.request;
        assert!(asked.topics.is_empty(), "v{version}");
        let replica = (asked.replica_id, asked.replica_state.replica_id);
        assert_eq!(replica, (-1, -1), "the sessions of consumers are not evicted for it");
        let answer = broker.fetch(version, asked);
        let answer = forwarded.answered(&mut door, &answer);
        assert_eq!((answer.error_code, answer.session_id), (0, 1));
        assert_eq!(said(&answer), [((1, 0), (DENIED, -1))].into());

        let more = [((2, 1), 7)].into();
        let answer = door.send(version, &request(version, (1, 1), &more, &[])).reply();
        assert_eq!(said(&answer), [((1, 0), (DENIED, -1)), ((2, 1), (DENIED, -1))].into());
        let answer = door.send(version, &request(version, (1, 3), &nothing, &[])).reply();
        assert_eq!((answer.error_code, answer.session_id), (WRONG_EPOCH, 0));
        let answer = door.send(version, &request(version, (1, 2), &nothing, &[(1, 0)])).reply();
        assert_eq!(said(&answer), [((2, 1), (DENIED, -1))].into());
        // The last partition ends it, at the broker too.
        let answer = fetch(&mut door, &mut broker, version, &request(version, (1, 3), &nothing, &[(2, 1)]));
        assert_eq!((answer.session_id, said(&answer)), (0, [].into()));
        assert!(broker.sessions.is_empty());

        // A broker that has no place for a session says so.
        let forwarded = door.send(version, &request(version, (0, 0), &one, &[])).forwarded();
        let answer = forwarded.answered(&mut door, &FetchResponse::default());
        assert_eq!((answer.session_id, said(&answer)), (0, [((1, 0), (DENIED, -1))].into()));
    }
}

fn from_follower(version: i16, mut request: FetchRequest) -> FetchRequest {
    match version {
        15.. => request.replica_state = ReplicaState { replica_id: 2, ..Default::default() },
        _ => request.replica_id = 2,
    }
    request
}

#[test]
fn a_session_is_judged_by_the_right_of_whoever_uses_it_now() {
    let (one, nothing) = (Wanted::from([((1, 0), 5)]), Wanted::new());
    for version in 7..=*Door::versions::<FetchRequest>().end() {
        // A consumer that takes itself for a follower.
        let (mut door, mut broker) = (door(vec![read(1)]), FakeBroker::default());
        let session = fetch(&mut door, &mut broker, version, &request(version, (0, 0), &one, &[])).session_id;
        let follower = from_follower(version, request(version, (session, 1), &nothing, &[]));
        let answer = door.send(version, &follower).reply();
        assert_eq!((answer.session_id, said(&answer)), (session, [((1, 0), (DENIED, -1))].into()));
        let answer = fetch(&mut door, &mut broker, version, &request(version, (session, 2), &nothing, &[]));
        assert_eq!((answer.session_id, said(&answer)), (session, [((1, 0), (0, 5))].into()));

        // And a follower that takes itself for a consumer.
        let rights = vec![allow_cluster(Operation::ClusterAction)];
        let (mut door, mut broker) = (super::door(rights), FakeBroker::default());
        let first = from_follower(version, request(version, (0, 0), &one, &[]));
        let session = fetch(&mut door, &mut broker, version, &first).session_id;
        let answer = door.send(version, &request(version, (session, 1), &nothing, &[])).reply();
        assert_eq!((answer.session_id, said(&answer)), (session, [((1, 0), (DENIED, -1))].into()));
    }
}

#[test]
fn a_session_that_cannot_be_made_anew_is_over() {
    for version in 7..=*Door::versions::<FetchRequest>().end() {
        let (mut door, mut broker) = (door(vec![]), FakeBroker::default());
        let (one, nothing) = (Wanted::from([((1, 0), 5)]), Wanted::new());
        let session = fetch(&mut door, &mut broker, version, &request(version, (0, 0), &one, &[])).session_id;
        door.change([read(1)]);
        let forwarded = door.send(version, &request(version, (session, 1), &nothing, &[])).forwarded();
        // Whoever does not wait for the answer does not know what the next epoch is.
        let early = door.send(version, &request(version, (session, 2), &nothing, &[])).reply();
        assert_eq!(early.error_code, NO_SESSION);
        let answer = forwarded.answered(&mut door, &respond(version, 0, &one));
        assert_eq!((answer.session_id, said(&answer)), (0, [((1, 0), (0, 5))].into()));
        let answer = door.send(version, &request(version, (session, 2), &nothing, &[])).reply();
        assert_eq!(answer.error_code, NO_SESSION);
    }
}

#[test]
fn what_is_asked_for_and_forgotten_at_once_is_forgotten() {
    let (mut door, mut broker) = (door(vec![read(1)]), FakeBroker::default());
    let (one, other) = (Wanted::from([((1, 0), 5)]), Wanted::from([((2, 0), 6)]));
    let session = fetch(&mut door, &mut broker, 12, &request(12, (0, 0), &one, &[])).session_id;
    let answer = fetch(&mut door, &mut broker, 12, &request(12, (session, 1), &other, &[(2, 0)]));
    assert_eq!(said(&answer), [((1, 0), (0, 5))].into());
}

#[test]
fn a_session_belongs_to_the_connection_it_was_made_on() {
    for version in 7..=*Door::versions::<FetchRequest>().end() {
        let (mut owner, mut broker) = (door(vec![read(1)]), FakeBroker::default());
        let one = [((1, 0), 5)].into();
        let session =
            fetch(&mut owner, &mut broker, version, &request(version, (0, 0), &one, &[])).session_id;

        let mut thief = door(vec![read(1), read(2)]);
        let nothing = Wanted::new();
        let answer = thief.send(version, &request(version, (session, 1), &nothing, &[])).reply();
        assert_eq!((answer.error_code, answer.session_id), (NO_SESSION, 0));
        assert!(answer.responses.is_empty());
        // Nor can it be closed by anybody else.
        let forwarded = thief.send(version, &request(version, (session, 0), &one, &[])).forwarded();
        assert_eq!(forwarded.request.session_id, 0);

        let answer = owner.send(version, &request(version, (session, 7), &nothing, &[])).reply();
        assert_eq!(answer.error_code, WRONG_EPOCH);
        unedited(&mut owner, version, &request(version, (session, 1), &nothing, &[]));
    }
}

#[test]
fn a_session_of_names_is_not_one_of_ids() {
    let (mut door, mut broker) = (door(vec![read(1)]), FakeBroker::default());
    let one = [((1, 0), 5)].into();
    let session = fetch(&mut door, &mut broker, 12, &request(12, (0, 0), &one, &[])).session_id;
    let answer = door.send(13, &request(13, (session, 1), &Wanted::new(), &[])).reply();
    assert_eq!(answer.error_code, OTHER_KIND);
    unedited(&mut door, 12, &request(12, (session, 1), &Wanted::new(), &[]));
}

#[test]
fn a_session_that_the_broker_ended_is_forgotten() {
    let (mut door, mut broker) = (door(vec![read(1)]), FakeBroker::default());
    let session =
        fetch(&mut door, &mut broker, 12, &request(12, (0, 0), &[((1, 0), 5)].into(), &[])).session_id;
    let forwarded = door.send(12, &request(12, (session, 1), &Wanted::new(), &[])).forwarded();
    let evicted = FetchResponse { error_code: NO_SESSION, ..Default::default() };
    assert_eq!(forwarded.answered(&mut door, &evicted), evicted);
    let answer = door.send(12, &request(12, (session, 2), &Wanted::new(), &[])).reply();
    assert_eq!(answer.error_code, NO_SESSION);
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n
    }
}

/// Whatever a client asks, in whatever order, and however the ACLs change meanwhile: every answer is what a Kafka with an
/// authorizer would say of all that the client believes to be in its session.
#[test]
fn any_conversation_is_answered_as_by_a_kafka_that_knows_the_acls() {
    let seed = std::process::id().into();
    let (mut answers, mut ends) = (0, 0);
    for round in 0..400_u64 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (round + 1).wrapping_mul(seed));
        let version = 7 + random.below(12) as i16;
        let mut readable: BTreeSet<u8> = (1..=4).filter(|_| random.below(2) == 0).collect();
        let bindings =
            |readable: &BTreeSet<u8>| readable.iter().map(|topic| read(*topic)).collect::<Vec<_>>();
        let (mut door, mut broker) = (door(bindings(&readable)), FakeBroker::default());
        let mut believed = Wanted::new();
        let mut session = (0, 0);
        for step in 0..40 {
            let what = format!("seed {seed}, round {round}, step {step}, v{version}, session {session:?}");
            if random.below(4) == 0 {
                let topic = 1 + random.below(4) as u8;
                if !readable.remove(&topic) {
                    readable.insert(topic);
                }
                door.change(bindings(&readable));
            }
            let mut wanted: Wanted = (0..random.below(4))
                .map(|_| ((1 + random.below(4) as u8, random.below(3) as i32), random.below(100) as i64))
                .collect();
            let mut forgotten = Vec::new();
            if session.1 == 0 || random.below(20) == 0 {
                session.1 = 0;
                if wanted.is_empty() {
                    wanted.insert((1, 0), 1);
                }
                believed = wanted.clone();
            } else {
                forgotten = believed.keys().copied().filter(|key| !wanted.contains_key(key)).collect();
                forgotten.retain(|_| random.below(3) == 0);
                believed.retain(|key, _| !forgotten.contains(key));
                believed.extend(wanted.clone());
            }
            let answer =
                fetch(&mut door, &mut broker, version, &request(version, session, &wanted, &forgotten));
            let expected: BTreeMap<_, _> = believed
                .iter()
                .map(|(key, offset)| match readable.contains(&key.0) {
                    true => (*key, (0, *offset)),
                    false => (*key, (DENIED, -1)),
                })
                .collect();
            assert_eq!(said(&answer), expected, "{what}");
            assert_eq!(answer.error_code, 0, "{what}");
            answers += 1;
            // A session ends with its last partition and no sooner.
            match (believed.is_empty(), session.1) {
                (true, _) => assert_eq!(answer.session_id, 0, "{what}"),
                (false, 0) => assert_ne!(answer.session_id, 0, "{what}"),
                (false, _) => assert_eq!(answer.session_id, session.0, "{what}"),
            }
            assert!(broker.sessions.len() <= 1, "{what}: one was left behind");
            for held in broker.sessions.values().map(|(_, held)| held) {
                let denied = held.keys().any(|key| !readable.contains(&key.0));
                let errors_alone = believed.keys().all(|key| !readable.contains(&key.0));
                assert!(!denied || errors_alone, "{what}: the broker's session holds {held:?}");
            }
            session = match answer.session_id {
                0 => (0, 0),
                id => (id, session.1 + 1),
            };
            ends += usize::from(session.0 == 0);
        }
    }
    println!("{answers} answers, {ends} sessions ended");
    assert!(answers > 10_000 && ends > 100);
}
