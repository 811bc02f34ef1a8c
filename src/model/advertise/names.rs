//! From the name in a client's TLS greeting (SNI, RFC 6066) to the broker it has come for.

use std::collections::HashMap;

use super::Destination;

/// The names by which a gateway is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// In lower case: host names know no other.
    by_name: HashMap<String, Destination>,
    unnamed: Option<Destination>,
}

impl Names {
    /// These names, and what becomes of a client that says none; `None`: it is refused.
    pub fn new(names: impl IntoIterator<Item = (String, Destination)>, unnamed: Option<Destination>) -> Self {
        let by_name = names.into_iter().map(|(name, to)| (name.to_ascii_lowercase(), to)).collect();
        Self { by_name, unnamed }
    }

    /// All names, in lower case.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Which broker a client wants that says this name; `None`: there is none of that name.
    pub fn destination(&self, name: Option<&str>) -> Option<Destination> {
        match name {
            Some(name) => self.by_name.get(&name.to_ascii_lowercase()).copied(),
            None => self.unnamed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_broker_in_any_case_and_an_unknown_one_nowhere() {
        let named = [
            ("Kafka.example".to_owned(), Destination::Any),
            ("b-1.example".to_owned(), Destination::Node(1)),
        ];
        let names = Names::new(named.clone(), None);
        assert_eq!(names.destination(Some("kafka.EXAMPLE")), Some(Destination::Any));
        assert_eq!(names.destination(Some("B-1.example")), Some(Destination::Node(1)));
        for unknown in ["", "b-2.example", "b-1.example.", "b-01.example", "b-1.exampl", "xb-1.example"] {
            assert_eq!(names.destination(Some(unknown)), None, "{unknown}");
        }
        assert_eq!(names.destination(None), None);
        assert_eq!(Names::new(named, Some(Destination::Any)).destination(None), Some(Destination::Any));
    }
}
