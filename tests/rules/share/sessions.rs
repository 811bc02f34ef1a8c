//! Sessions as such: how many there may be, and that they are Kafka's.

use std::collections::BTreeSet;

use doorkeeper::protocol::messages::*;

use super::*;
use crate::support::door::*;

#[test]
fn a_connection_keeps_a_bounded_number_of_sessions_of_bounded_size() {
    let mut door = reader(&[1]);
    let of = |member: usize, epoch| ShareFetchRequest {
        member_id: Some(member.to_string().into()),
        ..share_fetch(epoch, &[(1, 0)], &[])
    };
    for member in 0..100 {
        door.send(2, &of(member, 0)).forwarded();
    }
    let alive = (0..100).filter(|member| matches!(door.send(2, &of(*member, 1)), Outcome::Forwarded(_)));
    assert_eq!(alive.count(), 8);

    let partitions: Vec<_> = (0..100_001).map(|partition| (2, partition)).collect();
    let answer = door.send(2, &share_fetch(0, &partitions, &[])).reply();
    assert_eq!(answer, ShareFetchResponse { error_code: 133, ..Default::default() });
    door.send(2, &share_fetch(0, &partitions[1..], &[])).forwarded();
    let answer = door.send(2, &share_fetch(1, &partitions[..1], &[])).reply();
    assert_eq!(answer.error_code, 133);
    assert_eq!(door.send(2, &share_fetch(2, &[], &[])).reply().error_code, NO_SESSION);
}

/// A client in the dark: whatever it does while ACLs change, it sees what Kafka would show, and the broker's session
/// holds exactly what the client may read.
#[test]
fn sessions_are_kafkas_whatever_happens() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut compared = 0;
    for round in 0..300 {
        let version = 1 + (round % 2) as i16;
        let mut may: BTreeSet<u8> = (1..6).filter(|_| random(2) == 0).collect();
        let topics: Vec<u8> = may.iter().copied().collect();
        let (mut door, mut broker) = (reader(&topics), Broker::default());
        // The session as the client believes it to be: epoch and partitions.
        let mut believed: Option<(i32, BTreeSet<(u8, i32)>)> = None;
        for _ in 0..20 {
            if random(4) == 0 {
                let topic = 1 + random(5) as u8;
                if !may.remove(&topic) {
                    may.insert(topic);
                }
                change(&mut door, &may.iter().copied().collect::<Vec<_>>());
            }
            let mut some = |most: u64| {
                let pairs = (0..random(most)).map(|_| (1 + random(6) as u8, random(3) as i32));
                pairs.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
            };
            let (wanted, forgotten) = (some(5), some(4));
            let epoch = match (random(8), &believed) {
                (0, _) | (_, None) => 0,
                (1, _) => -1,
                (2, Some((epoch, _))) => *epoch + 1,
                (_, Some((epoch, _))) => *epoch,
            };
            let request = share_fetch(epoch, &wanted, &forgotten);
            let answer = exchange(&mut door, &mut broker, version, &request);
            let expected_code = match &believed {
                _ if epoch == 0 => 0,
                None => NO_SESSION,
                Some((expected, _)) if epoch != -1 && epoch != *expected => WRONG_EPOCH,
                Some(_) => 0,
            };
            assert_eq!(answer.error_code, expected_code, "round {round}");
            if expected_code != 0 {
                continue;
            }
            match epoch {
                0 => believed = Some((1, wanted.into_iter().collect())),
                -1 => believed = None,
                _ => {
                    let (epoch, held) = believed.as_mut().unwrap();
                    *epoch += 1;
                    held.extend(wanted);
                    held.retain(|partition| !forgotten.contains(partition));
                }
            }
            let none = BTreeSet::new();
            let held = believed.as_ref().map_or(&none, |(_, held)| held);
            let what = |partition: &(u8, i32)| match may.contains(&partition.0) {
                true => (*partition, (0, 0, true)),
                false => (*partition, (DENIED, 0, false)),
            };
            assert_eq!(seen(&answer), held.iter().map(what).collect(), "round {round}");
            let readable: BTreeSet<_> =
                held.iter().copied().filter(|(topic, _)| may.contains(topic)).collect();
            let at_broker = broker.session.as_ref().map_or(&none, |(_, held)| held);
            assert_eq!(at_broker, &readable, "round {round}");
            compared += 1;
        }
    }
    assert!(compared > 3000, "{compared}");
}
