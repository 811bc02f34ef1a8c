//! What the server shows and whom it believes, in the forms in which operators of Kafka have it.

mod guide;
mod lists;
mod names;
mod principals;
