//! Why a text is no pattern, in RE2's words.

/// Why a text is no pattern. The words are RE2's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    CharacterClassRange,
    Escape,
    NamedCapture,
    DuplicateName,
    PerlSyntax,
    NestedRepetition,
    RepeatCount,
    MissingBracket,
    MissingParenthesis,
    /// A parenthesis that closes nothing, in the words of RE2/J.
    StrayParenthesis,
    NothingToRepeat,
    TrailingBackslash,
    /// Of these RE2/J knows none, others of RE2's kind do.
    TooDeep,
    TooLarge,
}

impl Fault {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::CharacterClassRange => "invalid character class range",
            Self::Escape => "invalid escape sequence",
            Self::NamedCapture => "invalid named capture",
            Self::DuplicateName => "duplicate capture group name",
            Self::PerlSyntax => "invalid or unsupported Perl syntax",
            Self::NestedRepetition => "invalid nested repetition operator",
            Self::RepeatCount => "invalid repeat count",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParenthesis => "missing closing )",
            Self::StrayParenthesis => "regexp/syntax: internal error",
            Self::NothingToRepeat => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::TooDeep => "expression nests too deeply",
            Self::TooLarge => "expression too large",
        }
    }
}
