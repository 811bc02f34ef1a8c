//! Who may change the ACLs, and what becomes of it. What is created is for `User:carol`, who is nobody else's business, and is
//! gone in the end.

use super::super::{Case, Step};
use serde_json::{Value, json};

/// The super user, one with every right on the cluster, and one without any.
const ADMINISTRATORS: &[&str] = &["admin", "ops", "alice"];
const ANY: i8 = 1;
const MATCH: i8 = 2;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const TOPIC: i8 = 2;
const CLUSTER: i8 = 4;
const READ: i8 = 3;
const DENY: i8 = 2;
const ALLOW: i8 = 3;
/// In no enumeration.
const UNHEARD_OF: i8 = 99;
/// What Kafka takes for a mistake of the client library.
const UNKNOWN: i8 = 0;
/// Its codes by field, with those of a filter or of a binding.
const ENUMERATIONS: [&str; 4] = ["type", "pattern", "operation", "permission"];

pub fn cases() -> Vec<Case> {
    let mut cases = described();
    cases.extend(created());
    cases.extend(deleted());
    cases.extend(very_many());
    let mut left = Case::after("DescribeAcls", "all that is left", vec![Step::Settle]).once().by(&["admin"]);
    left = left.then("DescribeAcls", filter(|_| {}));
    cases.push(left);
    let mut gone =
        Case::new("DeleteAcls", "all of hers", json!({"filters": [filter(|it| it.principal("User:carol"))]}));
    gone.steps.push(Step::Settle);
    cases.push(gone.then("DescribeAcls", filter(|_| {})).once().by(&["admin"]));
    cases
}

/// A filter, or a binding, in the making; the fields of both have nearly the same names.
struct Making {
    codes: [i8; 4],
    name: Value,
    principal: Value,
    host: Value,
}

impl Making {
    fn name(&mut self, name: &str) {
        self.name = json!(name);
    }

    fn principal(&mut self, principal: &str) {
        self.principal = json!(principal);
    }

    fn host(&mut self, host: &str) {
        self.host = json!(host);
    }

    fn code(&mut self, of: &str, code: i8) {
        self.codes[ENUMERATIONS.iter().position(|name| *name == of).unwrap()] = code;
    }

    fn pattern(&mut self, code: i8, name: &str) {
        self.code("pattern", code);
        self.name(name);
    }
}

/// The filter that selects everything, with something changed.
fn filter(change: impl FnOnce(&mut Making)) -> Value {
    let mut it = Making { codes: [ANY; 4], name: Value::Null, principal: Value::Null, host: Value::Null };
    change(&mut it);
    let [kind, pattern, operation, permission] = it.codes;
    json!({
        "resourceTypeFilter": kind, "resourceNameFilter": it.name, "patternTypeFilter": pattern,
        "principalFilter": it.principal, "hostFilter": it.host, "operation": operation, "permissionType": permission,
    })
}

/// Carol may read a topic that nobody else hears of, with something changed.
fn binding(change: impl FnOnce(&mut Making)) -> Value {
    let mut it = Making {
        codes: [TOPIC, LITERAL, READ, ALLOW],
        name: json!("acl-$u"),
        principal: json!("User:carol"),
        host: json!("*"),
    };
    change(&mut it);
    let [kind, pattern, operation, permission] = it.codes;
    json!({
        "resourceType": kind, "resourceName": it.name, "resourcePatternType": pattern,
        "principal": it.principal, "host": it.host, "operation": operation, "permissionType": permission,
    })
}

/// Filters that the world's bindings give something to do, by their shapes.
fn filters() -> Vec<(String, Value)> {
    let mut shapes = vec![
        ("everything".to_owned(), filter(|_| {})),
        ("topics".into(), filter(|it| it.code("type", TOPIC))),
        ("the cluster".into(), filter(|it| it.code("type", CLUSTER))),
        ("nobody's resource type".into(), filter(|it| it.code("type", 7))),
        ("her principal".into(), filter(|it| it.principal("User:alice"))),
        ("everybody's principal".into(), filter(|it| it.principal("User:*"))),
        ("no principal at all".into(), filter(|it| it.principal(""))),
        ("a host".into(), filter(|it| it.host("127.0.0.1"))),
        ("any host".into(), filter(|it| it.host("*"))),
        ("a network".into(), filter(|it| it.host("127.0.0.0/8"))),
        ("one operation".into(), filter(|it| it.code("operation", READ))),
        ("the operation that is all".into(), filter(|it| it.code("operation", 2))),
        ("denials".into(), filter(|it| it.code("permission", DENY))),
        (
            "of many things one".into(),
            filter(|it| {
                it.pattern(LITERAL, "t-denied");
                it.code("permission", DENY);
                it.code("operation", 4);
                it.principal("User:alice");
                it.host("*");
            }),
        ),
    ];
    for (word, pattern) in [("any", ANY), ("match", MATCH), ("literal", LITERAL), ("prefixed", PREFIXED)] {
        shapes.push((format!("{word}, no name"), filter(|it| it.code("pattern", pattern))));
        for name in ["t-all", "t-", "t-hosted", "p-something", "p-", "gp-x", "*", "", "nowhere"] {
            shapes.push((format!("{word} {name:?}"), filter(|it| it.pattern(pattern, name))));
        }
    }
    shapes
}

