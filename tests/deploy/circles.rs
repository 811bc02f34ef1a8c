//! No two files of the source need each other, however long the way round. A file and those in the folder of its name are one
//! house: what it says of them is no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What may be a circle: a class of characters stands in an escape, and an escape in a class.
const NATURAL: [&str; 2] = ["model::principal::java_regex::class", "model::principal::java_regex::escape"];

type Module = Vec<String>;

/// Each module of the package, and the code of its file without comments and tests.
fn modules() -> BTreeMap<Module, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let module: Module = path
                .strip_prefix(&source)
                .unwrap()
                .with_extension("")
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if ["lib", "main"].contains(&&*module[0]) || module.iter().any(|part| part == "tests") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code = code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>();
            found.insert(module, code.join("\n"));
        }
    }
    found
}

/// The paths that a tree such as `a::{b, c::{d, e}}` stands for.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((path, list)) = tree.split_once('{') else {
        if !tree.is_empty() {
            paths.push(format!("{before}{}", tree.split(" as ").next().unwrap().trim()));
        }
        return;
    };
    let before = format!("{before}{path}");
    let list = list.trim_end().strip_suffix('}').unwrap();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, &list[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    expand(&before, &list[start..], paths);
}

/// The paths that a file names: those of its imports, and those that it writes out.
fn named(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].rsplit('\n').next().unwrap().trim();
        let is_import = before.is_empty() || before == "pub" || before.starts_with("pub(");
        if let Some((tree, _)) = code[at + 4..].split_once(';').filter(|_| is_import) {
            expand("", &tree.replace('\n', " "), &mut paths);
        }
    }
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            let path = code[at..].split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).next();
            paths.extend(path.map(|path| path.trim_end_matches(':').to_owned()));
        }
    }
    paths
}

/// The module that a path leads to, as somebody in `from` writes it.
fn target(path: &str, from: &Module, modules: &BTreeMap<Module, String>) -> Option<Module> {
    let parts: Vec<&str> = path.split("::").collect();
    let up = parts.iter().take_while(|part| **part == "super").count();
    let (mut base, read) = match parts[0] {
        "crate" => (Module::new(), 1),
        "self" => (from.clone(), 1),
        "super" => (from[..from.len().saturating_sub(up)].to_vec(), up),
        // A module below, or another crate.
        _ => (from.clone(), 0),
    };
    base.extend(parts[read..].iter().map(|part| (*part).to_owned()));
    (1..=base.len()).rev().map(|length| base[..length].to_vec()).find(|module| modules.contains_key(module))
}

fn reaches(from: &Module, to: &Module, needs: &BTreeMap<Module, BTreeSet<Module>>) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for needed in &needs[module] {
            if needed == to {
                return true;
            }
            if seen.insert(needed) {
                next.push(needed);
            }
        }
    }
    false
}

fn needs(modules: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let of = |module: &Module, code: &str| {
        let targets = named(code).into_iter().filter_map(|path| target(&path, module, modules));
        targets.filter(|other| !other.starts_with(module) && !module.starts_with(other)).collect()
    };
    modules.iter().map(|(module, code)| (module.clone(), of(module, code))).collect()
}

#[test]
fn no_file_needs_one_that_needs_it() {
    let needs = needs(&modules());
    assert!(needs.values().map(BTreeSet::len).sum::<usize>() > 800, "imports are found");
    let circle: Vec<String> = needs
        .keys()
        .filter(|module| reaches(module, module, &needs))
        .map(|module| module.join("::"))
        .collect();
    assert_eq!(circle, NATURAL);
}

#[test]
fn the_test_finds_circles() {
    let file = |module: &str, code: &str| {
        (module.split("::").map(str::to_owned).collect::<Module>(), code.to_owned())
    };
    let modules = BTreeMap::from([
        file("a", "mod one;\nuse one::One;"),
        file("a::one", "use super::two::{self, Two};\nuse crate::b::{B, c::{C, D as E}};"),
        file("a::two", "fn f() { crate::b::g() }"),
        file("b", "use crate::a::one::One;"),
    ]);
    let needs = needs(&modules);
    let name = |module: &str| module.split("::").map(str::to_owned).collect::<Module>();
    assert!(reaches(&name("b"), &name("b"), &needs) && reaches(&name("a::two"), &name("a::two"), &needs));
    assert!(!reaches(&name("a"), &name("a"), &needs), "a file and those in its folder are one");
}
