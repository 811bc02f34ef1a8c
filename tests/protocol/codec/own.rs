//! The codec against messages of every version, whole, cut short and changed.

use std::collections::BTreeSet;

use doorkeeper::protocol::wire::FaultKind;

use crate::support::layouts::{Field, each_version, layouts};
use crate::support::samples::{Flaw, Random, Style, flawed_sample, hex, sample, sample_with_spans};

#[test]
fn the_catalogue_is_what_kafka_has() {
    let mut seen = 0;
    for layout in layouts().iter().filter(|layout| layout.is_current()) {
        let entry = layout.entry();
        let oldest = layouts()
            .iter()
            .filter(|old| (old.key, old.is_request) == (layout.key, layout.is_request))
            .map(|old| *old.versions.start())
            .min();
        assert_eq!(entry.name, layout.api);
        assert_eq!(Some(*entry.versions.start()), oldest, "{}", layout.name());
        assert_eq!(entry.versions.end(), layout.versions.end(), "{}", layout.name());
        // A first flexible version that is still to come tells nothing.
        if layout.versions.contains(&layout.flexible) || entry.flexible < i16::MAX {
            assert_eq!(entry.flexible, layout.flexible, "{}", layout.name());
        }
        seen += 1;
    }
    assert_eq!(seen, 2 * doorkeeper::protocol::messages::CATALOGUE.len());
}

/// A new kind of name is a new question to the ACLs.
#[test]
fn the_kinds_of_names_are_known() {
    fn collect(fields: &'static [Field], found: &mut BTreeSet<&str>) {
        for field in fields {
            found.extend(field.entity);
            collect(&field.fields, found);
        }
    }
    let mut found = BTreeSet::new();
    layouts().iter().for_each(|layout| collect(&layout.fields, &mut found));
    let known = ["brokerId", "groupId", "producerId", "topicName", "transactionalId"];
    assert_eq!(found, BTreeSet::from(known));
    let listeners: BTreeSet<_> = layouts().iter().flat_map(|layout| &layout.listeners).copied().collect();
    assert_eq!(listeners, BTreeSet::from(["broker", "controller"]));
}

#[test]
fn a_message_of_any_version_comes_back_as_it_was() {
    let mut random = Random(77);
    each_version(|layout, version, codec| {
        for _ in 0..20 {
            let body = sample(layout, version, &mut random, Style::Rich);
            let again = (codec.recode)(&body, version, version);
            assert_eq!(again.as_deref(), Ok(&*body), "{} v{version}: {}", layout.name(), hex(&body));
        }
    });
}

/// Which proves the names of structs and fields, too.
#[test]
fn a_cut_is_noticed_and_the_field_named() {
    let mut random = Random(78);
    let (mut met, mut named) = (BTreeSet::new(), BTreeSet::new());
    each_version(|layout, version, codec| {
        for _ in 0..2 {
            let sample = sample_with_spans(layout, version, &mut random, Style::Rich);
            for cut in 0..sample.body.len() {
                let fault = (codec.recode)(&sample.body.slice(..cut), version, version).unwrap_err();
                assert_eq!(fault.kind, FaultKind::Short, "{} v{version} cut at {cut}", layout.name());
                let field = fault.field.replace("r#", "");
                let cut_fields = sample.spans.iter().filter(|(span, _)| span.contains(&cut));
                // Kafka 4 has renamed some structs of old versions.
                let is_named =
                    !layout.is_current() || cut_fields.map(|(_, name)| name).any(|name| *name == field);
                assert!(is_named, "{} v{version} cut at {cut}: {fault}", layout.name());
                named.insert(field);
            }
            if layout.is_current() {
                met.extend(sample.spans.into_iter().map(|(_, field)| field));
            }
        }
    });
    // An array whose count exceeds what is left is named before its elements, but not every time.
    assert_eq!(met.difference(&named).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_flaw_is_noticed_and_the_field_named() {
    let mut random = Random(80);
    let flaws = [
        (Flaw::Null, FaultKind::Null, 2_000),
        (Flaw::EmptyTag, FaultKind::Tag, 50),
        (Flaw::OtherTag, FaultKind::Tag, 20),
    ];
    for (flaw, kind, expected) in flaws {
        let mut count = 0;
        each_version(|layout, version, codec| {
            let (mut done, mut misses) = (BTreeSet::new(), 0);
            // Until every field must have had its turn.
            while misses < 5 {
                let Some((body, field)) = flawed_sample(layout, version, &mut random, flaw, &mut done) else {
                    misses += 1;
                    continue;
                };
                let at = format!("{flaw:?} in {} v{version}", layout.name());
                let fault = (codec.recode)(&body, version, version).expect_err(&at);
                assert_eq!(fault.kind, kind, "{at}: {fault}");
                assert!(
                    !layout.is_current() || fault.field.replace("r#", "") == field,
                    "{at}: {field}, not {fault}"
                );
                count += 1;
            }
        });
        assert!(count > expected, "{flaw:?}: {count}");
    }
}

#[test]
fn changed_bytes_are_refused_or_settle_at_once() {
    let mut random = Random(79);
    let (mut accepted, mut refused) = (0, 0);
    each_version(|layout, version, codec| {
        let body = sample(layout, version, &mut random, Style::Rich);
        for at in 0..body.len() {
            for byte in [0x00, 0x01, 0x80, 0xff, body[at] ^ 1, random.next() as u8] {
                let mut changed = body.to_vec();
                changed[at] = byte;
                let changed = changed.into();
                let Ok(once) = (codec.recode)(&changed, version, version) else {
                    refused += 1;
                    continue;
                };
                accepted += 1;
                let twice = (codec.recode)(&once.clone().into(), version, version);
                assert_eq!(twice.as_ref(), Ok(&once), "{} v{version}: {}", layout.name(), hex(&changed));
            }
        }
    });
    // Both ways were gone: the messages hold numbers that may be anything, and lengths that may not.
    assert!(accepted > 100_000 && refused > 20_000, "{accepted} accepted, {refused} refused");
}
