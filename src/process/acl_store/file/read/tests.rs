use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Right entries, wrong ones, and pieces of what is no YAML: whatever may stand where another piece could end.
const LINES: &[&str] = &[
    "- { principal: 'User:a', topic: t, operations: [Read] }\n",
    "- { principal: 'User:a', topic: t, operations: [Read, Read] } # twice\n",
    "- { principal: \"User:*\", topic: '*', operations: [Write], permission: deny }\n",
    "- principal: User:b\n  group: g\n  # between\n  operations:\n  - Read\n  - Describe\n",
    "- principal: 'User:c'\n  cluster: true\n  operations: [Alter]",
    "- principal: |-\n    User:d\n  topic: u\n  operations: [Read]\n",
    "- principal: User:e\n  operations: [Read]\n  topic: >-\n    folded\n",
    "    more\n",
    "  # more\n",
    "- { principal: 'User:f',\n    topic: v,\n    operations: [Read] }\n",
    "- { principal: 'User:g', topic: 'x\n- y', operations: [Read] }\n",
    "- { principal: 'User:h', topic: \"z\n",
    "z\", operations: [Read] }\n",
    "- &x { principal: 'User:i', topic: w, operations: [Read] }\n",
    "- &x { principal: 'User:j', topic: w, operations: [Read] }\n",
    "- *x\n",
    "- { principal: 'User:k', topic: &n w, operations: [Read] }\n",
    "- { principal: 'User:l', topic: *n, operations: [Read] }\n",
    "- { principal: 'Group:m', topic: t, operations: [Alter], host_texts: ['::1'] }\n",
    "- { principal: nobody, topic: t, operations: [Raed], hosts: [x] }\n",
    "- { principal: 'User:n', topics: t, operations: [Read] }\n",
    "-\n",
    "- - { principal: 'User:o', topic: t, operations: [Read] }\n",
    "- !x { principal: 'User:p', topic: t, operations: [Read] }\n",
    "- ? a\n",
    "- a\n",
    "# between\n",
    "\n",
    " \n",
    "\t\n",
    "---\n",
    "--- # again\n",
    "...\n",
    "%YAML 1.2\n",
    "\u{2028}",
    "\u{feff}",
    "\u{1}",
    "\r",
    "\r\n",
];

const ELEMENTS: &[&str] = &[
    "[",
    "[ ",
    "\n[\n  ",
    ",",
    ", ",
    ",\n  ",
    "]",
    "]\n",
    "{ principal: 'User:a', topic: t, operations: [Read] }",
    "{\"principal\": \"User:b\", \"topic\": \"x]},{\", \"operations\": [\"Read\"]}",
    "{\"principal\": \"User:*\",\n   \"group\": \"*\", \"operations\": [\"Read\",\"Read\"]}",
    "{ principal: 'Group:c', topic: 'it''s', operations: [Alter] }",
    "{ principal: nobody, topic: t, operations: [Raed], hosts: [x] }",
    "{ principal: 'User:d', topic: a#b, operations: [Read] }",
    "&x { principal: 'User:e', topic: w, operations: [Read] }",
    "*x",
    "{ principal: User:f, topic: w, operations: [Read] }: c}",
    "{ principal: 'User:g', topic: w",
    ", operations: [Read] }",
    "# }\n",
    " # c\n",
    "\n",
    "'",
    "\"",
    "---\n",
    "{",
    "}",
];

fn text() -> impl Strategy<Value = String> {
    let often = |text: &'static [&'static str], right: std::ops::Range<usize>| {
        let right = &text[right];
        prop_oneof![3 => select(right), 2 => select(text)]
    };
    let lines = prop::collection::vec(often(LINES, 0..7), 0..7).prop_map(|lines| lines.concat());
    let elements = prop::collection::vec(often(ELEMENTS, 8..12), 1..5).prop_map(|elements| {
        let list: Vec<String> = elements.into_iter().map(str::to_owned).collect();
        format!("[{}]\n", list.join(",\n "))
    });
    let any = prop::collection::vec(select(ELEMENTS), 0..8).prop_map(|elements| elements.concat());
    let indented = prop::collection::vec(select(LINES), 0..5)
        .prop_map(|lines| lines.concat().lines().map(|line| format!("  {line}\n")).collect::<String>());
    prop_oneof![4 => lines, 2 => elements, 1 => any, 1 => indented]
}

