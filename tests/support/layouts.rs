//! Kafka's message definitions, read from `tests/data/kafka-messages.txt`.
//!
//! ```text
//! 3 Metadata request 0-13 flexible 9 kafka 4.4 listeners broker
//!   Topics []MetadataRequestTopic null 1-13
//!     TopicId uuid in 10-13 ignorable
//!     Name string null 10-13 @topicName
//!   AllowAutoTopicCreation bool in 4-13 = true
//! ```
//!
//! What is not said holds for all versions of what contains the field. An API whose old versions Kafka 4 dropped
//! has a layout for those, too.

use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use doorkeeper::protocol::messages::{CATALOGUE, Codec, Entry};

/// The release that the declarations are of.
pub(crate) const NEWEST: &str = "4.4.0";

static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| parse(include_str!("../data/kafka-messages.txt")));

/// All layouts, by key, requests before responses, old versions before new ones.
pub(crate) fn layouts() -> &'static [Layout] {
    &LAYOUTS
}

/// Every version of every message, with what reads and writes it.
pub(crate) fn each_version(mut f: impl FnMut(&'static Layout, i16, &'static Codec)) {
    for layout in layouts() {
        layout.versions.clone().for_each(|version| f(layout, version, layout.codec()));
    }
}

/// A message in a range of its versions.
pub(crate) struct Layout {
    pub(crate) key: i16,
    pub(crate) api: &'static str,
    pub(crate) is_request: bool,
    pub(crate) versions: RangeInclusive<i16>,
    /// `i16::MAX` if there is none.
    pub(crate) flexible: i16,
    /// The release the definition is from: `4.4`.
    pub(crate) kafka: &'static str,
    /// Who listens to the request: `broker`, `controller`.
    #[allow(dead_code, reason = "the tests of the rules ask for it")]
    pub(crate) listeners: Vec<&'static str>,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// Kafka's name of the type; of an array's elements, if it is one.
    pub(crate) kind: &'static str,
    pub(crate) is_array: bool,
    pub(crate) versions: RangeInclusive<i16>,
    pub(crate) null: Option<RangeInclusive<i16>>,
    pub(crate) tag: Option<u32>,
    pub(crate) default: Option<&'static str>,
    /// What it names: `topicName`, `groupId`, `transactionalId`, `brokerId`, `producerId`.
    #[allow(dead_code, reason = "the tests of the rules ask for it")]
    pub(crate) entity: Option<&'static str>,
    /// The fields of a struct.
    pub(crate) fields: Vec<Field>,
}

impl Layout {
    pub(crate) fn entry(&self) -> &'static Entry {
        let entry = CATALOGUE.iter().find(|entry| entry.key == self.key);
        entry.unwrap_or_else(|| panic!("{} is not declared", self.api))
    }

    pub(crate) fn codec(&self) -> &'static Codec {
        if self.is_request { &self.entry().request } else { &self.entry().response }
    }

    /// Whether the newest release still has these versions.
    pub(crate) fn is_current(&self) -> bool {
        NEWEST.starts_with(self.kafka)
    }

    /// `ProduceRequest`.
    pub(crate) fn name(&self) -> String {
        format!("{}{}", self.api, if self.is_request { "Request" } else { "Response" })
    }
}

impl Field {
    pub(crate) fn is_struct(&self) -> bool {
        self.kind.starts_with(char::is_uppercase)
    }

    /// The name as our declarations have it.
    pub(crate) fn snake_name(&self) -> String {
        let mut name = String::new();
        for (at, letter) in self.name.char_indices() {
            let after_small = name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
            if at > 0 && letter.is_ascii_uppercase() && after_small {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }
}

struct Line {
    depth: usize,
    words: Vec<&'static str>,
}

pub(crate) fn parse(text: &'static str) -> Vec<Layout> {
    let mut lines = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| Line {
            depth: line.len() - line.trim_start().len(),
            words: line.split_whitespace().collect(),
        })
        .peekable();
    let mut layouts = Vec::new();
    while let Some(Line { words, .. }) = lines.next() {
        let [key, api, direction, versions, options @ ..] = &words[..] else { panic!("{words:?}") };
        let option = |name| options.iter().position(|word| *word == name).map(|at| options[at + 1]);
        let versions = range(versions).unwrap();
        layouts.push(Layout {
            key: key.parse().unwrap(),
            api,
            is_request: *direction == "request",
            flexible: option("flexible").map_or(i16::MAX, |word| word.parse().unwrap()),
            kafka: option("kafka").unwrap(),
            listeners: options
                .iter()
                .filter(|word| ["broker", "controller"].contains(word))
                .copied()
                .collect(),
            fields: fields(&mut lines, 2, &versions),
            versions,
        });
    }
    layouts
}

fn fields(
    lines: &mut Peekable<impl Iterator<Item = Line>>,
    depth: usize,
    outer: &RangeInclusive<i16>,
) -> Vec<Field> {
    let mut fields = Vec::new();
    while let Some(line) = lines.next_if(|line| line.depth == depth) {
        let mut field = field(&line.words, outer);
        field.fields = self::fields(lines, depth + 2, &field.versions);
        assert_eq!(field.fields.is_empty(), !field.is_struct(), "{}", field.name);
        fields.push(field);
    }
    fields
}

fn field(words: &[&'static str], outer: &RangeInclusive<i16>) -> Field {
    let option = |name| words.iter().position(|word| *word == name).map(|at| words.get(at + 1).copied());
    let versions = option("in").flatten().and_then(range).unwrap_or_else(|| outer.clone());
    Field {
        name: words[0],
        kind: words[1].trim_start_matches("[]"),
        is_array: words[1].starts_with("[]"),
        null: option("null").map(|word| word.and_then(range).unwrap_or_else(|| versions.clone())),
        tag: option("tag").flatten().map(|word| word.parse().unwrap()),
        default: option("=").flatten(),
        entity: words.iter().find_map(|word| word.strip_prefix('@')),
        fields: Vec::new(),
        versions,
    }
}

/// `3` or `3-5`; none if it is another word.
fn range(word: &str) -> Option<RangeInclusive<i16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}
