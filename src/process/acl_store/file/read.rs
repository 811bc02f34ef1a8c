//! Reads an ACL file: all of it, or what is new in it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::pieces::{Pieces, STRETCH, Stretch};
use super::{AclFileReader, Entry, MAX_BYTES, acls_schema};
use crate::model::acl::Binding;
use crate::process::config::document::{Document, MAX_NODES, Value};
use crate::process::config::schema_check::{self, MAX_FAULTS};
use crate::process::config::{Fault, Faults, Place};

/// The most warnings that are listed of one file.
const MAX_WARNINGS: usize = 20;

/// From which length on a file is warned of, in bytes.
const LONG: u64 = MAX_BYTES / 4 * 3;

/// What one entry says.
pub(super) type Said = Arc<[Arc<Binding>]>;

/// A right file.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// In the order of the file, each once.
    pub(super) bindings: Vec<Arc<Binding>>,
    /// What each entry says by itself, whether or not another one says it too. The same binding is the same everywhere.
    pub(super) said: Vec<Said>,
    /// What is allowed but may be a mistake.
    pub(super) warnings: Vec<Fault>,
}

/// A right text, and what each of its entries says.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) text: String,
    pub(super) said: Vec<Said>,
}

/// Reads the text, which stands in the file `path`.
///
/// # Errors
/// Every fault in it.
pub(super) fn read(path: &Path, text: &str) -> Result<Read, Faults> {
    let mut reading = Reading::new(path, MAX_WARNINGS);
    let mut read = match reading.pieces(text, &HashMap::new()) {
        Some(()) => reading.done(),
        None => whole(path, text),
    }?;
    if text.len() as u64 > LONG {
        let message = format!(
            "the file has {} KiB, and more than {} KiB are not read: keep so many ACLs in a topic (authorization.acls.topic)",
            text.len() / 1024,
            MAX_BYTES / 1024
        );
        read.warnings.insert(0, Fault { file: path.into(), place: None, message });
    }
    Ok(read)
}

/// Reads the text as one YAML document.
fn whole(path: &Path, text: &str) -> Result<Read, Faults> {
    let mut reading = Reading::new(path, MAX_WARNINGS);
    reading.add(&Stretch::whole(text), Document::parse(path, text.to_owned())?);
    reading.done()
}

/// As [`read`], without warnings. Of what is in the text `known` nothing is read again.
///
/// # Errors
/// Every fault in the text.
pub(super) fn read_after(path: &Path, text: &str, known: &Known) -> Result<Read, Faults> {
    let before: HashMap<&str, &Said> = match Pieces::of(&known.text) {
        Some(pieces) if pieces.len() == known.said.len() => {
            let alone = (0..pieces.len()).filter(|entry| pieces.is_alone(*entry));
            alone.map(|entry| (pieces.text(entry), &known.said[entry])).collect()
        }
        _ => HashMap::new(),
    };
    let mut reading = Reading::new(path, 0);
    if reading.pieces(text, &before).is_some()
        && let Ok(read) = reading.done()
    {
        return Ok(read);
    }
    read(path, text)
}

/// Where the entry begins that says `binding`, in a file that [`read`] accepts.
pub(super) fn place_of(path: &Path, text: &str, binding: &Binding) -> Option<Place> {
    let said = read(path, text).ok()?.said;
    let entry = said.iter().position(|said| said.iter().any(|one| **one == *binding))?;
    let pieces = Pieces::of(text).filter(|pieces| pieces.len() == said.len());
    place_in(path, text, pieces.as_ref(), entry, None)
}

/// Where each of these principals is named first, in a file that [`read`] accepts.
pub(super) fn places_of_principals(path: &Path, text: &str, principals: &[&str]) -> Vec<Option<Place>> {
    let said = read(path, text).map(|read| read.said).unwrap_or_default();
    let pieces = Pieces::of(text).filter(|pieces| pieces.len() == said.len());
    let place = |principal: &&str| {
        let entry = said.iter().position(|said| said.iter().any(|one| one.principal == **principal))?;
        place_in(path, text, pieces.as_ref(), entry, Some("principal"))
    };
    principals.iter().map(place).collect()
}

/// Where an entry begins, or the value of one of its keys.
fn place_in(
    path: &Path,
    text: &str,
    pieces: Option<&Pieces<'_>>,
    entry: usize,
    key: Option<&str>,
) -> Option<Place> {
    let (stretch, number) = match pieces {
        Some(pieces) => (pieces.stretch(entry..entry + 1), 0),
        None => (Stretch::whole(text), entry),
    };
    let document = Document::parse(path, stretch.text.clone()).ok()?;
    let at = key.map_or_else(|| number.to_string(), |key| format!("{number}.{key}"));
    document.fault(&at, "").place.map(|place| stretch.in_file(place))
}

