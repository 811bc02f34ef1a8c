//! Lengths, as they stand before what they measure.

use super::{At, Fault, FaultKind};

/// The length of a string; none is null.
pub(super) fn put_short_length(out: &mut Vec<u8>, at: At, length: Option<usize>) -> Result<(), Fault> {
    let length = match length {
        Some(length) => i16::try_from(length).map_err(|_| Fault::new(FaultKind::Length))?,
        None => -1,
    };
    if at.flexible {
        put_compact_length(out, length.into());
    } else {
        out.extend_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

/// The length of a byte field, or an array's count; none is null.
pub(super) fn put_long_length(out: &mut Vec<u8>, at: At, length: Option<usize>) -> Result<(), Fault> {
    let length = match length {
        Some(length) => i32::try_from(length).map_err(|_| Fault::new(FaultKind::Length))?,
        None => -1,
    };
    if at.flexible {
        put_compact_length(out, length);
    } else {
        out.extend_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f | 0x80) as u8);
        value >>= 7;
    }
    out.push(value as u8);
}

/// One more than the length, so that null, -1, becomes zero.
fn put_compact_length(out: &mut Vec<u8>, length: i32) {
    put_varint(out, length.cast_unsigned().wrapping_add(1));
}
