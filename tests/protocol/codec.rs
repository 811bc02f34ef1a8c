//! The codec against random and hostile bytes, against and the kafka-protocol crate.

mod foreign;
mod hostile;
mod own;
