//! What is generated in the charts: the part of the values' schema that is doorkeeper's own, and the tables of values in
//! the README files. `DOORKEEPER_UPDATE=1` (`make chart`) writes it anew.

use std::path::{Path, PathBuf};

use doorkeeper::model::acl::Operation;
use doorkeeper::process::acl_store::file::acls_schema;
use doorkeeper::process::config::schema::config_schema;
use serde_json::{Map, Value};

use super::render::CHART;

/// Keys of the configuration that must be given to doorkeeper and that the chart fills in.
const FILLED_IN: &[(&str, &[&str])] = &[
    ("config", &["version", "authorization"]),
    ("config.Listener", &["tls"]),
    ("config.ClientTls", &["certificate_chain", "private_key", "server_ca"]),
];

#[test]
fn the_schema_of_the_values_has_doorkeeper_s_own_schemas() {
    let path = file("values.schema.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    let definitions = schema["$defs"].as_object_mut().unwrap();
    definitions
        .retain(|name, _| name != "config" && !name.starts_with("config.") && !name.starts_with("acls."));
    definitions.append(&mut embedded(config_schema().as_value(), "config"));
    let mut bindings = embedded(acls_schema().as_value(), "acls");
    // The list itself is written out among the values.
    bindings.remove("acls");
    definitions.append(&mut bindings);
    for (name, keys) in FILLED_IN {
        let required = schema["$defs"][name]["required"].as_array_mut().unwrap();
        for key in *keys {
            let at = required.iter().position(|required| required == key);
            required.remove(at.unwrap_or_else(|| panic!("{name} does not need '{key}': shorten FILLED_IN")));
        }
    }
    hold(&path, &text, &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
}

#[test]
fn no_object_of_the_schema_takes_unknown_keys_but_kubernetes_own() {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(file("values.schema.json")).unwrap()).unwrap();
    let mut open = Vec::new();
    walk(&schema, "", &mut |at, value| {
        let object = value["type"] == "object" || value["properties"].is_object();
        let listed =
            value["additionalProperties"] == Value::Bool(false) || value["additionalProperties"].is_object();
        if object && !listed {
            open.push(at.to_owned());
        }
    });
    assert_eq!(open, ["/$defs/kubernetes", "/properties/doorkeeper-lib", "/properties/global"]);
}

#[test]
fn the_readme_has_the_values() {
    let text = std::fs::read_to_string(file("values.yaml")).unwrap();
    let readme = file("README.md");
    let old = std::fs::read_to_string(&readme).unwrap();
    let (before, rest) = old.split_once("<!-- values -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of values -->").unwrap();
    let mut table = String::from("| Key | Default | Meaning |\n|---|---|---|\n");
    for entry in entries(&text) {
        table.push_str(&format!("| `{}` | `{}` | {} |\n", entry.key, entry.default, entry.meaning));
    }
    hold(&readme, &old, &format!("{before}<!-- values -->\n{table}<!-- end of values -->{after}"));
}

#[test]
fn every_value_is_documented() {
    let text = std::fs::read_to_string(file("values.yaml")).unwrap();
    let documented: Vec<String> = entries(&text).into_iter().map(|entry| entry.key).collect();
    let values: Value = serde_yaml::from_str(&text).unwrap();
    let mut missing = Vec::new();
    leaves(&values, "", &mut |path| {
        let covered = |key: &String| path == key || path.starts_with(&format!("{key}."));
        if !documented.iter().any(covered) {
            missing.push(path.to_owned());
        }
    });
    assert_eq!(missing, Vec::<String>::new(), "values without a '# --' comment");
}

#[test]
fn the_chart_knows_kafka_s_operations() {
    let template = include_str!("../../../helm/doorkeeper/templates/_validate.tpl");
    let (_, rest) = template.split_once("\"doorkeeper.operations\" -}}\n[").unwrap();
    let known: Vec<&str> = rest.split_once(']').unwrap().0.split(", ").collect();
    let all: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(known, all);
}

/// A documented value.
pub(crate) struct Entry {
    /// Its path, as `image.tag`.
    pub(crate) key: String,
    /// What it is, in JSON.
    default: String,
    /// What the comment says.
    meaning: String,
}

/// The values that have a comment that begins with `# --`.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let values: Value = serde_yaml::from_str(text).unwrap();
    let mut entries = Vec::new();
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut comment: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if let Some(said) = trimmed.strip_prefix("# -- ") {
            comment = Some(said.to_owned());
        } else if let Some(said) = trimmed.strip_prefix("# ") {
            comment = comment.map(|comment| format!("{comment} {said}"));
        } else if let Some((key, _)) = trimmed.split_once(':').filter(|_| !trimmed.starts_with("- ")) {
            path.retain(|(outer, _)| *outer < indent);
            path.push((indent, key));
            if let Some(meaning) = comment.take() {
                let names: Vec<&str> = path.iter().map(|(_, name)| *name).collect();
                let default = names.iter().fold(&values, |value, name| &value[name]);
                let default = if names == ["config"] { "see below".to_owned() } else { default.to_string() };
                entries.push(Entry { key: names.join("."), default, meaning });
            }
        }
    }
    assert!(entries.len() > 50, "{}", entries.len());
    entries
}

