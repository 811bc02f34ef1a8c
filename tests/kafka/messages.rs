//! Our declarations of messages, and what the codec writes and reads, against Kafka's own classes.

mod definitions;
mod java;
mod oracle;
