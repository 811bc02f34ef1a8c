use super::*;

fn pieces(text: &str) -> Option<Vec<&str>> {
    let pieces = Pieces::of(text)?;
    Some((0..pieces.len()).map(|entry| pieces.text(entry)).collect())
}

#[test]
fn each_entry_is_a_piece_with_all_up_to_the_next() {
    assert_eq!(
        pieces("# head\n---\n- a: 1\n  b: 2\n# c\n\n- [x]\n"),
        Some(vec!["# head\n---\n- a: 1\n  b: 2\n# c\n\n", "- [x]\n"])
    );
    assert_eq!(pieces("\n[ {a: 1},\n  {b: \"},\"} ,]\n"), Some(vec!["{a: 1}", "{b: \"},\"}"]));
}

#[test]
fn what_could_mean_something_else_as_a_whole_is_not_cut() {
    for text in [
        "",
        "a: b\n",
        "[]",
        "%YAML 1.2\n---\n- a\n",
        "- a\n...\n- b\n",
        "- a\n---\n- b\n",
        "- a\n%b\n",
        "- a\u{2028}- b\n",
        "- a\r- b\n",
        "- a\u{85}\n",
        "# \u{1}\n- a\n",
        "[ {a: 1}, # }\n {b: 2} ]\n",
        "# c\n[ {a: 1} ]\n",
        "\t[ {a: 1} ]\n",
        "[ a, b ]\n",
        "[ {a: 1} ]\n\t\n",
        "[ {a: 1} ] b\n",
    ] {
        assert_eq!(pieces(text), None, "{text:?}");
    }
    assert!(pieces("- a\r\n- b\r\n").is_some());
}

#[test]
fn a_piece_with_what_may_be_an_alias_is_not_alone() {
    let is_alone = |text: &str| Pieces::of(text).unwrap().is_alone(0);
    for text in ["- a: \"*\"\n", "- a: 'User:*'\n", "- a: User:*\n", "- &a { b: c }\n", "- a* : b\n"] {
        assert!(is_alone(text), "{text}");
    }
    for text in ["- *a\n", "- a: *b\n", "- {a: {\"b\":*c}}\n", "- [*a]\n", "- [a,*b]\n", "- {[a]:*b}\n"] {
        assert!(!is_alone(text), "{text}");
    }
}

#[test]
fn neighbours_are_read_together_and_no_more_of_them_than_is_little() {
    let text = format!("{}{}", "- a\n".repeat(10), format!("- {}\n", "b".repeat(STRETCH)).repeat(2));
    let pieces = Pieces::of(&text).unwrap();
    assert_eq!(pieces.stretches(STRETCH, |_| true), [0..10, 10..11, 11..12]);
    assert_eq!(pieces.stretches(8, |entry| entry != 3), [0..2, 2..3, 4..6, 6..8, 8..10, 10..11, 11..12]);
}

#[test]
fn places_in_a_stretch_are_places_in_the_file() {
    let place = |line, column| Place { line, column };
    let pieces = Pieces::of("- a\n- b\n- c\n").unwrap();
    assert_eq!(pieces.stretch(1..3).in_file(place(2, 3)), place(3, 3));
    let pieces = Pieces::of("[{ä: 1}, {b: 2},\n {c: 3}]").unwrap();
    let stretch = pieces.stretch(1..3);
    assert_eq!(stretch.text, "[{b: 2},\n {c: 3}]");
    assert_eq!(stretch.in_file(place(1, 2)), place(1, 10));
    assert_eq!(stretch.in_file(place(2, 2)), place(2, 2));
}
