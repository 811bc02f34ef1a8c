//! How the batches on a broker's disk are compressed: a client that gave up compressing would show here.

use std::collections::BTreeSet;
use std::path::Path;

/// In the order of their codes.
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// The codecs in all partitions of a topic.
pub fn codecs(data: &Path, topic: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for partition in 0..2 {
        let folder = data.join(format!("{topic}-{partition}"));
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if file.path().extension().is_some_and(|extension| extension == "log") {
                found.extend(in_segment(&std::fs::read(file.path()).unwrap()));
            }
        }
    }
    found
}

/// Entries are an offset, a length, and as many bytes: a message of format 0 or 1 (crc, magic, attributes of one byte) or a batch
/// of format 2 (leader epoch, magic, crc, attributes of two bytes). The format's number is at the same place in both.
fn in_segment(mut bytes: &[u8]) -> Vec<&'static str> {
    let mut found = Vec::new();
    while bytes.len() > 22 {
        let length = u32::from_be_bytes(bytes[8..12].try_into().unwrap()) as usize;
        let attributes = if bytes[16] < 2 { bytes[17] } else { bytes[22] };
        found.push(CODECS[usize::from(attributes & 7)]);
        bytes = bytes.get(12 + length..).unwrap_or_default();
    }
    found
}
