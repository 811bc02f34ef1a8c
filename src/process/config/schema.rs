//! The JSON Schema of the configuration file, for editors, for the reference table, and for our own check.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::formats::FORMATS;
use super::raw;

/// The schema of the configuration file.
pub fn config_schema() -> Schema {
    schema_of::<raw::Root>("Configuration of doorkeeper")
}

/// The schema as it is checked in and printed: two spaces of indentation and a final line end.
pub fn printed(schema: &Schema) -> String {
    format!("{:#}\n", schema.as_value())
}

pub(crate) fn schema_of<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    RecursiveTransform(without_null).transform(&mut schema);
    RecursiveTransform(with_grammar).transform(&mut schema);
    RecursiveTransform(unwrapped_description).transform(&mut schema);
    schema
}

/// A key may be left out, but not be left empty: `admin:` with nothing after it is more likely a mistake.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|word| word != "null");
        if let [word] = types.as_slice() {
            let word = word.clone();
            schema.insert("type".into(), word);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
        if let [Value::Object(choice)] = choices.as_slice() {
            let choice = choice.clone();
            schema.remove("anyOf");
            for (key, value) in choice {
                schema.insert(key, value);
            }
        }
    }
    match schema.get_mut("default") {
        Some(Value::Object(defaults)) => defaults.retain(|_, value| !value.is_null()),
        Some(Value::Null) => drop(schema.remove("default")),
        _ => {}
    }
}

/// An example and a pattern say more than the name of a format that is ours alone.
fn with_grammar(schema: &mut Schema) {
    let name = schema.get("format").and_then(Value::as_str);
    if let Some(format) = FORMATS.iter().find(|format| Some(format.name) == name) {
        schema.insert("examples".into(), Value::from(vec![format.example]));
        if let Some(pattern) = format.pattern {
            schema.insert("pattern".into(), pattern.into());
        }
    }
}

/// Comments are wrapped for the source; a description is one line a paragraph.
fn unwrapped_description(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs: Vec<String> = text.split("\n\n").map(|p| p.replace('\n', " ")).collect();
        *text = paragraphs.join("\n\n");
    }
}
