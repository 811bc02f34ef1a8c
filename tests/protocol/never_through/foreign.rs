//! What reaches the broker, read by the kafka-protocol crate as well: nobody must read it in another way.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestKind};

use crate::never_through::tree::{self, Node};
use crate::support::layouts::Layout;

/// Whether the crate, where it has the version, reads the same.
pub(crate) fn reads_the_same(
    layout: &'static Layout,
    version: i16,
    body: &[u8],
    ours: &Node,
) -> Result<(), String> {
    let Ok(key) = ApiKey::try_from(layout.key) else { return Ok(()) };
    let mut rest = Bytes::copy_from_slice(body);
    let theirs = match RequestKind::decode(key, &mut rest, version) {
        Ok(theirs) => theirs,
        Err(error) if format!("{error:#}").contains("not supported") => return Ok(()),
        Err(error) => return Err(format!("kafka-protocol cannot read it: {error:#}")),
    };
    if !rest.is_empty() {
        return Err(format!("kafka-protocol leaves {} bytes", rest.len()));
    }
    let mut again = BytesMut::new();
    theirs
        .encode(&mut again, version)
        .map_err(|error| format!("kafka-protocol cannot write it: {error:#}"))?;
    match tree::read(layout, version, &again) {
        Ok(theirs) if is_same(ours, &theirs) => Ok(()),
        theirs => Err(format!("kafka-protocol reads {theirs:?}")),
    }
}

/// A tagged field at its default may be missing, and any byte but 0 is true.
fn is_same(ours: &Node, theirs: &Node) -> bool {
    match (ours, theirs) {
        (Node::Struct(ours), Node::Struct(theirs)) => {
            ours.fields.iter().zip(ours.values.iter().zip(&theirs.values)).all(|(field, (ours, theirs))| {
                let is_missing = field.tag.is_some() && (*ours == Node::Absent || *theirs == Node::Absent);
                let both_true = field.kind == "bool"
                    && matches!((ours, theirs), (Node::Number(ours), Node::Number(1)) if *ours != 0);
                is_missing || both_true || is_same(ours, theirs)
            })
        }
        (Node::List(ours), Node::List(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
        }
        (ours, theirs) => ours == theirs,
    }
}
