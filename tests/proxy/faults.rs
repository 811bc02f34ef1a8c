//! What peers do wrong, by mistake or on purpose, and what becomes of it: of the connection that it happens on, of the
//! others, of memory, and of what the log and the metrics say.
//!
//! Everything here runs in one process over loopback: a client that can say anything over TLS, the proxy, and a broker
//! that can answer anything. Only where memory or signals are looked at is the proxy a process of its own.

mod acl_changes;
mod anchors;
mod audit;
mod balancer;
mod budget;
mod chaos;
mod drain;
mod fairness;
mod frames;
mod limits;
mod members;
mod memory;
mod parting;
mod revocation;
mod rights;
mod sizes;
mod tls;
mod upstream;
