//! Where the members of groups connect from, shared by all connections to one cluster.

use std::sync::Arc;

use dashmap::DashMap;

use crate::protocol::access::Members as Seen;

/// How many members are remembered. Who is forgotten is known again with its next heartbeat.
const MOST: usize = 100_000;
/// The longest names of a group and a member together, in bytes, that are worth the memory.
pub(super) const LONGEST: usize = 512;

/// Where the members of groups connect from.
#[derive(Default)]
pub struct Members {
    hosts: DashMap<Box<str>, Arc<str>>,
}

impl Seen for Members {
    fn saw(&self, group: &str, member: &str, host: &Arc<str>) {
        if member.is_empty() || group.len() + member.len() > LONGEST {
            return;
        }
        let key = key(group, member);
        if self.hosts.get(&*key).is_some_and(|known| *known == *host) {
            return;
        }
        if self.hosts.len() >= MOST {
            self.hosts.clear();
        }
        self.hosts.insert(key, host.clone());
    }

    fn host(&self, group: &str, member: &str) -> Option<Arc<str>> {
        self.hosts.get(&*key(group, member)).map(|host| host.clone())
    }
}

/// The length tells where the group's name ends.
fn key(group: &str, member: &str) -> Box<str> {
    format!("{}:{group}{member}", group.len()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_one_of_its_group_and_the_last_host_counts() {
        let members = Members::default();
        let (here, there): (Arc<str>, Arc<str>) = ("10.0.0.1".into(), "10.0.0.2".into());
        members.saw("a", "bc", &here);
        assert_eq!(members.host("ab", "c"), None);
        assert_eq!(members.host("a", "bc"), Some(here));
        members.saw("a", "bc", &there);
        assert_eq!(members.host("a", "bc"), Some(there));
    }

    #[test]
    fn memory_is_bounded() {
        let (members, host): (_, Arc<str>) = (Members::default(), "10.0.0.1".into());
        members.saw("group", "", &host);
        members.saw("group", &"m".repeat(LONGEST), &host);
        assert_eq!(members.hosts.len(), 0);
        for n in 0..=MOST {
            members.saw("group", &n.to_string(), &host);
        }
        assert!(members.hosts.len() <= MOST);
    }
}
