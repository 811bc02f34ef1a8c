//! Rendering the chart, and finding one's way in what comes out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use crate::support::tools::{Tools, said};

/// The chart, from the repository's folder.
pub(crate) const CHART: &str = "helm/doorkeeper";
/// The name of the release in all renders.
pub(crate) const RELEASE: &str = "kafka";
/// Its namespace.
pub(crate) const NAMESPACE: &str = "streaming";

/// The scenarios: files of values, by name.
pub(crate) fn scenarios() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(CHART).join("ci");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    files
}

/// The scenario with this beginning of its name.
pub(crate) fn scenario(start: &str) -> PathBuf {
    let named = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with(start);
    scenarios().into_iter().find(named).unwrap_or_else(|| panic!("no scenario begins with {start}"))
}

/// What rendering a file of values gives; `more` are further arguments of helm.
pub(crate) fn template(tools: &Tools, values: &str, more: &[&str]) -> Output {
    let arguments = ["template", RELEASE, CHART, "--namespace", NAMESPACE, "--values", values];
    tools.helm(&[&arguments, more].concat())
}

/// The objects of a render.
pub(crate) struct Objects(pub(crate) Vec<Value>);

impl Objects {
    /// The objects that a file of values renders to. Each is rendered once: many tests look at the same.
    pub(crate) fn of(tools: &Tools, values: &Path) -> Arc<Objects> {
        static RENDERED: Mutex<Option<HashMap<PathBuf, Arc<Objects>>>> = Mutex::new(None);
        let mut rendered = RENDERED.lock().unwrap_or_else(PoisonError::into_inner);
        let rendered = rendered.get_or_insert_default();
        if let Some(objects) = rendered.get(values) {
            return Arc::clone(objects);
        }
        let objects = Arc::new(Objects::with(tools, values, &[]));
        rendered.insert(values.to_owned(), Arc::clone(&objects));
        objects
    }

    /// The same with further arguments of helm.
    pub(crate) fn with(tools: &Tools, values: &Path, more: &[&str]) -> Objects {
        let output = template(tools, values.to_str().unwrap(), more);
        assert!(output.status.success(), "{}: {}", values.display(), said(&output));
        Objects(documents(std::str::from_utf8(&output.stdout).unwrap()))
    }

    /// Those of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The one of a kind whose name ends so.
    pub(crate) fn one(&self, kind: &str, end: &str) -> &Value {
        let mut found = self.of_kind(kind).filter(|object| name(object).ends_with(end));
        let one = found.next().unwrap_or_else(|| panic!("no {kind} whose name ends in '{end}'"));
        assert!(found.next().is_none(), "several {kind} whose names end in '{end}'");
        one
    }

    /// The text under a key of the one ConfigMap that has it.
    pub(crate) fn config_map_text(&self, key: &str) -> &str {
        let mut found = self.of_kind("ConfigMap").filter_map(|map| map["data"][key].as_str());
        found.next().unwrap_or_else(|| panic!("no ConfigMap has the key {key}"))
    }
}

/// An object's name.
pub(crate) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// The elements of a list; none where there is no list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The documents of a YAML text, without the empty ones.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text).map(|part| Value::deserialize(part).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}