/// Wrong codes in each of the enumerations.
fn wrong_filters() -> Vec<(String, Value)> {
    let mut shapes = Vec::new();
    for of in ENUMERATIONS {
        for code in [UNKNOWN, UNHEARD_OF, -1] {
            shapes.push((format!("{of} {code}"), filter(|it| it.code(of, code))));
        }
    }
    shapes
}

fn described() -> Vec<Case> {
    let shapes = filters().into_iter().chain(wrong_filters());
    shapes.map(|(shape, filter)| Case::new("DescribeAcls", shape, filter).by(ADMINISTRATORS)).collect()
}

fn creation(shape: impl Into<String>, bindings: Vec<Value>) -> Case {
    Case::new("CreateAcls", shape, json!({"creations": bindings})).by(ADMINISTRATORS)
}

fn created() -> Vec<Case> {
    let mut cases = vec![
        creation("one", vec![binding(|_| {})]),
        creation("none", vec![]),
        creation("the same twice", vec![binding(|_| {}), binding(|_| {})]),
        creation("one that is there", vec![binding(|_| {})])
            .then("CreateAcls", json!({"creations": [binding(|_| {})]})),
        creation("a prefix", vec![binding(|it| it.code("pattern", PREFIXED))]),
        creation("the prefix *", vec![binding(|it| it.pattern(PREFIXED, "*"))]),
        creation(
            "any topic, for one operation that no topic has",
            vec![binding(|it| {
                it.name("*");
                it.code("operation", 13);
            })],
        ),
        creation(
            "two phases",
            vec![binding(|it| {
                it.code("type", 5);
                it.code("operation", 15);
            })],
        )
        .since(4, 1),
        creation(
            "the cluster",
            vec![binding(|it| {
                it.code("type", CLUSTER);
                it.name("kafka-cluster");
            })],
        ),
        creation(
            "the cluster as a prefix",
            vec![binding(|it| {
                it.code("type", CLUSTER);
                it.pattern(PREFIXED, "kafka-cluster");
            })],
        ),
        creation("another cluster", vec![binding(|it| it.code("type", CLUSTER))]),
        creation(
            "a name with everything in it",
            vec![binding(|it| {
                it.name("# $u: 'a', \"b\" [c] {d} \\ \u{e9}\u{1f600}\n\t\u{1}\u{7f}\u{85}\u{feff} ");
            })],
        ),
        creation(
            "a name that reads like a number",
            vec![binding(|it| it.name("1e3")), binding(|it| it.name("true"))],
        ),
        creation("no name", vec![binding(|it| it.name(""))]),
        creation(
            "right ones and wrong ones",
            vec![
                binding(|it| it.principal("carol")),
                binding(|it| it.name("")),
                binding(|_| {}),
                binding(|it| it.code("type", CLUSTER)),
                binding(|it| it.code("operation", UNHEARD_OF)),
                binding(|it| it.code("permission", DENY)),
            ],
        ),
        creation(
            "everything wrong at once",
            vec![binding(|it| {
                it.codes = [UNHEARD_OF; 4];
                it.name("");
                it.principal("carol");
                it.host("");
            })],
        ),
        creation(
            "everything but the name wrong at once",
            vec![binding(|it| {
                it.codes = [UNHEARD_OF; 4];
                it.principal("carol");
                it.host("");
            })],
        ),
        creation(
            "one for a filter among right ones",
            vec![binding(|_| {}), binding(|it| it.code("operation", ANY))],
        ),
        creation(
            "a wrong and a right resource type",
            vec![binding(|it| it.code("type", UNHEARD_OF)), binding(|_| {})],
        ),
    ];
    let distinguished = "User:CN=carol,O=\"Doe, Inc.\",C=DE";
    for principal in [
        "carol",
        "",
        ":",
        "User:",
        ":carol",
        "Group:carol",
        "User:*",
        "User:a:b",
        " User:carol",
        distinguished,
    ] {
        // Of others than carol nothing is left at once.
        let gone = json!({"filters": [filter(|it| it.pattern(LITERAL, "acl-$u"))]});
        let case = creation(format!("principal {principal:?}"), vec![binding(|it| it.principal(principal))]);
        cases.push(case.then("DeleteAcls", gone));
    }
    for host in [
        "127.0.0.1",
        "::1",
        "0:0:0:0:0:0:0:1",
        "gateway.example",
        "10.0.0.0/8",
        "10.1.2.3/8",
        "2001:db8::/32",
        "* ",
        "\u{e9}",
    ] {
        cases.push(creation(format!("host {host:?}"), vec![binding(|it| it.host(host))]));
    }
    for host in ["", "10.0.0.0/33", "10.0.0.0/", "/", "a/8", "::/129", "10.0.0.0/8/8"] {
        cases.push(creation(format!("no host: {host:?}"), vec![binding(|it| it.host(host))]));
    }
    for kind in [2, 3, 5, 6, 7] {
        cases.push(creation(format!("resource type {kind}"), vec![binding(|it| it.code("type", kind))]));
    }
    for of in ENUMERATIONS {
        for code in [UNKNOWN, ANY, UNHEARD_OF, -1] {
            cases.push(creation(format!("{of} {code}"), vec![binding(|it| it.code(of, code))]));
        }
    }
    cases.push(creation("pattern 2", vec![binding(|it| it.code("pattern", MATCH))]));
    cases
}