/// A file while it is read.
struct Reading<'a> {
    path: &'a Path,
    schema: Json,
    read: Read,
    faults: Found,
    warnings: Found,
    /// The number of the entry that each binding was first met in.
    seen: HashMap<Arc<Binding>, usize>,
    /// How many values were in what was read.
    values: u32,
    /// How much is read at once, in bytes, unless one entry is longer.
    stretch: usize,
}

/// The first of what was found, in the file's order.
struct Found {
    most: usize,
    list: Vec<Fault>,
    left_out: usize,
}

impl<'a> Reading<'a> {
    fn new(path: &'a Path, most_warnings: usize) -> Reading<'a> {
        let found = |most| Found { most, list: Vec::new(), left_out: 0 };
        Reading {
            path,
            schema: acls_schema().as_value().clone(),
            read: Read::default(),
            faults: found(MAX_FAULTS),
            warnings: found(most_warnings),
            seen: HashMap::new(),
            values: 0,
            stretch: STRETCH,
        }
    }

    /// Reads the text in pieces, but for those that are known. `None`: it is to be read as a whole.
    fn pieces(&mut self, text: &str, known: &HashMap<&str, &Said>) -> Option<()> {
        let pieces = Pieces::of(text)?;
        let of_piece = |entry| known.get(pieces.text(entry)).filter(|_| pieces.is_alone(entry));
        let mut next = 0;
        for stretch in pieces.stretches(self.stretch, |entry| of_piece(entry).is_none()) {
            (next..stretch.start).filter_map(of_piece).for_each(|said| drop(self.say(said)));
            next = stretch.end;
            let stretch = pieces.stretch(stretch);
            let document = Document::parse(self.path, stretch.text.clone()).ok()?;
            self.values = self.values.saturating_add(document.values);
            match &document.root.value {
                Value::List(entries)
                    if entries.len() == stretch.entries.len() && self.values <= MAX_NODES => {}
                _ => return None,
            }
            self.add(&stretch, document);
        }
        (next..pieces.len()).filter_map(of_piece).for_each(|said| drop(self.say(said)));
        Some(())
    }

    /// Adds what a part of the file says.
    fn add(&mut self, stretch: &Stretch<'_>, mut document: Document) {
        let mut found = match schema_check::take_out(&mut document, &self.schema) {
            Ok(found) => found,
            Err(fault) => return self.faults.list.push(fault),
        };
        let mut typed = Vec::new();
        let entries: Vec<Entry> = schema_check::typed(&document, &mut typed).unwrap_or_default();
        self.faults.list.extend(typed);
        let mut reader = AclFileReader { document: &document, faults: Vec::new(), warnings: Vec::new() };
        let mut warnings = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let said: Said = reader.entry(i, entry).into_iter().map(Arc::new).collect();
            for (binding, first) in self.say(&said) {
                let message = format!(
                    "{} from {} was said before, by entry {}",
                    binding.operation,
                    binding.host,
                    first + 1
                );
                warnings.push((document.id_at(&i.to_string()), message));
            }
        }
        found.append(&mut reader.faults);
        warnings.append(&mut reader.warnings);
        self.faults.add(found, &document, stretch);
        self.warnings.add(warnings, &document, stretch);
    }

    /// Adds what an entry says; returns those of its bindings that an entry before it said, and which.
    fn say(&mut self, said: &Said) -> Vec<(Arc<Binding>, usize)> {
        let entry = self.read.said.len();
        let mut before = Vec::new();
        let mut is_other = false;
        let same: Vec<Arc<Binding>> = said
            .iter()
            .map(|binding| match self.seen.get_key_value(binding) {
                Some((same, first)) => {
                    is_other |= !Arc::ptr_eq(same, binding);
                    before.push((same.clone(), *first));
                    same.clone()
                }
                None => {
                    self.seen.insert(binding.clone(), entry);
                    self.read.bindings.push(binding.clone());
                    binding.clone()
                }
            })
            .collect();
        self.read.said.push(if is_other { same.into() } else { said.clone() });
        before
    }

    fn done(self) -> Result<Read, Faults> {
        let faults = self.faults.done();
        match faults.is_empty() {
            true => Ok(Read { warnings: self.warnings.done(), ..self.read }),
            false => Err(Faults::sorted(faults)),
        }
    }
}

impl Found {
    /// Adds what was found in a part of the file: the numbers of values, and what is to be said of them.
    fn add(&mut self, mut found: Vec<(u32, String)>, document: &Document, stretch: &Stretch<'_>) {
        if self.most == 0 {
            return;
        }
        found.sort();
        for (id, message) in found {
            if self.list.len() > self.most {
                self.left_out += 1;
                continue;
            }
            let mut fault = document.fault_at(id, message);
            fault.place = fault.place.map(|place| stretch.in_file(place));
            self.list.push(fault);
        }
    }

    fn done(mut self) -> Vec<Fault> {
        if let Some(one_more) = self.list.get_mut(self.most) {
            one_more.message = format!("{} more from here on are not listed", self.left_out + 1);
        }
        self.list
    }
}

#[cfg(test)]
mod tests;
