use super::*;

const RULES: &str = "    principal_mapping_rules: ";

fn from(sources: &str) -> String {
    format!("    principal_from: {sources}\n{RULES}")
}

#[test]
fn kinds_of_names_are_looked_at_in_their_order() {
    let sources = from(
        "[{ name: spiffe, rules: 'RULE:^spiffe:\\/\\/a\\/(.*)$/$1/' }, { name: subject }, { name: dns }]",
    );
    let config = parse(&DESIGNED.replacen(RULES, &sources, 1)).unwrap();
    let principal = &config.listeners[0].principal;
    assert!(principal.kinds().eq([NameKind::Spiffe, NameKind::Subject, NameKind::Dns]));
    assert_eq!(principal.rules(NameKind::Spiffe).unwrap().apply("spiffe://a/b").unwrap(), "b");
    assert_eq!(principal.rules(NameKind::Subject).unwrap().apply("CN=alice,O=x").unwrap(), "alice");
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn what_cannot_be_meant_is_a_fault() {
    for (sources, expected) in [
        ("[]", "the list needs at least 1 entry"),
        ("[{ name: email }]", "'email' is not known here: it is one of subject, spiffe, dns"),
        ("[{ name: dns }, { name: dns }]", "this kind of name is there twice: keep one, with all its rules"),
        (
            "[{ name: subject, rules: DEFAULT }]",
            "the rules for the subject are principal_mapping_rules: write them there",
        ),
        (
            "[{ name: dns, rules: alice }]",
            "a rule must be DEFAULT or RULE:pattern/replacement/, or that with L or U behind it",
        ),
    ] {
        let said = faults_with(RULES, &from(sources));
        assert!(said.contains(expected), "{sources}: {said}");
    }
    let warnings = warnings_with(RULES, &from("[{ name: dns }]"));
    assert!(
        warnings[0].contains("they are never asked, for principal_from does not name the subject"),
        "{warnings:?}"
    );
}