/// The definitions of a schema of doorkeeper's, under names with a prefix; its root has the prefix for a name.
fn embedded(schema: &Value, prefix: &str) -> Map<String, Value> {
    let mut root = schema.clone();
    rename(&mut root, prefix);
    let object = root.as_object_mut().unwrap();
    object.retain(|key, _| key != "$schema" && key != "title");
    let Some(Value::Object(definitions)) = object.remove("$defs") else { panic!("no $defs") };
    let mut renamed: Map<String, Value> =
        definitions.into_iter().map(|(name, value)| (format!("{prefix}.{name}"), value)).collect();
    renamed.insert(prefix.to_owned(), root);
    renamed
}

/// Leads references to the renamed definitions, and leaves out what no validator reads.
fn rename(schema: &mut Value, prefix: &str) {
    match schema {
        Value::Object(object) => {
            if object.get("format").is_some_and(Value::is_string) {
                object.remove("format");
            }
            if object.get("examples").is_some_and(Value::is_array) {
                object.remove("examples");
            }
            // Helm's validator names a wrong place for names of keys, and the right one for patterns of them.
            if let Some(names) = object.remove("propertyNames") {
                let values = object.insert("additionalProperties".to_owned(), Value::Bool(false)).unwrap();
                let pattern = names["pattern"].as_str().unwrap().to_owned();
                object.insert("patternProperties".to_owned(), serde_json::json!({ pattern: values }));
            }
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                *reference = reference.replace("#/$defs/", &format!("#/$defs/{prefix}."));
            }
            object.values_mut().for_each(|value| rename(value, prefix));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, prefix)),
        _ => {}
    }
}

fn walk(value: &Value, at: &str, visit: &mut impl FnMut(&str, &Value)) {
    if let Value::Object(object) = value {
        visit(at, value);
        for (key, inner) in object {
            walk(inner, &format!("{at}/{key}"), visit);
        }
    } else if let Value::Array(values) = value {
        for (i, inner) in values.iter().enumerate() {
            walk(inner, &format!("{at}/{i}"), visit);
        }
    }
}

/// Visits the paths of all values that are no map, or an empty one.
pub(crate) fn leaves(value: &Value, path: &str, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (key, inner) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(inner, &path, visit);
            }
        }
        _ => visit(path),
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(CHART).join(name)
}

/// The file must have this text; with `DOORKEEPER_UPDATE=1` it gets it.
fn hold(path: &Path, old: &str, new: &str) {
    if std::env::var("DOORKEEPER_UPDATE").as_deref() == Ok("1") {
        std::fs::write(path, new).unwrap();
    } else {
        assert!(old == new, "{} is behind: run `make chart`", path.display());
    }
}
