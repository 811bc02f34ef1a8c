//! Bytes to JSON.

use super::definition::{Definition, Field, Kind};
use serde_json::{Map, Value};

/// Reads header and body, and wants nothing to be left over.
pub fn response(
    definition: &Definition,
    version: i16,
    flexible_header: bool,
    frame: &[u8],
) -> Result<(i32, Value), String> {
    let mut reader = Reader { bytes: frame, version, flexible: definition.flexible.contains(version) };
    let correlation = reader.integer::<4>("correlation id")? as i32;
    if flexible_header {
        let tags = reader.unsigned_varint("header tags")?;
        if tags != 0 {
            return Err(format!("{tags} unknown tags in the header"));
        }
    }
    let body = reader.fields(&definition.fields, &definition.name)?;
    if !reader.bytes.is_empty() {
        return Err(format!("{} bytes after the end of {} v{version}", reader.bytes.len(), definition.name));
    }
    Ok((correlation, body))
}

struct Reader<'a> {
    bytes: &'a [u8],
    version: i16,
    flexible: bool,
}

impl<'a> Reader<'a> {
    fn fields(&mut self, fields: &[Field], place: &str) -> Result<Value, String> {
        let version = self.version;
        let present = || fields.iter().filter(move |field| field.versions.contains(version));
        let tag =
            |field: &Field| field.tag.filter(|(_, versions)| versions.contains(version)).map(|(tag, _)| tag);
        let mut values = Map::new();
        for field in present() {
            let value = if tag(field).is_some() { field.default.clone() } else { self.field(field, place)? };
            values.insert(field.name.clone(), value);
        }
        if self.flexible {
            for _ in 0..self.unsigned_varint(place)? {
                let number = self.unsigned_varint(place)?;
                let size = self.unsigned_varint(place)?;
                let after = self
                    .bytes
                    .len()
                    .checked_sub(size)
                    .ok_or_else(|| format!("{place}: tag {number} is cut short"))?;
                let Some(field) = present().find(|field| tag(field) == u32::try_from(number).ok()) else {
                    return Err(format!("{place}: unknown tag {number}"));
                };
                let value = self.field(field, place)?;
                if self.bytes.len() != after {
                    return Err(format!("{place}.{}: the tag's size is wrong", field.name));
                }
                values.insert(field.name.clone(), value);
            }
        }
        Ok(Value::Object(values))
    }

    fn field(&mut self, field: &Field, place: &str) -> Result<Value, String> {
        let nullable = field.nullable.contains(self.version);
        let place = format!("{place}.{}", field.name);
        let value = self.value(&field.kind, nullable, &place)?;
        if value.is_null() && !nullable {
            return Err(format!("{place} is null and must not be in version {}", self.version));
        }
        Ok(value)
    }

    fn value(&mut self, kind: &Kind, nullable: bool, place: &str) -> Result<Value, String> {
        Ok(match kind {
            Kind::Bool => Value::Bool(self.integer::<1>(place)? != 0),
            Kind::Int8 => Value::from(self.integer::<1>(place)?),
            Kind::Int16 => Value::from(self.integer::<2>(place)?),
            Kind::Uint16 => Value::from(self.integer::<2>(place)? & 0xffff),
            Kind::Int32 => Value::from(self.integer::<4>(place)?),
            Kind::Uint32 => Value::from(self.integer::<4>(place)? & 0xffff_ffff),
            Kind::Int64 => Value::from(self.integer::<8>(place)?),
            Kind::Float64 => Value::from(f64::from_bits(self.integer::<8>(place)? as u64)),
            Kind::Uuid => Value::String(hex(self.take(16, place)?)),
            Kind::String => {
                let length =
                    if self.flexible { self.compact_count(place)? } else { count(self.integer::<2>(place)?) };
                match length {
                    None => Value::Null,
                    Some(length) => {
                        Value::String(String::from_utf8_lossy(self.take(length, place)?).into_owned())
                    }
                }
            }
            Kind::Bytes => match self.count(place)? {
                None => Value::Null,
                Some(length) => Value::String(hex(self.take(length, place)?)),
            },
            Kind::Array(element) => match self.count(place)? {
                None => Value::Null,
                Some(count) => Value::Array(
                    (0..count).map(|_| self.value(element, false, place)).collect::<Result<_, _>>()?,
                ),
            },
            Kind::Struct(_) if nullable && self.integer::<1>(place)? < 0 => Value::Null,
            Kind::Struct(fields) => self.fields(fields, place)?,
        })
    }

    fn count(&mut self, place: &str) -> Result<Option<usize>, String> {
        if self.flexible { self.compact_count(place) } else { Ok(count(self.integer::<4>(place)?)) }
    }

    fn compact_count(&mut self, place: &str) -> Result<Option<usize>, String> {
        Ok(self.unsigned_varint(place)?.checked_sub(1))
    }

    /// A big-endian integer of so many bytes, sign extended.
    fn integer<const SIZE: usize>(&mut self, place: &str) -> Result<i64, String> {
        let bytes = self.take(SIZE, place)?;
        let negative = bytes[0] & 0x80 != 0;
        Ok(bytes.iter().fold(if negative { -1 } else { 0 }, |value: i64, byte| value << 8 | i64::from(*byte)))
    }

    fn unsigned_varint(&mut self, place: &str) -> Result<usize, String> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(1, place)?[0];
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(format!("{place}: a varint of more than five bytes"))
    }

    fn take(&mut self, length: usize, place: &str) -> Result<&'a [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(|| {
            format!("{place} v{}: {length} bytes wanted, {} left", self.version, self.bytes.len())
        })?;
        self.bytes = rest;
        Ok(taken)
    }
}

fn count(number: i64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
