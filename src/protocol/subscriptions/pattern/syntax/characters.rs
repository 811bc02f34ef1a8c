//! How a pattern writes one character: what stands behind a backslash, and classes in brackets.

use super::Parser;
use crate::protocol::subscriptions::pattern::classes::{self, Set};
use crate::protocol::subscriptions::pattern::fault::Fault;

impl Parser<'_> {
    /// The class that stands behind a backslash, if one does.
    pub(super) fn escaped_class(&mut self) -> Result<Option<Set>, Fault> {
        let Some(letter) = self.rest.peek() else { return Ok(None) };
        if let Some(set) = classes::perl(letter) {
            self.rest.next();
            return Ok(Some(set));
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(None);
        }
        self.rest.next();
        let mut buffer = [0; 4];
        let name = match self.rest.next() {
            Some('{') => self.rest.up_to("}").ok_or(Fault::CharacterClassRange)?,
            Some(letter) => letter.encode_utf8(&mut buffer),
            None => return Err(Fault::CharacterClassRange),
        };
        let set = classes::unicode(name, self.flags.ignores_case)?;
        Ok(Some(if letter == 'P' { !set } else { set }))
    }

    /// The character that stands behind a backslash.
    pub(super) fn character(&mut self) -> Result<u32, Fault> {
        let first = self.rest.next().ok_or(Fault::TrailingBackslash)?;
        let is_octal = |next: Option<char>| next.is_some_and(|next| ('0'..='7').contains(&next));
        match first {
            'a' => Ok(0x07),
            'f' => Ok(0x0c),
            'n' => Ok(0x0a),
            'r' => Ok(0x0d),
            't' => Ok(0x09),
            'v' => Ok(0x0b),
            'x' => self.hexadecimal(),
            '1'..='7' if !is_octal(self.rest.peek()) => Err(Fault::Escape),
            '0'..='7' => {
                let mut value = first.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = self.rest.peek().and_then(|next| next.to_digit(8)) else { break };
                    self.rest.next();
                    value = value * 8 + digit;
                }
                Ok(value)
            }
            other if other.is_ascii_alphanumeric() => Err(Fault::Escape),
            other => Ok(other.into()),
        }
    }

    /// What stands behind `\x`: two digits, or any number of them in braces.
    fn hexadecimal(&mut self) -> Result<u32, Fault> {
        let digit = |of: Option<char>| of.and_then(|of| of.to_digit(16)).ok_or(Fault::Escape);
        if !self.rest.take("{") {
            let (high, low) = (digit(self.rest.next())?, digit(self.rest.next())?);
            return Ok(high * 16 + low);
        }
        let mut value = digit(self.rest.next())?;
        while !self.rest.take("}") {
            value = value * 16 + digit(self.rest.next())?;
            if value > u32::from(char::MAX) {
                return Err(Fault::Escape);
            }
        }
        Ok(value)
    }

    /// What stands behind a bracket.
    pub(super) fn class(&mut self) -> Result<Set, Fault> {
        let is_negated = self.rest.take("^");
        let mut set = 0;
        let mut is_first = true;
        while is_first || !self.rest.take("]") {
            is_first = false;
            if let Some(named) = self.named_class()? {
                set |= named;
                continue;
            }
            if self.rest.0.starts_with('\\') {
                let before = self.rest.clone();
                self.rest.next();
                if let Some(escaped) = self.escaped_class()? {
                    set |= escaped;
                    continue;
                }
                self.rest = before;
            }
            let first = self.class_character()?;
            let last = match self.rest.0.strip_prefix('-') {
                Some(behind) if !behind.starts_with(']') => {
                    self.rest.0 = behind;
                    self.class_character()?
                }
                _ => first,
            };
            if last < first {
                return Err(Fault::CharacterClassRange);
            }
            set |= classes::range(first, last, self.flags.ignores_case);
        }
        Ok(if is_negated { !set } else { set })
    }

    fn class_character(&mut self) -> Result<u32, Fault> {
        match self.rest.next() {
            Some('\\') => self.character(),
            Some(literal) => Ok(literal.into()),
            None => Err(Fault::MissingBracket),
        }
    }

    fn named_class(&mut self) -> Result<Option<Set>, Fault> {
        if self.no_named_class || !self.rest.0.starts_with("[:") {
            return Ok(None);
        }
        let before = self.rest.clone();
        self.rest.next();
        match self.rest.up_to(":]") {
            // The colon at its beginning may be that at its end.
            Some(name) => {
                let name = name.strip_prefix(':').unwrap_or_default();
                classes::posix(name, self.flags.ignores_case).map(Some)
            }
            None => {
                (self.no_named_class, self.rest) = (true, before);
                Ok(None)
            }
        }
    }
}