fn path() -> &'static Path {
    Path::new("acls.yaml")
}

/// What a text says, and what is told of it.
type Told = Result<(Vec<Arc<Binding>>, Vec<Said>, Vec<Fault>), Faults>;

fn told(read: Result<Read, Faults>) -> Told {
    read.map(|read| (read.bindings, read.said, read.warnings))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// A text that is read in pieces says what it says as a whole, and the same is told of it.
    #[test]
    fn pieces_mean_together_what_the_whole_means(text in text(), most in select(&[1, 100, 10_000][..])) {
        let mut reading = Reading { stretch: most, ..Reading::new(path(), MAX_WARNINGS) };
        if reading.pieces(&text, &HashMap::new()).is_some() {
            prop_assert_eq!(told(reading.done()), told(whole(path(), &text)), "{}", text);
        }
    }

    /// What is known of one text changes nothing in what another one says.
    #[test]
    fn what_is_known_before_changes_nothing(before in text(), after in text(), common in text()) {
        let (before, after) = (format!("{common}{before}"), format!("{common}{after}"));
        let Ok(Read { said, .. }) = read(path(), &before) else { return Ok(()) };
        let known = Known { text: before, said };
        let after_that = read_after(path(), &after, &known).map(|read| (read.bindings, read.said));
        prop_assert_eq!(after_that, read(path(), &after).map(|read| (read.bindings, read.said)));
    }
}

#[test]
fn usual_files_are_read_in_pieces_and_others_as_a_whole() {
    let is_cut = |text: &str| Reading::new(path(), 0).pieces(text, &HashMap::new()).is_some();
    assert!(is_cut(LINES[0]) && is_cut(&LINES[..4].concat()));
    assert!(is_cut("[{\"principal\": \"User:b\", \"topic\": \"x\", \"operations\": [\"Read\"]}]"));
    // An alias to what is far away.
    let far = format!("{}{}{}", LINES[13], LINES[0].repeat(1000), LINES[15]);
    assert!(!is_cut(&far));
    assert_eq!(read(path(), &far).unwrap().said.len(), 1002);
    assert_eq!(read(path(), &far).unwrap().warnings.len(), MAX_WARNINGS + 1);
}

#[test]
fn the_same_binding_is_the_same_everywhere() {
    let text = format!("{}{}", LINES[0], LINES[1]);
    let read = read(path(), &text).unwrap();
    let all: Vec<_> = read.said.iter().flat_map(|said| said.iter()).collect();
    assert_eq!((read.bindings.len(), all.len()), (1, 3));
    assert!(all.iter().all(|binding| Arc::ptr_eq(binding, &read.bindings[0])));
    let known = Known { text, said: read.said };
    let again = read_after(path(), &format!("{}{}", LINES[0], known.text), &known).unwrap();
    assert!(
        again
            .said
            .iter()
            .flat_map(|said| said.iter())
            .all(|binding| Arc::ptr_eq(binding, &again.bindings[0]))
    );
}

/// However many faults there are, no more of them are placed than are shown.
#[test]
fn of_many_faults_the_first_are_told_and_how_many_more_there_are() {
    let wrong = "- { principal: nobody, topic: t, operations: [Read] }\n";
    let text = format!("{}{}", LINES[0].repeat(1000), wrong.repeat(1000));
    let faults = read(path(), &text).unwrap_err().0;
    assert_eq!(faults.len(), MAX_FAULTS + 1);
    assert_eq!(faults[0].place, Some(Place { line: 1001, column: 16 }));
    let last = &faults[MAX_FAULTS];
    assert_eq!(last.place, Some(Place { line: 1101, column: 16 }));
    assert_eq!(last.message, "900 more from here on are not listed");
}

#[test]
fn a_file_that_comes_near_to_the_most_is_warned_of() {
    let entry = LINES[0].replace("topic: t", &format!("topic: {}", "t".repeat(200)));
    let near = entry.repeat(usize::try_from(LONG).unwrap() / entry.len() + 1);
    let warnings = read(path(), &near).unwrap().warnings;
    let told = warnings[0].to_string();
    assert!(
        told.starts_with("acls.yaml: the file has 3072 KiB, and more than 4096 KiB are not read: "),
        "{told}"
    );
}
