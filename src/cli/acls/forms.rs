//! The forms that bindings come in, one row each.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::{commands, listing};
use crate::cli::output::BindingShown;
use crate::model::acl::Binding;
use crate::process::acl_store::file::{self, serialize};

/// One form.
#[derive(Debug)]
pub(super) struct Form {
    name: &'static str,
    read: Option<ReadText>,
    write: Option<WriteText>,
}

/// The bindings in a text, which stands in a file of that name.
type ReadText = fn(&Path, String) -> Result<Vec<Binding>, String>;

/// A text with the bindings.
type WriteText = fn(&[&Binding]) -> Result<String, String>;

const JSON: &str = "json";

static FORMS: &[Form] = &[
    Form { name: "file", read: Some(read_file), write: Some(write_file) },
    Form { name: "kafka-acls", read: Some(listing::read), write: Some(listing::written) },
    Form { name: "kafka-acls-commands", read: None, write: Some(commands::written) },
    Form { name: JSON, read: None, write: Some(write_json) },
];

impl Form {
    /// Whether it is for programs, which want to read what goes wrong in it too.
    pub(super) fn is_json(&self) -> bool {
        self.name == JSON
    }

    /// The bindings in a text of this form, which stands in the file `path`.
    pub(super) fn read(&self, path: &Path, text: String) -> Result<Vec<Binding>, String> {
        self.read.map_or_else(|| Err(format!("{} can only be written", self.name)), |read| read(path, text))
    }

    /// The bindings in this form.
    pub(super) fn written(&self, bindings: &[&Binding]) -> Result<String, String> {
        self.write.map_or_else(|| Err(format!("{} can only be read", self.name)), |write| write(bindings))
    }
}

/// Takes the name of a form that can be read.
pub(super) fn readable() -> impl TypedValueParser<Value = &'static Form> {
    named(|form| form.read.is_some())
}

/// Takes the name of a form that can be written.
pub(super) fn writable() -> impl TypedValueParser<Value = &'static Form> {
    named(|form| form.write.is_some())
}

fn named(fits: fn(&Form) -> bool) -> impl TypedValueParser<Value = &'static Form> {
    let names = FORMS.iter().filter(|form| fits(form)).map(|form| form.name);
    PossibleValuesParser::new(names).try_map(|name| {
        FORMS.iter().find(|form| form.name == name).ok_or_else(|| format!("there is no form {name}"))
    })
}

fn read_file(path: &Path, text: String) -> Result<Vec<Binding>, String> {
    file::parse(path, &text).map(|read| read.bindings).map_err(|faults| faults.to_string())
}

#[allow(clippy::unnecessary_wraps, reason = "other forms cannot say everything")]
fn write_file(bindings: &[&Binding]) -> Result<String, String> {
    Ok(serialize::file_of(bindings.iter().copied()))
}

/// The bindings in JSON.
#[derive(Serialize)]
struct Listing<'a> {
    bindings: Vec<BindingShown<'a>>,
}

fn write_json(bindings: &[&Binding]) -> Result<String, String> {
    let bindings = bindings.iter().copied().map(BindingShown::from).collect();
    let text = serde_json::to_string_pretty(&Listing { bindings }).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}
