//! ACLs in a topic: several stores on a real cluster, what they see of each other's changes, and what they do when the topic or
//! the cluster is not as it should be.

mod apart;
mod changes;
mod faults;
mod keeper;
mod old;
mod outages;
mod process;
mod users;
