//! What follows a backslash.

use super::class::Class;
use super::{Parser, UnsupportedPattern};

/// A backslash and what belongs to it.
pub(super) enum Escape {
    Character(char),
    Class(Class),
    /// A letter or digit whose meaning depends on where it stands.
    Other(char),
}

/// Java's one-letter names of characters.
const CONTROLS: [(char, char); 6] =
    [('t', '\t'), ('n', '\n'), ('r', '\r'), ('f', '\u{c}'), ('a', '\u{7}'), ('e', '\u{1b}')];

impl Parser<'_> {
    /// Reads what follows the backslash at `start`.
    pub(super) fn escape(&mut self, start: usize) -> Result<Escape, UnsupportedPattern> {
        let Some(c) = self.next() else {
            return self.refuse(start, "a backslash ends the pattern; write \\\\ for the character");
        };
        if let Some((_, control)) = CONTROLS.iter().find(|(name, _)| *name == c) {
            return Ok(Escape::Character(*control));
        }
        if let Some(class) = Class::predefined(c) {
            return Ok(Escape::Class(class));
        }
        let code = match c {
            'p' | 'P' => return self.property(start, c == 'P'),
            '0' => self.octal(),
            'x' if self.take("{") => {
                let digits = self.take_while(|c| c.is_ascii_hexdigit());
                if self.take("}") { u32::from_str_radix(digits, 16).ok() } else { None }
            }
            'x' => self.hexadecimal(2),
            'u' => self.hexadecimal(4),
            'c' => self.next().map(|c| u32::from(c) ^ 64),
            'A' | 'B' | 'Q' | 'Z' | 'b' | 'k' | 'z' | '1'..='9' => return Ok(Escape::Other(c)),
            _ if c.is_ascii_alphabetic() => {
                return self.refuse(start, format!("\\{c} is not supported"));
            }
            _ => Some(u32::from(c)),
        };
        match code.and_then(char::from_u32) {
            Some(character) => Ok(Escape::Character(character)),
            None => self.refuse(start, "this escape names no character"),
        }
    }

    /// `\0n`, `\0nn` or, up to 377, `\0nnn`.
    fn octal(&mut self) -> Option<u32> {
        let digit = |parser: &Self| parser.peek().and_then(|c| c.to_digit(8));
        let mut code = digit(self)?;
        self.at += 1;
        let most = if code <= 3 { 2 } else { 1 };
        for _ in 0..most {
            let Some(next) = digit(self) else { break };
            code = code * 8 + next;
            self.at += 1;
        }
        Some(code)
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits)?;
        self.at += digits;
        if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            u32::from_str_radix(text, 16).ok()
        } else {
            None
        }
    }

    /// `\pL`, `\p{Lu}`, `\p{Alpha}` and their opposites.
    fn property(&mut self, start: usize, negated: bool) -> Result<Escape, UnsupportedPattern> {
        let name = if self.take("{") {
            let name = self.take_while(|c| c != '}');
            if !self.take("}") {
                return self.refuse(start, "this brace is not closed");
            }
            name
        } else {
            let at = self.at;
            self.next();
            &self.text[at..self.at]
        };
        match Class::property(name) {
            // Whether case is ignored here depends on Java's version.
            Some(_) if self.flags.ignore_case => {
                self.refuse(start, "a property of characters beside (?i) is not supported")
            }
            Some(class) if negated => Ok(Escape::Class(class.negated())),
            Some(class) => Ok(Escape::Class(class)),
            None => self.refuse(
                start,
                format!("the property {name:?} is not supported; general categories as in \\p{{Lu}} and POSIX classes as in \\p{{Alpha}} are"),
            ),
        }
    }
}
