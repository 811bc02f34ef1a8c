//! Kafka's words for resources, operations, patterns and permissions: codes of the wire, names of the log and of the tools.

use std::fmt;
use std::str::FromStr;

use crate::model::text::nearest;

/// A word that a vocabulary does not have. The text says what would have been right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    what: &'static str,
    word: String,
    choices: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} {:?}: use one of {}", self.what, self.word, self.choices.join(", "))?;
        // ANY and the like are words of Kafka's, and none of these misspelt.
        match nearest(&self.word, self.choices.iter().copied()).filter(|_| self.word.len() > 3) {
            Some(near) => write!(f, "; did you mean {near}?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownWord {}

/// One line a word: variant, code of the wire, Java's constant, and the name that logs and tools show.
macro_rules! vocabulary {
    ($(#[$about:meta])* $type:ident, $what:literal { $($(#[$doc:meta])* $word:ident = $code:literal, $constant:literal, $name:literal;)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i8)]
        pub enum $type { $($(#[$doc])* $word = $code,)+ }

        impl $type {
            /// Every word, by ascending code.
            pub const ALL: &'static [$type] = &[$($type::$word,)+];

            const NAMES: &'static [&'static str] = &[$($name,)+];

            /// The code in Kafka's messages.
            pub const fn code(self) -> i8 {
                self as i8
            }

            /// The word of a code, if a stored binding can have it (so never UNKNOWN, ANY or MATCH).
            pub const fn from_code(code: i8) -> Option<$type> {
                match code {
                    $($code => Some($type::$word),)+
                    _ => None,
                }
            }

            /// The name in Kafka's command-line tools; for resource and pattern types, in its audit log too.
            pub const fn name(self) -> &'static str {
                match self {
                    $($type::$word => $name,)+
                }
            }

            /// The Java constant, which is also what the audit log shows for operations and permissions.
            pub const fn constant(self) -> &'static str {
                match self {
                    $($type::$word => $constant,)+
                }
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            /// Takes the name or the Java constant, in any case: `DescribeConfigs`, `DESCRIBE_CONFIGS`, `describe_configs`.
            fn from_str(text: &str) -> Result<$type, UnknownWord> {
                $type::ALL
                    .iter()
                    .copied()
                    .find(|word| text.eq_ignore_ascii_case(word.name()) || text.eq_ignore_ascii_case(word.constant()))
                    .ok_or_else(|| UnknownWord { what: $what, word: text.to_owned(), choices: $type::NAMES })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

vocabulary! {
    /// What kind of thing a binding is on (`org.apache.kafka.common.resource.ResourceType`).
    ResourceType, "resource type" {
        /// A topic, by name.
        Topic = 2, "TOPIC", "Topic";
        /// A group of any kind, by its id.
        Group = 3, "GROUP", "Group";
        /// The cluster; its only name is [`CLUSTER_NAME`](super::CLUSTER_NAME).
        Cluster = 4, "CLUSTER", "Cluster";
        /// A transactional id.
        TransactionalId = 5, "TRANSACTIONAL_ID", "TransactionalId";
        /// A delegation token, by its id.
        DelegationToken = 6, "DELEGATION_TOKEN", "DelegationToken";
        /// A principal, as the owner of delegation tokens.
        User = 7, "USER", "User";
    }
}

vocabulary! {
    /// How a binding's resource name is compared (`org.apache.kafka.common.resource.PatternType`).
    PatternType, "pattern type" {
        /// The name itself, or any name if it is `*`.
        Literal = 3, "LITERAL", "LITERAL";
        /// Every name that begins with it; `*` is an ordinary character here.
        Prefixed = 4, "PREFIXED", "PREFIXED";
    }
}

vocabulary! {
    /// What a client does to a resource (`org.apache.kafka.common.acl.AclOperation`).
    Operation, "operation" {
        /// Any operation.
        All = 2, "ALL", "All";
        /// Reading; allows `Describe` too.
        Read = 3, "READ", "Read";
        /// Writing; allows `Describe` too.
        Write = 4, "WRITE", "Write";
        /// Creating.
        Create = 5, "CREATE", "Create";
        /// Deleting; allows `Describe` too.
        Delete = 6, "DELETE", "Delete";
        /// Altering; allows `Describe` too.
        Alter = 7, "ALTER", "Alter";
        /// Learning that it exists, and what it is like.
        Describe = 8, "DESCRIBE", "Describe";
        /// What brokers do among themselves.
        ClusterAction = 9, "CLUSTER_ACTION", "ClusterAction";
        /// Reading its configuration.
        DescribeConfigs = 10, "DESCRIBE_CONFIGS", "DescribeConfigs";
        /// Changing its configuration; allows `DescribeConfigs` too.
        AlterConfigs = 11, "ALTER_CONFIGS", "AlterConfigs";
        /// Idempotent writing, on the cluster.
        IdempotentWrite = 12, "IDEMPOTENT_WRITE", "IdempotentWrite";
        /// Creating delegation tokens of a user.
        CreateTokens = 13, "CREATE_TOKENS", "CreateTokens";
        /// Describing delegation tokens of a user.
        DescribeTokens = 14, "DESCRIBE_TOKENS", "DescribeTokens";
        /// Two-phase commit by an outside coordinator (Kafka 4.1, KIP-939).
        TwoPhaseCommit = 15, "TWO_PHASE_COMMIT", "TwoPhaseCommit";
    }
}

vocabulary! {
    /// Whether a binding allows or denies (`org.apache.kafka.common.acl.AclPermissionType`).
    Permission, "permission" {
        /// Forbids, whatever else allows.
        Deny = 2, "DENY", "Deny";
        /// Permits, unless something denies.
        Allow = 3, "ALLOW", "Allow";
    }
}

impl ResourceType {
    /// The operations that `*_authorized_operations` fields report for a resource of this type
    /// (`AclEntry.supportedOperations`, Kafka 4.4). They do not restrict which bindings can exist.
    pub const fn operations(self) -> &'static [Operation] {
        use Operation::*;
        match self {
            ResourceType::Topic => {
                &[Read, Write, Create, Delete, Alter, Describe, DescribeConfigs, AlterConfigs]
            }
            ResourceType::Group => &[Read, Delete, Describe, DescribeConfigs, AlterConfigs],
            ResourceType::Cluster => {
                &[Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite]
            }
            ResourceType::TransactionalId => &[Write, Describe, TwoPhaseCommit],
            ResourceType::DelegationToken => &[Describe],
            ResourceType::User => &[CreateTokens, DescribeTokens],
        }
    }
}

impl Operation {
    /// This operation's bit in an `authorized_operations` field.
    pub const fn bit(self) -> u32 {
        1 << self.code()
    }

    /// The operations, other than `All`, that bring this one with them when they are allowed.
    pub fn implied_by(self) -> impl Iterator<Item = Operation> {
        let others = Operation::ALL.iter().copied().filter(move |other| !matches!(other, Operation::All));
        others.filter(move |other| *other != self && other.allowed_by() & self.bit() != 0)
    }

    /// The operations that a binding which allows this one allows.
    pub(super) const fn allowed_by(self) -> u32 {
        match self {
            Operation::Read | Operation::Write | Operation::Delete | Operation::Alter => {
                self.bit() | Operation::Describe.bit()
            }
            Operation::AlterConfigs => self.bit() | Operation::DescribeConfigs.bit(),
            _ => self.named_by(),
        }
    }

    /// The operations that a binding on this one names: itself, and for `All` every one.
    pub(super) const fn named_by(self) -> u32 {
        match self {
            Operation::All => u32::MAX,
            _ => self.bit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_name_constant_and_code() {
        for &operation in Operation::ALL {
            assert_eq!(Operation::from_code(operation.code()), Some(operation));
            for spelling in [operation.name(), operation.constant()] {
                assert_eq!(spelling.parse(), Ok(operation));
                assert_eq!(spelling.to_lowercase().parse(), Ok(operation));
            }
        }
        assert_eq!("transactionalid".parse(), Ok(ResourceType::TransactionalId));
        assert_eq!("TRANSACTIONAL_ID".parse(), Ok(ResourceType::TransactionalId));
        assert_eq!("prefixed".parse(), Ok(PatternType::Prefixed));
        assert_eq!("deny".parse(), Ok(Permission::Deny));
    }

    #[test]
    fn codes_that_no_binding_can_have_are_no_words() {
        for code in [i8::MIN, -1, 0, 1, 16, i8::MAX] {
            assert_eq!(Operation::from_code(code), None);
        }
        assert_eq!(PatternType::from_code(2), None, "MATCH is for filters alone");
        assert_eq!(ResourceType::from_code(8), None);
        assert_eq!(Permission::from_code(1), None);
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_right_ones() {
        let error = "Wirte".parse::<Operation>().unwrap_err().to_string();
        assert!(error.starts_with("unknown operation \"Wirte\": use one of All, Read, Write, "), "{error}");
        assert!(error.ends_with("TwoPhaseCommit; did you mean Write?"), "{error}");
        let error = "ANY".parse::<Permission>().unwrap_err().to_string();
        assert_eq!(error, "unknown permission \"ANY\": use one of Deny, Allow");
        for refused in ["", "ANY", "UNKNOWN", "MATCH", " Read", "De_scribe"] {
            assert!(refused.parse::<Operation>().is_err(), "{refused:?}");
            assert!(refused.parse::<PatternType>().is_err(), "{refused:?}");
        }
    }
}
