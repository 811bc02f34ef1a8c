//! Mapping rules, held against Kafka's own class: `tests/data/mapping-rules.tsv`, made by
//! `tests/tools/PrincipalMappingRules.java`.

use std::collections::BTreeSet;

use doorkeeper::model::principal::{MappingRules, NoMatch, PrincipalBuilder, may_be_subject};
use proptest::prelude::*;

const TABLE: &str = include_str!("../data/mapping-rules.tsv");

/// Settings that Kafka takes and doorkeeper refuses have one of these reasons.
const REFUSED: [&str; 26] = [
    "a back-reference that ignores case is not supported",
    "a capturing group within look-around is not supported; write (?:...)",
    "a class must have characters on both sides of &&",
    "a class with more than one && or with a single & beside it is not supported",
    "a comma must follow the rule",
    "a quantifier on a quantifier is not supported",
    "a quantifier on what never takes a character is not supported",
    "a range cannot start with a class",
    "a rule must be DEFAULT or RULE:pattern/replacement/, or that with L or U behind it",
    "general categories beside && are not supported",
    "look-behind whose length varies is not supported",
    "of the inline flags only i and s are supported, as in (?i) or (?i:...)",
    "repeating what may match nothing is not supported",
    "the property \"IsAlphabetic\" is not supported; general categories as in \\p{Lu} and POSIX classes as in \\p{Alpha} are",
    "the property \"javaLowerCase\" is not supported; general categories as in \\p{Lu} and POSIX classes as in \\p{Alpha} are",
    "there is no group 1 that ends before this",
    "this brace follows nothing that it could repeat; write \\{ for the character",
    "this class matches nothing",
    "this escape names no character",
    "this quantifier follows nothing",
    "write {n}, {n,} or {n,m} with numbers up to 1000",
    "\\G is not supported",
    "\\N is not supported",
    "\\Q is not supported in a class",
    "\\R is not supported",
    "\\X is not supported",
];

/// Names for which Kafka finds a principal, or no matching rule, while doorkeeper's rule fails, have one of these reasons.
const LIMITED: [&str; 6] = [
    "Error executing regex: Max limit for backtracking count exceeded",
    "the name ends in a line terminator, and the pattern uses $ or \\Z",
    "the name has characters above U+FFFF outside of what the pattern matches",
    "the name has characters above U+FFFF, and the pattern uses look-behind",
    "the name is not ASCII, and the pattern uses \\b or \\B, which mean different things in different versions of Java",
    "what becomes of the letter Σ in lower case depends on its neighbours",
];

