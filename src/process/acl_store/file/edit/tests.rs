use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::acl::{Operation, PatternType, Permission, ResourceType};
use crate::process::acl_store::file::read::read;
use crate::process::acl_store::file::serialize::file_of;

/// `alice Read orders`, from a host if there is a fourth word; with `-` before the name it denies, with `~` it is a prefix.
fn binding(words: &str) -> Binding {
    let words: Vec<&str> = words.split(' ').collect();
    let name = words[2].trim_start_matches(['-', '~']);
    Binding {
        resource_type: if name == "kafka-cluster" { ResourceType::Cluster } else { ResourceType::Topic },
        resource_name: name.to_owned(),
        pattern_type: if words[2].starts_with('~') { PatternType::Prefixed } else { PatternType::Literal },
        principal: format!("User:{}", words[0]),
        host: words.get(3).copied().unwrap_or("*").to_owned(),
        operation: words[1].parse().unwrap(),
        permission: if words[2].starts_with('-') { Permission::Deny } else { Permission::Allow },
    }
}

fn edit(text: &str, removed: &[Binding], added: &[Binding]) -> Option<String> {
    let read = read(Path::new("acls.yaml"), text).map_err(|faults| faults.to_string()).unwrap();
    edited(text, &read.said, &removed.iter().collect(), added)
}

/// `-alice Read orders` removes, `+…` adds.
#[track_caller]
fn changed(before: &str, changes: &[&str], after: &str) {
    let of = |sign| changes.iter().filter_map(move |change| Some(binding(change.strip_prefix(sign)?)));
    let (removed, added): (Vec<_>, Vec<_>) = (of('-').collect(), of('+').collect());
    assert_eq!(edit(before, &removed, &added).as_deref(), Some(after));
}

const LINES: &str = "\
# who may do what
- { principal: 'User:alice', topic: orders, operations: [Write, Describe] } # her own

