//! The table of all keys, in Markdown, from the schema.

use serde_json::Value as Json;

use super::formats::FORMATS;

/// One row a key: what it is called, what it takes, what it is without, what it means.
pub fn markdown(schema: &Json) -> String {
    let mut rows = Rows { definitions: schema.get("$defs"), text: String::new() };
    rows.text.push_str("| Key | Value | Default | Meaning |\n|---|---|---|---|\n");
    rows.map("", schema, schema.get("default"));
    rows.text
}

struct Rows<'a> {
    definitions: Option<&'a Json>,
    text: String,
}

impl<'a> Rows<'a> {
    fn map(&mut self, prefix: &str, schema: &'a Json, defaults: Option<&'a Json>) {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        // The schema sorts its keys by name; what is required comes first, in the order of the declaration.
        let mut keys: Vec<_> =
            schema.get("properties").and_then(Json::as_object).into_iter().flatten().collect();
        keys.sort_by_key(|(name, _)| required.iter().position(|other| other == name).unwrap_or(usize::MAX));
        for (name, given) in keys {
            let key = format!("{prefix}{name}");
            let schema = self.resolved(given);
            let default =
                given.get("default").or_else(|| schema.get("default")).or_else(|| defaults?.get(name));
            let description = given
                .get("description")
                .or_else(|| schema.get("description"))
                .and_then(Json::as_str)
                .unwrap_or("");
            let inner = schema.get("properties").is_some();
            let shown = match (default, required.contains(&name.as_str())) {
                (_, true) => "**required**".to_owned(),
                (Some(default), _) if !inner => format!("`{}`", plain(default)),
                _ => String::new(),
            };
            self.row(&key, &self.value(schema), &shown, description);
            if inner {
                self.map(&format!("{key}."), schema, default);
            }
            if let Some(item) = schema.get("items").map(|item| self.resolved(item)) {
                self.map(&format!("{key}[]."), item, None);
            }
            let choices = schema.get("oneOf").and_then(Json::as_array).into_iter().flatten();
            for choice in choices.filter(|choice| choice.get("properties").is_some()) {
                self.choice(&key, choice);
            }
        }
    }

    /// The keys of one of several shapes of a mapping, which is named by its one key with a fixed word.
    fn choice(&mut self, key: &str, choice: &'a Json) {
        let properties = || choice.get("properties").and_then(Json::as_object).into_iter().flatten();
        let Some((tag, word)) = properties().find_map(|(name, schema)| Some((name, schema.get("const")?)))
        else {
            return;
        };
        let description = choice.get("description").and_then(Json::as_str).unwrap_or("");
        self.row(&format!("{key}.{tag}"), &format!("`{}`", plain(word)), "", description);
        let mut rest = choice.clone();
        if let Some(properties) = rest.get_mut("properties").and_then(Json::as_object_mut) {
            properties.remove(tag);
        }
        let mut rows = Rows { definitions: self.definitions, text: String::new() };
        rows.map(&format!("{key}."), &rest, None);
        self.text.push_str(&rows.text);
    }

    fn row(&mut self, key: &str, value: &str, default: &str, meaning: &str) {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        self.text.push_str(&format!(
            "| `{key}` | {} | {} | {} |\n",
            cell(value),
            cell(default),
            cell(meaning)
        ));
    }

    fn value(&self, schema: &'a Json) -> String {
        let schema = self.resolved(schema);
        let words =
            |key: &str| Some(schema.get(key)?.as_array()?.iter().map(|word| format!("`{}`", plain(word))));
        if let Some(words) = words("enum") {
            return words.collect::<Vec<_>>().join(", ");
        }
        if let Some(word) = schema.get("const") {
            return format!("`{}`", plain(word));
        }
        let format = schema.get("format").and_then(Json::as_str).unwrap_or_default();
        match schema.get("type").and_then(Json::as_str) {
            Some("array") => format!("list of {}", self.value(schema.get("items").unwrap_or(&Json::Null))),
            Some("object") => match (schema.get("propertyNames"), schema.get("additionalProperties")) {
                (Some(key), Some(value)) => {
                    let key = key.get("format").and_then(Json::as_str).unwrap_or_default();
                    format!("mapping of {} to {}", what(key).unwrap_or("text"), self.value(value))
                }
                _ => "mapping".into(),
            },
            Some("string") => what(format).unwrap_or("text").into(),
            Some("integer") => "number".into(),
            Some("boolean") => "`true`, `false`".into(),
            _ => "mapping".into(),
        }
    }

    fn resolved(&self, schema: &'a Json) -> &'a Json {
        let name = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
        name.and_then(|name| self.definitions?.get(name)).unwrap_or(schema)
    }
}

fn what(format: &str) -> Option<&'static str> {
    FORMATS.iter().find(|known| known.name == format).map(|format| format.what)
}

/// A value as YAML has it on one line.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), Into::into)
}
