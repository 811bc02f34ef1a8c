//! Reading and writing Kafka's messages as [`messages`](crate::protocol::messages) declares them.
//!
//! A declaration is the struct and its wire format at once, for every version that Kafka ever had:
//!
//! ```text
//! messages! {
//!     Metadata (3, 0..=13, flexible 9);
//!
//!     mod metadata_request {
//!         MetadataRequest {
//!             topics: Option<Vec<MetadataRequestTopic>>, null 1.., = empty();
//!             allow_auto_topic_creation: bool, in 4.., = true;
//!         }
//!         ...
//! ```
//!
//! Bytes that are read may be hostile. Whatever they are, reading ends in a value or a [`Fault`]; it never
//! panics, never recurses deeper than the declaration, and never allocates more than a small multiple of the
//! frame. Where Kafka's own reader is lenient, this one is strict: text must be UTF-8, a negative length other
//! than null's -1 is refused, tags must ascend, a tag's declared size must be used up, and nothing may follow
//! a request. No client writes such bytes, and two readers could take them for different things. What follows a
//! response is ignored, as Kafka's clients do.
//!
//! Writing never loses a value silently: see [`Message::encode`].

#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod comparisons;
mod declare;
mod fault;
mod reader;
mod tags;
mod text;
mod uuid;
mod values;
mod writer;

use std::ops::RangeInclusive;

pub use bytes::Bytes;

pub use comparisons::comparisons;
pub(crate) use declare::{field, messages, structure};
pub use fault::{Fault, FaultKind};
pub use reader::Reader;
pub use tags::{TagWriter, Tags};
pub use text::Str;
pub use uuid::{ParseUuidError, Uuid};
pub use values::{Nullable, Wire, empty};

/// A request or a response of one API, in all its versions.
pub trait Message: Wire + Default {
    /// The API's key.
    const KEY: i16;
    /// The API's name, the same for request and response: `"Produce"`.
    const NAME: &'static str;
    /// Which of the two this is.
    const DIRECTION: Direction;
    /// The versions that can be read and written.
    const VERSIONS: RangeInclusive<i16>;
    /// The first version with compact lengths and tagged fields (KIP-482); `i16::MAX` if there is none.
    const FLEXIBLE: i16;

    /// Reads the message that `body`, what follows the header, holds in `version`.
    ///
    /// Strings and byte fields share the memory of `body`: what keeps one of them keeps the whole frame.
    ///
    /// # Errors
    /// Any [`Fault`] but `Lost`; it names the field at fault.
    fn decode(body: &Bytes, version: i16) -> Result<Self, Fault> {
        let at = At::of::<Self>(version)?;
        let mut reader = Reader::new(body, reader::memory::<Self>(body.len()));
        let message = Self::read(&mut reader, at)?;
        // librdkafka's mock cluster ends flexible answers to Metadata with one section of tags too many.
        let ends = reader.is_empty() || Self::DIRECTION == Direction::Response;
        if ends { Ok(message) } else { Err(Fault::new(FaultKind::Trailing).within(Self::NAME)) }
    }

    /// As [`decode`](Self::decode), without the tagged fields that nobody declared, and whether there were any. What has
    /// not been read must not be passed on: a newer broker might understand it.
    ///
    /// # Errors
    /// As those of `decode`.
    fn decode_declared(body: &Bytes, version: i16) -> Result<(Self, bool), Fault> {
        let at = At::of::<Self>(version)?;
        let mut reader = Reader::new(body, reader::memory::<Self>(body.len())).dropping_unknown();
        let message = Self::read(&mut reader, at)?;
        match reader.is_empty() {
            true => Ok((message, reader.has_dropped())),
            false => Err(Fault::new(FaultKind::Trailing).within(Self::NAME)),
        }
    }

    /// Appends the message to `out` as `version` has it.
    ///
    /// A field that the version lacks must have its default value, unless Kafka declares the field ignorable:
    /// then its value is left out. The same rule holds in Kafka's own classes.
    ///
    /// # Errors
    /// `Version` outside [`VERSIONS`](Self::VERSIONS); `Lost` or `Null` for a value that the version cannot
    /// carry; `Length` for one that no version can. `out` is then as it was.
    fn encode(&self, version: i16, out: &mut Vec<u8>) -> Result<(), Fault> {
        let at = At::of::<Self>(version)?;
        let start = out.len();
        let written = self.write(out, at);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

/// A message that a client sends.
pub trait Request: Message {
    /// What the broker answers, in the same version.
    type Response: Message;
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to a broker.
    Request,
    /// From a broker to a client.
    Response,
}

/// The circumstances in which a value is read or written.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The version of the message.
    pub version: i16,
    /// Lengths are compact and structs end in tagged fields.
    pub flexible: bool,
    /// The value may be null.
    pub null: bool,
}

impl At {
    fn of<M: Message>(version: i16) -> Result<Self, Fault> {
        if M::VERSIONS.contains(&version) {
            Ok(Self { version, flexible: version >= M::FLEXIBLE, null: false })
        } else {
            Err(Fault::new(FaultKind::Version).within(M::NAME))
        }
    }
}

#[cfg(test)]
mod tests;