# bob's
- { topic: orders, principal: \"User:bob\", operations: [Read], hosts: [10.0.0.1, \"10.0.0.2\"] }
# the end
";

#[test]
fn what_is_new_comes_last() {
    changed(
        LINES,
        &[
            "+carol Read orders",
            "+carol Write orders",
            "+carol Read -bills 10.0.0.7",
            "+dan Alter kafka-cluster",
        ],
        &format!(
            "{LINES}{}",
            "- { principal: \"User:carol\", topic: orders, operations: [Read, Write] }\n\
             - { principal: \"User:carol\", topic: bills, operations: [Read], permission: deny, hosts: [\"10.0.0.7\"] }\n\
             - { principal: \"User:dan\", cluster: true, operations: [Alter] }\n"
        ),
    );
}

#[test]
fn an_entry_keeps_what_is_not_removed_of_it() {
    changed(
        LINES,
        &["-alice Write orders"],
        &LINES.replace(
            "- { principal: 'User:alice', topic: orders, operations: [Write, Describe] } # her own",
            "- { principal: \"User:alice\", topic: orders, operations: [Describe] }  # her own",
        ),
    );
    changed(
        LINES,
        &["-bob Read orders 10.0.0.1"],
        &LINES.replace(
            "- { topic: orders, principal: \"User:bob\", operations: [Read], hosts: [10.0.0.1, \"10.0.0.2\"] }",
            "- { principal: \"User:bob\", topic: orders, operations: [Read], hosts: [\"10.0.0.2\"] }",
        ),
    );
}

#[test]
fn an_entry_is_split_where_one_cannot_say_what_is_left() {
    changed(
        "- { principal: \"User:a\", topic: t, operations: [Read, Write], hosts: [10.0.0.1, 10.0.0.2] }\n",
        &["-a Write t 10.0.0.2"],
        "- { principal: \"User:a\", topic: t, operations: [Read, Write], hosts: [\"10.0.0.1\"] }\n\
         - { principal: \"User:a\", topic: t, operations: [Read], hosts: [\"10.0.0.2\"] }\n",
    );
}

#[test]
fn an_entry_of_which_nothing_is_left_goes_and_comments_around_it_stay() {
    changed(
        LINES,
        &["-alice Write orders", "-alice Describe orders"],
        "# who may do what\n\n# bob's\n- { topic: orders, principal: \"User:bob\", operations: [Read], hosts: [10.0.0.1, \"10.0.0.2\"] }\n# the end\n",
    );
    changed(
        LINES,
        &[
            "-alice Write orders",
            "-alice Describe orders",
            "-bob Read orders 10.0.0.1",
            "-bob Read orders 10.0.0.2",
        ],
        "# who may do what\n[]\n\n# bob's\n# the end\n",
    );
}

#[test]
fn a_binding_that_is_said_twice_is_removed_twice() {
    changed(
        "- { principal: \"User:a\", topic: t, operations: [Read] }\n- { principal: \"User:a\", topic: t, operations: [Write, Read] }\n",
        &["-a Read t"],
        "- { principal: \"User:a\", topic: t, operations: [Write] }\n",
    );
}

#[test]
fn lines_of_keys_stay_lines_of_keys() {
    let before = "---\n  - principal: User:a # she\n    # her topic\n    topic: t\n    operations:\n      - Read\n      - Write\n\n  - {principal: User:b, topic: t, operations: [Read]}\n  -\n    principal: User:c\n    topic: t\n    operations: [Read]\n...\n";
    changed(
        before,
        &["-a Read t", "+d Read ~t"],
        "---\n  # she\n  # her topic\n  - principal: \"User:a\"\n    topic: t\n    operations: [Write]\n\n  - {principal: User:b, topic: t, operations: [Read]}\n  -\n    principal: User:c\n    topic: t\n    operations: [Read]\n  - principal: \"User:d\"\n    topic: t\n    pattern: prefixed\n    operations: [Read]\n...\n",
    );
}

#[test]
fn an_empty_list_becomes_one_with_dashes() {
    let entry = "- { principal: \"User:a\", topic: t, operations: [Read] }";
    changed("[]", &["+a Read t"], entry);
    changed("# none yet\n[ ] # so far\n", &["+a Read t"], &format!("# none yet\n{entry} # so far\n"));
}

#[test]
fn a_list_in_brackets_stays_one() {
    let list = "[\n  {principal: User:a, topic: t, operations: [Read]}, # a\n  # b\n  {principal: User:b, topic: 't', operations: [Read]}\n]\n";
    changed(
        list,
        &["+c Read t"],
        "[\n  {principal: User:a, topic: t, operations: [Read]}, # a\n  # b\n  {principal: User:b, topic: 't', operations: [Read]},\n  { principal: \"User:c\", topic: t, operations: [Read] }\n]\n",
    );
    changed(list, &["-b Read t"], "[\n  {principal: User:a, topic: t, operations: [Read]} # a\n  # b\n]\n");
    let json = "[{\"principal\": \"User:a\", \"topic\": \"t, ]\", \"operations\": [\"Read\"]}, {\"principal\":\"User:b\",\"topic\":\"t\",\"operations\":[\"Read\",\"Write\"]}]";
    changed(
        json,
        &["-b Read t", "+c Read -t"],
        "[{\"principal\": \"User:a\", \"topic\": \"t, ]\", \"operations\": [\"Read\"]}, { \"principal\": \"User:b\", \"topic\": \"t\", \"operations\": [\"Write\"] }, { \"principal\": \"User:c\", \"topic\": \"t\", \"operations\": [\"Read\"], \"permission\": \"deny\" }]",
    );
    changed(
        json,
        &["-b Read t", "-b Write t"],
        "[{\"principal\": \"User:a\", \"topic\": \"t, ]\", \"operations\": [\"Read\"]}]",
    );
}

#[test]
fn the_ends_of_lines_stay() {
    let line = "- { principal: \"User:a\", topic: t, operations: [Read] }";
    changed(&format!("{line}\r\n"), &["+b Read t"], &format!("{line}\r\n{}\r\n", line.replace(":a", ":b")));
    changed(line, &["+b Read t"], &format!("{line}\n{}\n", line.replace(":a", ":b")));
}

#[test]
fn an_unknown_layout_is_left_alone() {
    for text in [
        "&all\n- { principal: 'User:a', topic: t, operations: [Read] }\n",
        "--- [{ principal: 'User:a', topic: t, operations: [Read] }]\n",
        "- { principal: 'User:a', topic: \"t\n- x\", operations: [Read] }\n",
    ] {
        assert_eq!(edit(text, &[], &[binding("b Read t")]), None, "{text}");
    }
}

/// Names and principals of every kind of letter, hosts that are none.
fn bindings() -> impl Strategy<Value = Vec<Binding>> {
    let word = |words: &'static [&'static str]| proptest::sample::select(words);
    let name = prop_oneof![
        "[a-zA-Z0-9._-]{1,8}",
        word(&[
            "*", "true", "null", "~", "-", "- x", "{", "]", "a: b", "a #b", "'", "\"", "\\", "é", "1e3",
            "0x1", "no", " ", "=", "?", "|", ">", "&a", "*a", "!t", "%", "@", "`", ","
        ])
        .prop_map(str::to_owned),
        any::<String>().prop_filter("a name", |name| !name.is_empty()),
    ];
    let host = word(&[
        "*",
        "10.0.0.1",
        "10.0.0.0/8",
        "0:0:0:0:0:0:0:1",
        "::1",
        "gateway",
        "",
        "10.0.0.0/33",
        "2001:db8::/32",
    ]);
    let principal = prop_oneof![
        "User:[a-z]{1,3}",
        word(&["User:*", "User:CN=a, O=\"b\"", ":", "User:", "Group:x"]).prop_map(str::to_owned)
    ];
    let one = (
        proptest::sample::select(ResourceType::ALL),
        name,
        proptest::sample::select(PatternType::ALL),
        principal,
        host,
        proptest::sample::select(Operation::ALL),
        proptest::sample::select(Permission::ALL),
    );
    let one =
        one.prop_map(|(resource_type, name, pattern_type, principal, host, operation, permission)| Binding {
            resource_name: if resource_type == ResourceType::Cluster {
                "kafka-cluster".to_owned()
            } else {
                name
            },
            resource_type,
            pattern_type,
            principal,
            host: host.to_owned(),
            operation,
            permission,
        });
    prop::collection::vec(one, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is in the file and however it is laid out: after a change it says what it said, less this, and that too.
    #[test]
    fn a_changed_text_says_what_is_meant(
        old in bindings(),
        new in bindings(),
        taken in prop::collection::vec(any::<bool>(), 12),
        form in 0..4,
    ) {
        let lines = file_of(&old);
        let text = match form {
            0 => lines,
            1 => lines.replace('\n', " # a comment\r\n"),
            2 if !old.is_empty() => {
                let elements: Vec<&str> = lines.lines().map(|line| line.trim_start_matches("- ")).collect();
                format!("[\n {}\n]\n", elements.join(", # then\n "))
            }
            _ => {
                let blocks: Vec<String> = entries(&old).iter().map(|entry| entry.written(Form::Lines).replace('\n', "\n  ")).collect();
                if blocks.is_empty() { "[]".to_owned() } else { format!("- {}\n", blocks.join("\n# next\n- ")) }
            }
        };
        let said = read(Path::new("acls.yaml"), &text).map_err(|faults| TestCaseError::fail(format!("{faults}\n{text}")))?;
        prop_assert_eq!(said.bindings.iter().map(|binding| &**binding).collect::<HashSet<_>>(), old.iter().collect::<HashSet<_>>(), "{}", text);
        let removed: HashSet<&Binding> = old.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(binding, _)| binding).collect();
        let old: HashSet<&Binding> = old.iter().collect();
        let added: Vec<Binding> = new.iter().filter(|binding| !old.contains(binding)).cloned().collect();
        let after = edited(&text, &said.said, &removed, &added).unwrap();
        let said = read(Path::new("acls.yaml"), &after).map_err(|faults| TestCaseError::fail(format!("{faults}\n{after}")))?;
        let expected: HashSet<&Binding> = old.difference(&removed).copied().chain(&added).collect();
        prop_assert_eq!(said.bindings.iter().map(|binding| &**binding).collect::<HashSet<_>>(), expected, "{}\n{}", text, after);
    }

    /// Nothing that people can save makes it fail.
    #[test]
    fn any_text_has_a_layout_or_none(text in "([-\\[\\]{},:#'\"\\\\ \n\r\té]|- a\n|\\.\\.\\.|---){0,30}") {
        if let Some(layout) = Layout::of(&text) {
            for range in layout.entries() {
                comments(&text[range.clone()]);
            }
        }
        comments(&text);
    }
}
