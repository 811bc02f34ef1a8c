use super::super::tests::request;
use super::*;

fn denied(name: &str, known: Known) -> Decided<'_> {
    Decided {
        allowed: false,
        operation: Operation::Write,
        resource_type: ResourceType::Topic,
        resource_name: name,
        rule: &"DefaultDeny",
        count: 2,
        known,
    }
}

fn names(record: &Record) -> Vec<&str> {
    record.events.iter().map(|event| event.resource_name.as_str()).collect()
}

fn invented(record: &mut Record, numbers: std::ops::Range<usize>) {
    for number in numbers {
        record.add(&denied(&format!("x{number}"), Known::Nothing));
    }
}

#[test]
fn the_known_among_many_invented_has_its_own_line_wherever_it_stands() {
    for place in [0, 63, 64, 30_000, 60_000] {
        let mut record = Record::new(request());
        invented(&mut record, 0..place);
        record.add(&denied("payroll", Known::ByName));
        invented(&mut record, place..60_000);
        assert!(names(&record).contains(&"payroll"), "at {place}");
        assert_eq!(record.decisions(), (60_001, 0));
        assert_eq!(record.most_known(), Some(Known::ByName));
        let [sum] = record.sums.as_slice() else { panic!("{:?}", record.sums) };
        assert_eq!((record.events.len() as u64 + sum.decisions, sum.known), (60_001, 0));
        assert_eq!(sum.count, 2 * sum.decisions);
        assert_eq!((sum.first.len(), sum.last.len()), (NAMES, NAMES));
        if place < 60_000 {
            assert_eq!(sum.last.back().unwrap(), "x59999");
        }
        assert!(record.bytes() < 32 * 1024, "{} bytes", record.bytes());
    }
}

#[test]
fn what_is_known_by_name_takes_the_place_of_what_only_begins_alike() {
    let mut record = Record::new(request());
    invented(&mut record, 0..FIRST);
    for number in 0..1000 {
        record.add(&denied(&format!("pay-{number}"), Known::ByPrefix));
    }
    record.add(&denied("payroll", Known::ByName));
    record.add(&denied("salaries", Known::ByName));
    let names = names(&record);
    assert_eq!(names.len(), FIRST + TELLING);
    assert_eq!(&names[FIRST..FIRST + 2], ["pay-0", "pay-1"]);
    assert_eq!(&names[names.len() - 2..], ["payroll", "salaries"]);
    assert_eq!((record.sums[0].decisions, record.sums[0].known), (1002 - 256, 1002 - 256));
}

#[test]
fn naming_one_thing_over_and_over_hides_nothing_else() {
    let mut record = Record::new(request());
    invented(&mut record, 0..FIRST);
    for _ in 0..10_000 {
        record.add(&denied("orders", Known::ByName));
    }
    record.add(&denied("payroll", Known::ByName));
    assert_eq!(names(&record)[FIRST..], ["orders", "payroll"]);
    assert_eq!(record.sums[0].decisions, 9_999);
}

#[test]
fn kinds_are_summed_up_apart_and_what_was_allowed_takes_no_denials_place() {
    let mut record = Record::new(request());
    for number in 0..1000 {
        let name = format!("t{number}");
        record.add(&Decided { allowed: true, known: Known::Nothing, ..denied(&name, Known::Nothing) });
    }
    invented(&mut record, 0..100);
    for number in 0..3 {
        let name = format!("group-{number}");
        record.add(&Decided {
            operation: Operation::Read,
            resource_type: ResourceType::Group,
            ..denied(&name, Known::Nothing)
        });
    }
    assert_eq!(record.decisions(), (103, 1000));
    assert_eq!(record.events.len(), 2 * FIRST);
    let sums: Vec<_> =
        record.sums.iter().map(|sum| (sum.allowed, sum.resource_type, sum.decisions)).collect();
    let topic = ResourceType::Topic;
    assert_eq!(sums, [(true, topic, 936), (false, topic, 36), (false, ResourceType::Group, 3)]);
    assert_eq!(record.sums[2].first, ["group-0", "group-1", "group-2"]);
}

#[test]
fn its_size_is_bounded_whatever_the_names() {
    let huge = "\u{e9}".repeat(MAX_FIELD * 20);
    let text: Arc<str> = huge.as_str().into();
    let request = Request {
        principal: text.clone(),
        host: text.clone(),
        listener: text.clone(),
        client_id: Some(text),
        ..request()
    };
    let mut record = Record::new(request);
    for number in 0..10_000 {
        let name = format!("{number}{huge}");
        let known = if number % 2 == 0 { Known::ByPrefix } else { Known::ByName };
        record.add(&Decided { rule: &huge, allowed: number % 3 == 0, ..denied(&name, known) });
    }
    assert!(record.bytes() < 1024 * 1024, "{} bytes", record.bytes());
    let expected = format!("{}... ({} more bytes)", "\u{e9}".repeat(MAX_FIELD / 2), MAX_FIELD * 39);
    assert_eq!(*record.request().principal, expected);
    assert_eq!(record.request().client_id.as_deref(), Some(expected.as_str()));
    assert_eq!(record.events[0].rule, expected);
    assert!(record.events[0].resource_name.ends_with(" more bytes)"));
}
