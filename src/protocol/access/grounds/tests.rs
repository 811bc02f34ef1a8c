use super::*;
use crate::model::acl::{Authorizer, Binding, PatternType, Permission, Settings};

fn view(topics: &[&str]) -> ClientView {
    let binding = |name: &&str| Binding {
        principal: "User:alice".to_owned(),
        host: "*".to_owned(),
        operation: Operation::All,
        permission: Permission::Allow,
        resource_type: ResourceType::Topic,
        resource_name: (*name).to_owned(),
        pattern_type: PatternType::Prefixed,
    };
    Authorizer::new(topics.iter().map(binding).collect(), Settings::default())
        .client("User:alice", [10, 0, 0, 7].into())
}

fn request(grounds: &mut Grounds, view: &ClientView, names: &[&str], remedy: Remedy) -> Number {
    grounds.begin();
    grounds.set_deciding(true);
    for name in names {
        assert!(grounds.decide((view, 1), Operation::Read, ResourceType::Topic, name).allowed);
    }
    grounds.set_deciding(false);
    grounds.sent(remedy)
}

fn lost(grounds: &Grounds, view: &ClientView) -> Vec<(String, Last)> {
    let mut lost: Vec<_> =
        grounds.lost(view).into_iter().map(|(_, name, last)| (name.to_owned(), last)).collect();
    lost.sort_by(|a, b| a.0.cmp(&b.0));
    lost
}

#[test]
fn what_is_under_way_needs_what_it_was_allowed_by_until_it_is_answered() {
    let (all, fewer) = (view(&["a", "b"]), view(&["a"]));
    let mut grounds = Grounds::default();
    let first = request(&mut grounds, &all, &["a", "b"], Remedy::JudgeAnswer);
    let second = request(&mut grounds, &all, &["b", "b"], Remedy::Nothing);
    let third = request(&mut grounds, &all, &["a"], Remedy::Nothing);
    assert_eq!(lost(&grounds, &all), []);
    let both = Last { judged_again: first, others: second };
    assert_eq!(lost(&grounds, &fewer), [("b".to_owned(), both)]);
    grounds.answered(first);
    let one = Last { judged_again: 0, others: second };
    assert_eq!(lost(&grounds, &fewer), [("b".to_owned(), one)]);
    grounds.answered(second);
    assert_eq!(lost(&grounds, &fewer), []);
    assert_eq!(lost(&grounds, &view(&[])).len(), 1);
    grounds.answered(third);
    assert_eq!(lost(&grounds, &view(&[])), []);
}

#[test]
fn what_does_not_go_to_the_broker_needs_nothing() {
    let (all, none) = (view(&["a", "b"]), view(&[]));
    let mut grounds = Grounds::default();
    let first = request(&mut grounds, &all, &["a"], Remedy::Nothing);
    grounds.begin();
    grounds.set_deciding(true);
    assert!(grounds.decide((&all, 1), Operation::Read, ResourceType::Topic, "b").allowed);
    grounds.set_deciding(false);
    assert!(grounds.has_lost_noted(&none) && !grounds.has_lost_noted(&all));
    // It is refused after all. Nor does an answer need what is looked at for it.
    grounds.begin();
    assert!(!grounds.has_lost_noted(&none));
    assert!(grounds.decide((&all, 1), Operation::Read, ResourceType::Topic, "b").allowed);
    let next = request(&mut grounds, &all, &[], Remedy::Nothing);
    assert_eq!(lost(&grounds, &none), [("a".to_owned(), Last { judged_again: 0, others: first })]);
    grounds.answered(next);
    assert_eq!(lost(&grounds, &none), []);
}

#[test]
fn decisions_are_those_of_the_acls_in_force() {
    let mut grounds = Grounds::default();
    let decide = |grounds: &mut Grounds, view: &ClientView, generation| {
        grounds.decide((view, generation), Operation::Read, ResourceType::Topic, "a").allowed
    };
    grounds.set_deciding(true);
    assert!(decide(&mut grounds, &view(&["a"]), 1));
    assert!(decide(&mut grounds, &view(&["a"]), 1));
    assert!(!decide(&mut grounds, &view(&[]), 2));
    assert!(decide(&mut grounds, &view(&["a"]), 3));
}

#[test]
fn all_kinds_of_grounds_are_looked_at() {
    let all = view(&["a"]);
    for ground in [
        Ground::Any(Operation::Read, ResourceType::Topic),
        Ground::Every(Operation::Read, ResourceType::Topic),
        Ground::SuperUser,
    ] {
        let mut grounds = Grounds::default();
        grounds.begin();
        grounds.set_deciding(true);
        grounds.need(ground, "");
        grounds.set_deciding(false);
        grounds.sent(Remedy::Nothing);
        assert_eq!(lost(&grounds, &view(&[])).len(), 1);
        assert_eq!(lost(&grounds, &all).is_empty(), matches!(ground, Ground::Any(..)));
    }
}

#[test]
fn what_a_session_held_counts_while_it_may_be_read() {
    let (all, none) = (view(&["a"]), view(&[]));
    let ground = Ground::Named(Operation::Read, ResourceType::Topic);
    let mut grounds = Grounds::default();
    grounds.leave_session(ground, "a");
    assert_eq!(grounds.size(), 0);
    grounds.begin();
    grounds.set_deciding(true);
    grounds.need_session();
    grounds.set_deciding(false);
    let number = grounds.sent(Remedy::JudgeAnswer);
    grounds.leave_session(ground, "a");
    assert_eq!(lost(&grounds, &all), []);
    assert_eq!(lost(&grounds, &none).len(), 1);
    grounds.answered(number);
    assert_eq!(lost(&grounds, &none), []);
}

#[test]
fn memory_is_bounded_and_what_does_not_fit_is_not_forgotten() {
    let all = view(&[""]);
    let mut grounds = Grounds::default();
    let names: Vec<String> = (0..2 * MOST).map(|n| n.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let number = request(&mut grounds, &all, &names, Remedy::Nothing);
    assert!(grounds.entries.len() <= MOST && grounds.size() <= MOST * SIZE + MOST_NAMED);
    assert_eq!(grounds.more_under_way(), Last { judged_again: 0, others: number });
    // Nothing can be forgotten before it is answered.
    let next = request(&mut grounds, &all, &["one"], Remedy::JudgeAnswer);
    assert_eq!(grounds.more_under_way(), Last { judged_again: next, others: number });
    grounds.answered(next);
    assert_eq!(grounds.more_under_way(), Last::default());
    request(&mut grounds, &all, &["one", "two"], Remedy::Nothing);
    assert_eq!(grounds.entries.len(), 2);
    assert_eq!(lost(&grounds, &view(&[])).len(), 2);
    let long = "n".repeat(MOST_NAMED);
    let number = request(&mut grounds, &all, &[&long], Remedy::Nothing);
    assert_eq!(grounds.more_under_way().others, number);
}
