//! What can be wrong with a message.

use std::fmt;

/// Why a message could not be read or written, and the field where that showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The innermost field as `Struct.field`, or the API's name if no field is to blame.
    pub field: &'static str,
    /// What is wrong there.
    pub kind: FaultKind,
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The bytes end before the value does, or a count promises more than there are bytes.
    Short,
    /// A length, count or presence byte out of its range.
    Length,
    /// A variable-length number that does not fit into 32 bits.
    Varint,
    /// Null where the version has none.
    Null,
    /// Text that is not UTF-8.
    Utf8,
    /// Tagged fields out of order, repeated, of the wrong size, or unknown to this version.
    Tag,
    /// Bytes after the end of the message.
    Trailing,
    /// Something that was not asked for.
    Foreign,
    /// The message would take far more memory than its frame.
    Budget,
    /// A value other than the default in a field that the version lacks.
    Lost,
    /// A version that the API does not have.
    Version,
}

impl Fault {
    /// A fault whose field is not known yet.
    #[cold]
    pub(in crate::protocol) fn new(kind: FaultKind) -> Self {
        Self { field: "", kind }
    }

    /// The same fault, of `field` unless an inner one is named already.
    #[cold]
    pub(in crate::protocol) fn within(self, field: &'static str) -> Self {
        if self.field.is_empty() { Self { field, ..self } } else { self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            FaultKind::Short => "the message ends before the value does",
            FaultKind::Length => "the length is out of range",
            FaultKind::Varint => "the variable-length number exceeds 32 bits",
            FaultKind::Null => "the value is null, which this version does not allow",
            FaultKind::Utf8 => "the text is not UTF-8",
            FaultKind::Tag => {
                "the tagged fields are out of order, repeated, wrongly sized or not of this version"
            }
            FaultKind::Trailing => "bytes follow the end of the message",
            FaultKind::Foreign => "nobody asked for it",
            FaultKind::Budget => "the message would take far more memory than its frame",
            FaultKind::Lost => "this version has no field for the value",
            FaultKind::Version => "this version of the API is not known",
        };
        // A field named as a Rust keyword is declared as `r#match`.
        write!(f, "{}: {what}", self.field.replace("r#", ""))
    }
}

impl std::error::Error for Fault {}
