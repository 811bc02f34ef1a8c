//! A strict reader of Prometheus' text format 0.0.4, and the rules of `promtool check metrics`: what is read here
//! any scraper can read.

use std::collections::{BTreeMap, BTreeSet};

/// One family of a scrape.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line of a family.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// Reads a scrape, or says which line is wrong.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut series = BTreeSet::new();
    for line in text.lines() {
        let wrong = |what: &str| format!("{what}: {line}");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or(wrong("no help"))?;
            current = name.to_owned();
            let family =
                Family { help: unescape(help, "\\n").ok_or(wrong("bad escape"))?, ..Family::default() };
            if families.insert(current.clone(), family).is_some() {
                return Err(wrong("a family twice"));
            }
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or(wrong("no type"))?;
            let family =
                families.get_mut(name).filter(|_| name == current).ok_or(wrong("TYPE without HELP"))?;
            if !["counter", "gauge", "histogram"].contains(&kind) || !family.kind.is_empty() {
                return Err(wrong("bad type"));
            }
            family.kind = kind.to_owned();
        } else {
            let sample = sample(line).map_err(wrong)?;
            let family = families.get_mut(&current).ok_or(wrong("a sample without a family"))?;
            let suffix =
                sample.name.strip_prefix(current.as_str()).ok_or(wrong("a sample of another family"))?;
            let suffixes: &[&str] =
                if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            if family.kind.is_empty() || !suffixes.contains(&suffix) {
                return Err(wrong("a sample that its family's type does not have"));
            }
            if !series.insert((sample.name.clone(), sample.labels.clone())) {
                return Err(wrong("a series twice"));
            }
            family.samples.push(sample);
        }
    }
    for (name, family) in &families {
        check_values(family).map_err(|what| format!("{what}: {name}"))?;
    }
    Ok(families)
}

fn sample(line: &str) -> Result<Sample, &'static str> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name) {
        return Err("bad name");
    }
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or("bad label")?;
            let end = closing_quote(after).ok_or("label value without end")?;
            let value = unescape(&after[..end], "\\n\"").ok_or("bad escape")?;
            if !is_name(label) || label.contains(':') || labels.insert(label.to_owned(), value).is_some() {
                return Err("bad label name");
            }
            rest = &after[end + 1..];
            if let Some(next) = rest.strip_prefix('}') {
                rest = next;
                break;
            }
            rest = rest.strip_prefix(',').ok_or("no comma between labels")?;
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no value")?;
    let value = value.parse().map_err(|_| "bad value")?;
    Ok(Sample { name: name.to_owned(), labels, value })
}

fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// `allowed` are the characters that may follow a backslash.
fn unescape(text: &str, allowed: &str) -> Option<String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next().filter(|&c| allowed.contains(c))?;
                plain.push(if escaped == 'n' { '\n' } else { escaped });
            }
            _ => plain.push(c),
        }
    }
    Some(plain)
}

fn check_values(family: &Family) -> Result<(), &'static str> {
    if family.samples.is_empty() {
        return Err("a family without samples");
    }
    if family.kind == "counter"
        && family.samples.iter().any(|sample| !(0.0..f64::INFINITY).contains(&sample.value))
    {
        return Err("a counter below zero or infinite");
    }
    if family.kind == "histogram" {
        return check_histogram(family);
    }
    Ok(())
}

fn check_histogram(family: &Family) -> Result<(), &'static str> {
    /// What is known of one series: its last bucket's bound and count, its count, whether it has a sum.
    #[derive(Default)]
    struct Seen {
        bound: Option<f64>,
        in_buckets: f64,
        count: Option<f64>,
        sum: bool,
    }
    let mut all: BTreeMap<BTreeMap<String, String>, Seen> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        let seen = all.entry(labels).or_default();
        match (sample.name.rsplit('_').next(), bound) {
            (Some("bucket"), Some(bound)) => {
                let bound: f64 = bound.parse().map_err(|_| "bad bound")?;
                if seen.bound.is_some_and(|last| last >= bound) || sample.value < seen.in_buckets {
                    return Err("buckets that do not rise");
                }
                (seen.bound, seen.in_buckets) = (Some(bound), sample.value);
            }
            (Some("count"), None) => seen.count = Some(sample.value),
            (Some("sum"), None) => seen.sum = true,
            _ => return Err("a bucket without bound, or a bound without bucket"),
        }
    }
    let whole =
        |seen: &Seen| seen.bound == Some(f64::INFINITY) && seen.count == Some(seen.in_buckets) && seen.sum;
    if all.values().all(whole) { Ok(()) } else { Err("an incomplete histogram") }
}

/// What `promtool check metrics` and the naming page would say against these families.
pub(crate) fn lint(families: &BTreeMap<String, Family>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, family) in families {
        let mut fault = |bad: bool, what: &str| {
            if bad {
                faults.push(format!("{name}: {what}"));
            }
        };
        let words: Vec<&str> = name.split('_').collect();
        let labels: BTreeSet<&str> =
            family.samples.iter().flat_map(|sample| sample.labels.keys().map(String::as_str)).collect();
        fault(!["doorkeeper", "process"].contains(&words[0]), "another prefix");
        fault(name.chars().any(|c| c.is_ascii_uppercase()), "capitals");
        fault(family.help.trim().is_empty() || !family.help.ends_with('.'), "no sentence for help");
        fault(
            (family.kind == "counter") != name.ends_with("_total"),
            "_total is for counters, and for all of them",
        );
        for suffix in ["_count", "_sum", "_bucket"] {
            fault(name.ends_with(suffix), "a suffix of histograms");
        }
        for word in ["counter", "gauge", "histogram", "metric"] {
            fault(words.contains(&word), "the type in the name");
        }
        for unit in
            ["ms", "milliseconds", "micros", "us", "minutes", "hours", "days", "kb", "kilobytes", "percent"]
        {
            fault(words.contains(&unit), "no base unit");
        }
        fault(family.kind == "histogram" && !name.ends_with("_seconds"), "a histogram without its unit");
        fault(
            words.contains(&"timestamp") && !name.ends_with("_timestamp_seconds"),
            "a time without its unit",
        );
        fault(
            name.ends_with("_info") && family.samples.iter().any(|sample| sample.value != 1.0),
            "an _info that is not 1",
        );
        for label in labels.iter().filter(|label| **label != "le") {
            fault(label.chars().any(|c| c.is_ascii_uppercase()), "capitals in a label");
            fault(name.contains(&format!("_by_{label}")), "a label in the name");
        }
        fault(family.kind != "histogram" && labels.contains("le"), "the label of buckets");
    }
    faults
}

/// How many series a server would keep of these.
pub(crate) fn series(families: &BTreeMap<String, Family>) -> usize {
    families.values().map(|family| family.samples.len()).sum()
}
