//! JSON to bytes.

use super::definition::{Definition, Field, Kind};
use serde_json::{Map, Value};

/// Appends the body of a message. Fields that the definitions do not know are passed over: those of another Kafka may.
pub fn write(definition: &Definition, version: i16, body: &Value, out: &mut Vec<u8>) {
    let writer = Writer { version, flexible: definition.flexible.contains(version) };
    writer.fields(
        &definition.fields,
        body.as_object().expect("a message is a JSON object"),
        &definition.name,
        out,
    );
}

struct Writer {
    version: i16,
    flexible: bool,
}

impl Writer {
    fn fields(&self, fields: &[Field], values: &Map<String, Value>, place: &str, out: &mut Vec<u8>) {
        let present: Vec<&Field> =
            fields.iter().filter(|field| field.versions.contains(self.version)).collect();
        let tag = |field: &&Field| {
            field.tag.filter(|(_, versions)| versions.contains(self.version)).map(|(tag, _)| tag)
        };
        for field in present.iter().filter(|field| tag(field).is_none()) {
            self.field(field, values.get(&field.name).unwrap_or(&field.default), place, out);
        }
        if self.flexible {
            let mut tagged: Vec<(u32, Vec<u8>)> = Vec::new();
            for field in &present {
                let given = values.get(&field.name).filter(|value| **value != field.default);
                if let (Some(tag), Some(value)) = (tag(field), given) {
                    let mut bytes = Vec::new();
                    self.field(field, value, place, &mut bytes);
                    tagged.push((tag, bytes));
                }
            }
            tagged.sort();
            unsigned_varint(tagged.len(), out);
            for (tag, bytes) in tagged {
                unsigned_varint(tag as usize, out);
                unsigned_varint(bytes.len(), out);
                out.extend(bytes);
            }
        }
    }

    fn field(&self, field: &Field, value: &Value, place: &str, out: &mut Vec<u8>) {
        let place = format!("{place}.{}", field.name);
        let nullable = field.nullable.contains(self.version);
        if value.is_null() && !nullable {
            // What a nullable field's default means where null is not yet allowed.
            let empty = match field.kind {
                Kind::Array(_) => Value::Array(Vec::new()),
                Kind::String | Kind::Bytes => Value::String(String::new()),
                _ => panic!("{place} cannot be null in version {}", self.version),
            };
            return self.value(&field.kind, &empty, nullable, &place, out);
        }
        self.value(&field.kind, value, nullable, &place, out);
    }

    fn value(&self, kind: &Kind, value: &Value, nullable: bool, place: &str, out: &mut Vec<u8>) {
        let integer = || value.as_i64().unwrap_or_else(|| panic!("{place} wants a number, not {value}"));
        match kind {
            Kind::Bool => {
                out.push(u8::from(value.as_bool().unwrap_or_else(|| panic!("{place} wants a bool"))));
            }
            Kind::Int8 => out.extend(i8::try_from(integer()).unwrap().to_be_bytes()),
            Kind::Int16 => out.extend(i16::try_from(integer()).unwrap().to_be_bytes()),
            Kind::Uint16 => out.extend(u16::try_from(integer()).unwrap().to_be_bytes()),
            Kind::Int32 => out.extend(i32::try_from(integer()).unwrap().to_be_bytes()),
            Kind::Uint32 => out.extend(u32::try_from(integer()).unwrap().to_be_bytes()),
            Kind::Int64 => out.extend(integer().to_be_bytes()),
            Kind::Float64 => out.extend(value.as_f64().unwrap().to_be_bytes()),
            Kind::Uuid => out.extend(unhex(text(value, place), place)),
            Kind::String => self.string(value, place, out),
            Kind::Bytes => self.bytes(value, place, out),
            Kind::Array(element) => self.array(element, value, place, out),
            Kind::Struct(fields) => {
                if nullable {
                    out.push(if value.is_null() { 0xff } else { 1 });
                }
                if !value.is_null() {
                    let values =
                        value.as_object().unwrap_or_else(|| panic!("{place} wants an object, not {value}"));
                    self.fields(fields, values, place, out);
                }
            }
        }
    }

    fn string(&self, value: &Value, place: &str, out: &mut Vec<u8>) {
        let bytes = (!value.is_null()).then(|| text(value, place).as_bytes());
        match (self.flexible, bytes) {
            (true, None) => out.push(0),
            (true, Some(bytes)) => unsigned_varint(bytes.len() + 1, out),
            (false, None) => out.extend((-1i16).to_be_bytes()),
            (false, Some(bytes)) => out.extend(i16::try_from(bytes.len()).unwrap().to_be_bytes()),
        }
        out.extend(bytes.unwrap_or_default());
    }

    fn bytes(&self, value: &Value, place: &str, out: &mut Vec<u8>) {
        let bytes = (!value.is_null()).then(|| unhex(text(value, place), place));
        self.count(bytes.as_ref().map(Vec::len), out);
        out.extend(bytes.unwrap_or_default());
    }

    fn array(&self, element: &Kind, value: &Value, place: &str, out: &mut Vec<u8>) {
        if value.is_null() {
            return self.count(None, out);
        }
        let elements = value.as_array().unwrap_or_else(|| panic!("{place} wants an array, not {value}"));
        self.count(Some(elements.len()), out);
        for value in elements {
            self.value(element, value, false, place, out);
        }
    }

    fn count(&self, count: Option<usize>, out: &mut Vec<u8>) {
        match (self.flexible, count) {
            (true, None) => out.push(0),
            (true, Some(count)) => unsigned_varint(count + 1, out),
            (false, None) => out.extend((-1i32).to_be_bytes()),
            (false, Some(count)) => out.extend(i32::try_from(count).unwrap().to_be_bytes()),
        }
    }
}

fn text<'a>(value: &'a Value, place: &str) -> &'a str {
    value.as_str().unwrap_or_else(|| panic!("{place} wants a text, not {value}"))
}

fn unhex(digits: &str, place: &str) -> Vec<u8> {
    let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len())
        .step_by(2)
        .map(|at| pair(at).unwrap_or_else(|| panic!("{place} is not hexadecimal")))
        .collect()
}

fn unsigned_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
