//! Certificates, keys, trusted authorities, ACLs and the configuration change while doorkeeper runs: a process of its own,
//! told by nothing but the files and SIGHUP.

mod configuration;
mod house;
mod rotation;