/// What is removed was created in the same case, and whatever the filter: the world's own bindings stay.
fn deleted() -> Vec<Case> {
    let bindings = || {
        let operations = [3, 4, 8].map(|operation| binding(|it| it.code("operation", operation)));
        let mut bindings = operations.to_vec();
        bindings.push(binding(|it| it.code("pattern", PREFIXED)));
        bindings.push(binding(|it| it.code("permission", DENY)));
        bindings.push(binding(|it| it.host("10.0.0.1")));
        bindings.push(binding(|it| it.code("type", 3)));
        bindings
    };
    let hers = |change: fn(&mut Making)| {
        filter(|it| {
            it.name("acl-$u");
            it.principal("User:carol");
            change(it);
        })
    };
    let deletion = |shape: String, filters: Vec<Value>| {
        let all = json!({"filters": [hers(|_| {})]});
        creation(shape, bindings()).then("DeleteAcls", json!({"filters": filters})).then("DeleteAcls", all)
    };
    let mut cases = vec![
        deletion("all of hers".into(), vec![hers(|_| {})]),
        deletion("one operation".into(), vec![hers(|it| it.code("operation", 4))]),
        deletion("by host".into(), vec![hers(|it| it.host("10.0.0.1"))]),
        deletion("prefixes".into(), vec![hers(|it| it.code("pattern", PREFIXED))]),
        deletion(
            "denials and groups".into(),
            vec![hers(|it| it.code("permission", DENY)), hers(|it| it.code("type", 3))],
        ),
        deletion(
            "the same twice".into(),
            vec![hers(|it| it.code("operation", 4)), hers(|_| {}), hers(|it| it.code("operation", 4))],
        ),
        deletion("what is not there".into(), vec![hers(|it| it.host("10.9.9.9"))]),
        deletion("none".into(), vec![]),
        deletion(
            "a match".into(),
            vec![filter(|it| {
                it.pattern(MATCH, "acl-$u-and-more");
                it.principal("User:carol");
            })],
        ),
    ];
    for (shape, mut wrong) in wrong_filters() {
        wrong["principalFilter"] = json!("User:carol");
        cases.push(deletion(
            format!("{shape} among right ones"),
            vec![hers(|it| it.code("operation", 4)), wrong.clone(), hers(|_| {})],
        ));
        cases.push(deletion(shape, vec![wrong]));
    }
    // The version that is tried is that of DeleteAcls too.
    for case in &mut cases {
        case.api = "DeleteAcls";
        if let Some(Step::Compare(request)) = case.steps.first_mut() {
            request.version = None;
        }
    }
    cases
}

/// More than one request may change. An older Kafka takes longer for it than a test may.
fn very_many() -> Vec<Case> {
    let hosts = |range: std::ops::Range<i32>| -> Vec<Value> {
        let host = |i: i32| format!("10.0.{}.{}", i / 256, i % 256);
        range.map(|i| binding(|it| it.host(&host(i)))).collect()
    };
    let with_wrong_ones = |mut bindings: Vec<Value>| {
        bindings.insert(0, binding(|it| it.name("")));
        bindings.insert(1, binding(|it| it.principal("carol")));
        bindings
    };
    let hers = |change: fn(&mut Making)| {
        filter(|it| {
            it.principal("User:carol");
            change(it);
        })
    };
    let delete = |filters: Vec<Value>| json!({"filters": filters});
    let mut others = hosts(6000..12_000);
    others.iter_mut().for_each(|binding| binding["operation"] = json!(4));
    let case = creation("more than ten thousand", with_wrong_ones(hosts(0..10_001)))
        .then("CreateAcls", json!({"creations": hosts(0..6000)}))
        .then("CreateAcls", json!({"creations": others}))
        .then(
            "DeleteAcls",
            delete(vec![
                hers(|it| it.host("10.0.0.0")),
                hers(|_| {}),
                hers(|it| it.host("10.0.0.1")),
                hers(|it| it.host("nowhere")),
            ]),
        )
        .then("DeleteAcls", delete(vec![hers(|it| it.code("operation", 4))]))
        .then("DeleteAcls", delete(vec![hers(|_| {})]));
    vec![case.once().by(&["admin"]).since(4, 0)]
}