#[test]
fn every_rule_maps_every_name_as_in_kafka() {
    let names: Vec<String> = TABLE
        .lines()
        .filter_map(|line| line.strip_prefix("name\t"))
        .map(|name| serde_json::from_str(name).unwrap())
        .collect();
    let (mut refused, mut limited, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let (mut settings, mut same, mut made_of_subjects) = (0, 0, 0);
    for line in TABLE.lines().filter(|line| line.starts_with('"')) {
        let mut fields = line.split('\t');
        let setting: String = serde_json::from_str(fields.next().unwrap()).unwrap();
        let kafka: Vec<&str> = fields.collect();
        settings += 1;
        match (MappingRules::parse(&setting), kafka[0] == "refused") {
            (Err(_), true) => same += names.len(),
            (Err(error), false) => {
                refused.insert(error.reason.trim_start_matches("in the rule's pattern: ").to_owned());
            }
            (Ok(_), true) => wrong.push(format!("{setting:?} is taken, and Kafka refuses it")),
            (Ok(rules), false) => {
                assert_eq!(kafka.len(), names.len());
                let builder = PrincipalBuilder::from(rules.clone());
                for name in names.iter().filter(|name| may_be_subject(name)) {
                    if let Ok(made) = rules.apply(name) {
                        assert!(
                            builder.can_make(&made),
                            "{setting:?} makes {made:?} of {name:?}, and says that it cannot"
                        );
                        made_of_subjects += 1;
                    }
                }
                for (name, kafka) in names.iter().zip(kafka) {
                    match rules.apply(name) {
                        Ok(ours) if kafka == "=" && ours == *name => same += 1,
                        Ok(ours)
                            if kafka.starts_with('"')
                                && ours == serde_json::from_str::<String>(kafka).unwrap() =>
                        {
                            same += 1;
                        }
                        Err(NoMatch::NoRule) if kafka == "-" => same += 1,
                        Err(NoMatch::Failed { .. }) if kafka == "!" => same += 1,
                        Err(NoMatch::Failed { reason, .. }) => {
                            limited.insert(reason);
                        }
                        ours => {
                            wrong.push(format!("{setting:?} on {name:?}: {ours:?} where Kafka has {kafka}"));
                        }
                    }
                }
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
    assert_eq!(refused, REFUSED.map(str::to_owned).into());
    assert_eq!(limited, LIMITED.map(str::to_owned).into());
    assert!(settings > 2000 && same > 20_000, "{same} results of {settings} settings are the same");
    assert!(made_of_subjects > 1000, "only {made_of_subjects} names were made of subjects");
}

/// Of what no certificate can become it is known that it cannot, in the cases that people meet.
#[test]
fn names_that_no_rule_makes_are_known() {
    const CUT: &str = "RULE:^CN=([^,]+).*$/$1/, DEFAULT";
    for (setting, name, can) in [
        (CUT, "alice", true),
        (CUT, "CN=alice,O=Example", false),
        (CUT, "O=Example,CN=alice", true),
        (CUT, "CN=", true),
        ("DEFAULT", "alice", false),
        ("DEFAULT", "ANONYMOUS", false),
        ("DEFAULT", "CN=alice,O=Example", true),
        ("DEFAULT", "CN=alice\\, the first,O=Example", true),
        ("DEFAULT", "CN=alice, O=Example", false),
        ("DEFAULT", "cn=alice", false),
        ("DEFAULT", "CN=alice+2.5.4.5=#130131,DC=org", true),
        ("DEFAULT", "emailAddress=a@example.com,CN=alice", false),
        ("DEFAULT, RULE:.*/alice/", "alice", false),
        ("", "CN=alice", false),
        ("RULE:^CN=([^,]+).*$/$1/L", "Alice", false),
        ("RULE:^CN=([^,]+).*$/$1/L", "alice", true),
        ("RULE:^CN=([^,]+).*$/$1/U", "alice", false),
        ("RULE:^CN=([a-z]+),OU=([a-z]+).*$/$1@$2/", "alice@sales", true),
        ("RULE:^CN=([a-z]+),OU=([a-z]+).*$/$1@$2/", "alice", false),
        ("RULE:^CN=([a-z]+),OU=([a-z]+).*$/$1@$2/", "alice@Sales", false),
        // What the pattern leaves over stays, so that anything may follow.
        ("RULE:CN=([a-z]+)/$1/", "alice,O=Example", true),
        ("RULE:CN=([a-z]+)/$1/", "Alice", true),
        ("RULE:CN=([a-z]+)/user-$1/", "alice", false),
        ("RULE:^CN=(?:a|b)$|^O=c$/x/", "xy", true),
        // What these groups hold depends on what stands beside them.
        ("RULE:^CN=(a++)a?.*$/$1a/", "aa", true),
        ("RULE:^CN=(\\w+(?=,)).*$/$1/", "alice", true),
        ("RULE:^CN=(.)\\1.*$/$1/", "x", true),
        // A rule that fails makes nothing.
        ("RULE:^CN=(.*)$/$2$/", "alice", false),
    ] {
        let rules = PrincipalBuilder::from(MappingRules::parse(setting).unwrap());
        assert_eq!(rules.can_make(name), can, "{setting:?} {name:?}");
    }
}

#[test]
fn a_fault_is_told_with_its_place() {
    for (setting, told) in [
        (
            "DEFAULT, default",
            "at byte 9: a rule must be DEFAULT or RULE:pattern/replacement/, or that with L or U behind it",
        ),
        ("DEFAULT DEFAULT", "at byte 8: a comma must follow the rule"),
        (
            "RULE:^CN=(.*)$",
            "at byte 0: the rule's pattern must end with a slash; a slash within it is written \\/",
        ),
        (
            " RULE:^CN=(.*)$/$1",
            "at byte 1: the rule's replacement must end with a slash; a slash within it is written \\/",
        ),
        ("RULE:.*/x/LU", "at byte 11: a rule can have L or U, but not both"),
        ("RULE:.*/x/l", "at byte 10: a comma must follow the rule"),
        ("RULE:^CN=([^,]+.*$/$1/", "at byte 9: in the rule's pattern: this parenthesis is not closed"),
        ("DEFAULT,RULE:ü[a/x/", "at byte 15: in the rule's pattern: this bracket is not closed"),
        (
            "RULE:(?m)^x$/x/",
            "at byte 7: in the rule's pattern: of the inline flags only i and s are supported, as in (?i) or (?i:...)",
        ),
    ] {
        let error = MappingRules::parse(setting).unwrap_err();
        assert_eq!(error.to_string(), format!("invalid principal mapping rules {told}"));
    }
}

#[test]
fn rules_on_lines_of_their_own_need_commas_too() {
    // Kafka drops the first of these without a word.
    let error = MappingRules::parse("RULE:^CN=(.*?),.*$/$1/\nDEFAULT").unwrap_err();
    assert_eq!((error.offset, error.reason.as_str()), (23, "a comma must follow the rule"));
    assert!(MappingRules::parse("RULE:^CN=(.*?),.*$/$1/,\n  DEFAULT").is_ok());
}

#[test]
fn an_empty_setting_is_not_the_default() {
    assert_eq!(MappingRules::default().apply("CN=a"), Ok("CN=a".to_owned()));
    let error = MappingRules::parse("").unwrap().apply("CN=a").unwrap_err();
    assert_eq!(error, NoMatch::NoRule);
    assert_eq!(error.to_string(), "no principal mapping rule matches it");
}

#[test]
fn a_rule_that_fails_ends_the_search() {
    let rules = MappingRules::parse("RULE:.*/$1/, DEFAULT").unwrap();
    assert_eq!(
        rules.apply("CN=a").unwrap_err().to_string(),
        "the principal mapping rule \"RULE:.*/$1/\" cannot be applied to it: the pattern has no group 1"
    );
}

#[test]
fn no_name_keeps_a_rule_busy() {
    let rules = MappingRules::parse(r"RULE:^((a|aa)+)\1\1b$/x/").unwrap();
    let error = rules.apply(&"a".repeat(60)).unwrap_err().to_string();
    assert!(error.ends_with("Max limit for backtracking count exceeded"), "{error}");
    // Nor does it get the name to the next rule.
    let rules = MappingRules::parse("RULE:.*?/x/, DEFAULT").unwrap();
    assert_eq!(rules.apply(&"a".repeat(999)).unwrap(), "xa".repeat(999) + "x");
    let error = rules.apply(&"a".repeat(1000)).unwrap_err().to_string();
    assert!(error.ends_with("the pattern matches more than 1000 times"), "{error}");
    let error = rules.apply(&"a".repeat(16 * 1024 + 1)).unwrap_err().to_string();
    assert!(error.ends_with("the name is longer than 16 KiB"), "{error}");
}

#[test]
fn no_pattern_grows_without_bound() {
    assert!(MappingRules::parse("RULE:((((a{1000}){1000}){1000}){1000})/x/").is_err());
    assert!(MappingRules::parse(&format!("RULE:{}/x/", "(".repeat(100_000))).is_err());
    assert!(MappingRules::parse(&format!("RULE:{}/x/", "[".repeat(100_000))).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_setting_and_no_name_panics(
        setting in "(DEFAULT|RULE:|[a-zLUü/\\\\(){}\\[\\]^$.|?*+0-9,<>:=!&\\- \n-]){0,30}",
        pattern in "[a-cCNü\\\\(){}\\[\\]^$.|?*+0-3,<>:=!&QEpbdux-]{0,20}",
        name in "[a-cCNü,=😀\n]{0,12}",
    ) {
        for setting in [setting, format!("RULE:{pattern}/<$0$1>/")] {
            if let Ok(rules) = MappingRules::parse(&setting) {
                let _ = rules.apply(&name);
            }
        }
    }
}
