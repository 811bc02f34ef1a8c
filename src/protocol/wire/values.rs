//! The values that messages are made of.

use bytes::Bytes;

use super::reader::Reader;
use super::writer::put_long_length;
use super::{At, Fault, FaultKind};

/// What can be read from a frame and written to one.
pub trait Wire: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// Any [`Fault`] that the bytes hold.
    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, Fault>;

    /// Appends the value to `out`.
    ///
    /// # Errors
    /// A [`Fault`] if the version cannot carry the value.
    fn write(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault>;
}

/// What can be null on the wire.
pub trait Nullable: Wire {
    /// Reads one value where `at` may allow null.
    ///
    /// # Errors
    /// As [`Wire::read`].
    fn read_nullable(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, Fault>;

    /// Appends null to `out`.
    ///
    /// # Errors
    /// None but what the format of a length may bring.
    fn write_null(out: &mut Vec<u8>, at: At) -> Result<(), Fault>;

    /// Appends the value to `out` where null could stand.
    ///
    /// # Errors
    /// As [`Wire::write`].
    fn write_present(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        self.write(out, at)
    }
}

/// The default of a field that may be null but is not to start with.
pub fn empty<T: Default>() -> Option<T> {
    Some(T::default())
}

impl<T: Nullable> Wire for Option<T> {
    #[inline]
    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, Fault> {
        match T::read_nullable(reader, at)? {
            None if !at.null => Err(Fault::new(FaultKind::Null)),
            value => Ok(value),
        }
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        match (self, at.null) {
            (Some(value), true) => value.write_present(out, at),
            (Some(value), false) => value.write(out, at),
            (None, true) => T::write_null(out, at),
            (None, false) => Err(Fault::new(FaultKind::Null)),
        }
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            #[inline]
            fn read(reader: &mut Reader<'_>, _: At) -> Result<Self, Fault> {
                reader.array().map(Self::from_be_bytes)
            }

            #[inline]
            fn write(&self, out: &mut Vec<u8>, _: At) -> Result<(), Fault> {
                out.extend_from_slice(&self.to_be_bytes());
                Ok(())
            }
        }
    )*};
}

numbers!(i8, i16, u16, i32, i64, f64);

impl Wire for bool {
    /// Kafka writes 0 and 1, and takes anything but 0 for true.
    #[inline]
    fn read(reader: &mut Reader<'_>, _: At) -> Result<Self, Fault> {
        reader.array().map(|byte| byte != [0])
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, _: At) -> Result<(), Fault> {
        out.push((*self).into());
        Ok(())
    }
}

/// Byte fields and record batches; they share the memory of their frame.
impl Wire for Bytes {
    #[inline]
    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, Fault> {
        Self::read_nullable(reader, at)?.ok_or_else(|| Fault::new(FaultKind::Null))
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        put_long_length(out, at, Some(self.len()))?;
        out.extend_from_slice(self);
        Ok(())
    }
}

impl Nullable for Bytes {
    #[inline]
    fn read_nullable(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, Fault> {
        let Some(length) = reader.long_length(at.flexible)? else { return Ok(None) };
        let bytes = reader.slice(length)?;
        Ok(Some(reader.share(bytes)))
    }

    fn write_null(out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        put_long_length(out, at, None)
    }
}

impl<T: Wire> Wire for Vec<T> {
    #[inline]
    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, Fault> {
        Self::read_nullable(reader, at)?.ok_or_else(|| Fault::new(FaultKind::Null))
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        put_long_length(out, at, Some(self.len()))?;
        self.iter().try_for_each(|element| element.write(out, At { null: false, ..at }))
    }
}

impl<T: Wire> Nullable for Vec<T> {
    #[inline]
    fn read_nullable(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, Fault> {
        // What the count reserves is within the reader's budget.
        let Some(count) = reader.count(at.flexible, size_of::<T>())? else { return Ok(None) };
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(T::read(reader, At { null: false, ..at })?);
        }
        Ok(Some(elements))
    }

    fn write_null(out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
        put_long_length(out, at, None)
    }
}
