//! Bindings as entries of the ACL file: as few as say them, in the form that the file has already.

use std::collections::HashMap;
use std::ops::Deref;

use super::host_in_java;
use crate::model::acl::{Binding, Operation, PatternType, Permission, ResourceType, WILDCARD};

/// How an entry is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `- { principal: "User:alice", topic: orders, operations: [Read] }`, one line.
    Line,
    /// A line for each key.
    Lines,
    /// As an element of a list in brackets.
    Element,
    /// The same in JSON.
    Json,
}

/// The text of an ACL file with these bindings.
pub fn file_of<'a>(bindings: impl IntoIterator<Item = &'a Binding>) -> String {
    let text: String =
        entries(bindings).iter().map(|entry| format!("- {}\n", entry.written(Form::Line))).collect();
    if text.is_empty() { "[]\n".to_owned() } else { text }
}

/// As few entries as these bindings need, each in the place of its first binding.
pub fn entries<'a>(bindings: impl IntoIterator<Item = &'a Binding>) -> Vec<NewEntry<'a>> {
    let mut places: HashMap<Subject<'a>, usize> = HashMap::new();
    let mut subjects: Vec<(Subject<'a>, Hosts<'a>)> = Vec::new();
    for binding in bindings {
        let subject = Subject {
            principal: &binding.principal,
            resource_type: binding.resource_type,
            resource_name: &binding.resource_name,
            pattern_type: binding.pattern_type,
            permission: binding.permission,
        };
        let place = *places.entry(subject).or_insert(subjects.len());
        if place == subjects.len() {
            subjects.push((subject, Hosts::default()));
        }
        subjects[place].1.add(&binding.host, binding.operation);
    }
    let entries = subjects.into_iter().flat_map(|(subject, hosts)| {
        let together = hosts.together().into_iter();
        together.map(move |(operations, hosts)| NewEntry { subject, operations, hosts })
    });
    entries.collect()
}

/// An entry to be written: its bindings are each of the operations from each of the hosts.
#[derive(Debug)]
pub struct NewEntry<'a> {
    subject: Subject<'a>,
    /// At least one, each once.
    pub operations: Vec<Operation>,
    /// At least one, each once.
    pub hosts: Vec<&'a str>,
}

/// What all bindings of an entry share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject<'a> {
    /// Whom they are for.
    pub principal: &'a str,
    /// What kind of resource they are on.
    pub resource_type: ResourceType,
    /// The resource's name.
    pub resource_name: &'a str,
    /// How the name is compared.
    pub pattern_type: PatternType,
    /// Whether they allow or deny.
    pub permission: Permission,
}

impl<'a> Deref for NewEntry<'a> {
    type Target = Subject<'a>;

    fn deref(&self) -> &Subject<'a> {
        &self.subject
    }
}

/// The operations of each host, in the order in which they came.
#[derive(Default)]
struct Hosts<'a> {
    operations: Vec<(&'a str, Vec<Operation>)>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Hosts<'a> {
    fn add(&mut self, host: &'a str, operation: Operation) {
        let place = *self.places.entry(host).or_insert(self.operations.len());
        if place == self.operations.len() {
            self.operations.push((host, Vec::new()));
        }
        let operations = &mut self.operations[place].1;
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }

    /// The hosts with the same operations together.
    fn together(self) -> Vec<(Vec<Operation>, Vec<&'a str>)> {
        let mut places: HashMap<u32, usize> = HashMap::new();
        let mut together: Vec<(Vec<Operation>, Vec<&'a str>)> = Vec::new();
        for (host, operations) in self.operations {
            let set = operations.iter().fold(0, |set, operation| set | operation.bit());
            let place = *places.entry(set).or_insert(together.len());
            if place == together.len() {
                together.push((operations, Vec::new()));
            }
            together[place].1.push(host);
        }
        together
    }
}

impl NewEntry<'_> {
    /// The entry's text, without what makes it an element of a list; the lines of [`Form::Lines`] end in `\n`, but for the
    /// last one.
    pub(super) fn written(&self, form: Form) -> String {
        let is_json = form == Form::Json;
        let pairs = self.pairs(is_json);
        let pairs = pairs.iter().map(|(key, value)| match is_json {
            true => format!("\"{key}\": {value}"),
            false => format!("{key}: {value}"),
        });
        let pairs: Vec<String> = pairs.collect();
        match form {
            Form::Lines => pairs.join("\n"),
            Form::Line | Form::Element | Form::Json => format!("{{ {} }}", pairs.join(", ")),
        }
    }

    fn pairs(&self, is_json: bool) -> Vec<(&'static str, String)> {
        let Subject { principal, resource_type, resource_name, pattern_type, permission } = self.subject;
        let text = |text: &str| if is_json { in_quotes(text) } else { scalar(text) };
        let list = |elements: Vec<String>| format!("[{}]", elements.join(", "));
        let key = match resource_type {
            ResourceType::Topic => "topic",
            ResourceType::Group => "group",
            ResourceType::Cluster => "cluster",
            ResourceType::TransactionalId => "transactional_id",
            ResourceType::DelegationToken => "delegation_token",
            ResourceType::User => "user",
        };
        let value = match resource_type {
            ResourceType::Cluster => "true".to_owned(),
            _ => text(resource_name),
        };
        let mut pairs = vec![("principal", in_quotes(principal)), (key, value)];
        if pattern_type == PatternType::Prefixed {
            pairs.push(("pattern", text("prefixed")));
        }
        let operations = self.operations.iter().map(|operation| text(operation.name())).collect();
        pairs.push(("operations", list(operations)));
        if permission == Permission::Deny {
            pairs.push(("permission", text("deny")));
        }
        if self.hosts != [WILDCARD] {
            let is_host = |host: &&str| host_in_java(host).is_ok_and(|spelt| spelt == **host);
            let (hosts, texts): (Vec<&str>, Vec<&str>) = self.hosts.iter().copied().partition(is_host);
            for (key, hosts) in [("hosts", hosts), ("host_texts", texts)] {
                if !hosts.is_empty() {
                    pairs.push((key, list(hosts.into_iter().map(in_quotes).collect())));
                }
            }
        }
        pairs
    }
}

/// A text as YAML: plain where nobody can take it for anything else.
fn scalar(text: &str) -> String {
    const NOT_TEXT: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf"];
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
        && !NOT_TEXT.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { in_quotes(text) }
}

/// A text in double quotes, as YAML and JSON both read it.
fn in_quotes(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' '..='~' | '\u{a1}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
                if !"\u{feff}\u{2028}\u{2029}".contains(letter) =>
            {
                quoted.push(letter);
            }
            _ => quoted.push_str(&format!("\\u{:04x}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}
