//! Parentheses: groups, look-around and inline flags.

use super::{MOST_NESTING, Parser, Piece, UnsupportedPattern};

#[derive(Clone, Copy)]
enum Group {
    Capturing,
    Plain,
    Atomic,
    LookAround(&'static str),
}

impl Group {
    fn is_capturing(self) -> bool {
        matches!(self, Group::Capturing)
    }
}

impl Parser<'_> {
    /// Reads a group; nothing if it was `(?flags)`, which only changes how the rest is read.
    pub(super) fn group(&mut self, start: usize) -> Result<Option<Piece>, UnsupportedPattern> {
        if self.depth == MOST_NESTING {
            return self.refuse(start, format!("groups are nested more than {MOST_NESTING} deep"));
        }
        let flags = self.flags;
        let Some(kind) = self.group_kind(start)? else { return Ok(None) };
        let was_in_look_around = self.in_look_around;
        if kind.is_capturing() {
            if self.in_look_around {
                return self
                    .refuse(start, "a capturing group within look-around is not supported; write (?:...)");
            }
            self.groups.push(false);
            self.inside.push(String::new());
        }
        self.in_look_around |= matches!(kind, Group::LookAround(_));
        let number = self.groups.len();
        self.depth += 1;
        let inner = self.alternatives()?;
        self.depth -= 1;
        self.flags = flags;
        self.in_look_around = was_in_look_around;
        if !self.take(")") {
            return self.refuse(start, "this parenthesis is not closed");
        }
        let Piece { text, may_be_empty, width, .. } = inner;
        let whole = |opening: &str| format!("({opening}{text})");
        Ok(Some(match kind {
            Group::Capturing => {
                self.groups[number - 1] = true;
                self.inside[number - 1].clone_from(&text);
                Piece { text: whole(""), may_be_empty, width, repeatable: true }
            }
            Group::Plain => Piece { text: whole("?:"), may_be_empty, width, repeatable: true },
            Group::Atomic => Piece { text: whole("?>"), may_be_empty, width, repeatable: true },
            Group::LookAround(opening) => {
                if opening.starts_with("?<") {
                    self.limits.basic_plane_only = true;
                    if width.is_none() {
                        return self.refuse(start, "look-behind whose length varies is not supported");
                    }
                }
                Piece::assertion(whole(opening))
            }
        }))
    }

    /// What stands behind an opening parenthesis; nothing if it was `(?flags)`.
    fn group_kind(&mut self, start: usize) -> Result<Option<Group>, UnsupportedPattern> {
        if !self.take("?") {
            return Ok(Some(Group::Capturing));
        }
        for (opening, text) in [("=", "?="), ("!", "?!"), ("<=", "?<="), ("<!", "?<!")] {
            if self.take(opening) {
                return Ok(Some(Group::LookAround(text)));
            }
        }
        if self.take(">") {
            return Ok(Some(Group::Atomic));
        }
        if self.take("<") {
            let name = self.take_while(|c| c.is_ascii_alphanumeric());
            let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if !starts_well || !self.take(">") || self.names.iter().any(|(known, _)| known == name) {
                return self.refuse(
                    start,
                    "a group's name must be new, and letters and digits only, as in (?<name>...)",
                );
            }
            self.names.push((name.to_owned(), self.groups.len() + 1));
            return Ok(Some(Group::Capturing));
        }
        let mut value = true;
        loop {
            let at = self.at;
            match self.next() {
                Some(':') => return Ok(Some(Group::Plain)),
                Some(')') if at > start + 2 => return Ok(None),
                Some('i') => self.flags.ignore_case = value,
                Some('s') => self.flags.dot_all = value,
                Some('-') if value => value = false,
                _ => {
                    return self.refuse(
                        at,
                        "of the inline flags only i and s are supported, as in (?i) or (?i:...)",
                    );
                }
            }
        }
    }
}
