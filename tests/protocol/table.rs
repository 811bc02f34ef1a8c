//! Properties of the table of APIs, over every API in every version.

mod addresses;
mod asked;
mod complete;
mod cost;
mod played;
mod reserved;
mod rights;
