//! What a running doorkeeper's metrics say, and what is built upon them.

mod board;
mod exposed;
mod replay;
