//! Which of a certificate's names becomes a principal.

use super::super::{raw, text};
use super::Validator;
use crate::model::principal::{MappingRules, NameKind, PrincipalBuilder};

impl Validator<'_> {
    pub(super) fn principal(&mut self, at: &str, raw: &raw::Listener) -> Option<PrincipalBuilder> {
        let of_subject = self.rules(&format!("{at}.principal_mapping_rules"), &raw.principal_mapping_rules);
        let mut sources: Vec<(NameKind, MappingRules)> = Vec::new();
        let mut is_sound = of_subject.is_some();
        for (i, source) in raw.principal_from.iter().enumerate() {
            let (at, kind) = (format!("{at}.principal_from.{i}"), kind(source.name));
            if sources.iter().any(|(before, _)| *before == kind) {
                self.fault(
                    &format!("{at}.name"),
                    "this kind of name is there twice: keep one, with all its rules",
                );
                is_sound = false;
                continue;
            }
            let rules = match (&source.rules, kind) {
                (Some(_), NameKind::Subject) => {
                    let message = "the rules for the subject are principal_mapping_rules: write them there";
                    self.fault(&format!("{at}.rules"), message);
                    None
                }
                (Some(rules), _) => self.rules(&format!("{at}.rules"), rules),
                (None, NameKind::Subject) => of_subject.clone(),
                (None, _) => Some(MappingRules::default()),
            };
            match rules {
                Some(rules) => sources.push((kind, rules)),
                None => is_sound = false,
            }
        }
        let is_asked = raw.principal_from.iter().any(|source| source.name == raw::NameKind::Subject);
        if !is_asked && raw.principal_mapping_rules != raw::default_rules() {
            let message = "they are never asked, for principal_from does not name the subject: add '{ name: subject }' to it, or \
                           take them away";
            self.warn(&format!("{at}.principal_mapping_rules"), message);
        }
        is_sound.then(|| PrincipalBuilder::new(sources))
    }

    fn rules(&mut self, at: &str, rules: &str) -> Option<MappingRules> {
        text::mapping_rules(rules).map_err(|message| self.fault(at, message)).ok()
    }
}

fn kind(name: raw::NameKind) -> NameKind {
    match name {
        raw::NameKind::Subject => NameKind::Subject,
        raw::NameKind::Spiffe => NameKind::Spiffe,
        raw::NameKind::Dns => NameKind::Dns,
    }
}
