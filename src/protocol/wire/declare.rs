//! The macros behind the declarations in `messages`.

/// Declares an API: a module for its request, one for its response, and what binds them together.
///
/// The first struct of each module is the message, also known by its name outside of the module. A field is
///
/// ```text
/// name: Type, in VERSIONS, else drop, null VERSIONS, tag N, = DEFAULT;
/// ```
///
/// where everything after the type may be missing: by default a field is in all versions of its struct, an
/// `Option` may be null in all of them, and the value starts as `Default` has it. `else drop` is what Kafka
/// calls ignorable: a version without the field loses its value instead of refusing the message.
macro_rules! messages {
    (
        $api:ident ($key:literal, $versions:expr $(, flexible $flexible:literal)?);
        mod $request_module:ident { $request:ident $request_fields:tt $($request_struct:ident $request_struct_fields:tt)* }
        mod $response_module:ident { $response:ident $response_fields:tt $($response_struct:ident $response_struct_fields:tt)* }
    ) => {
        #[doc = concat!("The request of the ", stringify!($api), " API, key ", $key, ", and its parts.")]
        #[allow(missing_docs, reason = "the names are Kafka's; its protocol guide describes each of them")]
        pub mod $request_module {
            #[allow(unused_imports, reason = "the types that a field may have")]
            use $crate::protocol::wire::{Bytes, Str, Uuid, empty};

            $crate::protocol::wire::structure!($request $request_fields);
            $($crate::protocol::wire::structure!($request_struct $request_struct_fields);)*
        }

        #[doc = concat!("The response of the ", stringify!($api), " API, key ", $key, ", and its parts.")]
        #[allow(missing_docs, reason = "the names are Kafka's; its protocol guide describes each of them")]
        pub mod $response_module {
            #[allow(unused_imports, reason = "the types that a field may have")]
            use $crate::protocol::wire::{Bytes, Str, Uuid, empty};

            $crate::protocol::wire::structure!($response $response_fields);
            $($crate::protocol::wire::structure!($response_struct $response_struct_fields);)*
        }

        pub use $request_module::$request;
        pub use $response_module::$response;

        impl $crate::protocol::wire::Request for $request {
            type Response = $response;
        }

        $crate::protocol::wire::messages!(@message $request, Request, $api ($key, $versions $(, $flexible)?));
        $crate::protocol::wire::messages!(@message $response, Response, $api ($key, $versions $(, $flexible)?));
    };

    (@message $name:ident, $direction:ident, $api:ident ($key:literal, $versions:expr $(, $flexible:literal)?)) => {
        impl $crate::protocol::wire::Message for $name {
            const KEY: i16 = $key;
            const NAME: &'static str = stringify!($api);
            const DIRECTION: $crate::protocol::wire::Direction = $crate::protocol::wire::Direction::$direction;
            const VERSIONS: std::ops::RangeInclusive<i16> = $versions;
            const FLEXIBLE: i16 = $crate::protocol::wire::messages!(@flexible $($flexible)?);
        }
    };

    (@flexible) => { i16::MAX };
    (@flexible $first:literal) => { $first };
}

/// One struct of a message, with its format.
macro_rules! structure {
    ($name:ident {$(
        $field:ident: $type:ty
            $(, in $in:expr)? $(, else $drop:ident)? $(, null $null:expr)? $(, tag $tag:literal)? $(, = $default:expr)?;
    )*}) => {
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(pub $field: $type,)*
            /// The tagged fields not declared here; read and written again.
            pub unknown_tags: $crate::protocol::wire::Tags,
        }

        const _: () = {
            #[allow(unused_imports, reason = "not every struct has something to refuse")]
            use $crate::protocol::wire::{At, Fault, FaultKind, Nullable, Reader, TagWriter, Tags, Wire, field};

            impl Default for $name {
                fn default() -> Self {
                    Self { $($field: field!(@default $($default)?),)* unknown_tags: Tags::default() }
                }
            }

            impl Wire for $name {
                #[allow(unused_mut, reason = "only tagged fields are set later")]
                fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, Fault> {
                    $(
                        let mut $field: $type = field!(
                            @read reader, at, ($($in)?), ($($null)?), ($($tag)?), ($($default)?),
                            concat!(stringify!($name), ".", stringify!($field))
                        );
                    )*
                    let mut unknown_tags = Tags::default();
                    if at.flexible && !reader.skip_no_tags() {
                        reader
                            .tags(&mut unknown_tags, &mut |_tag, _reader| {
                                $(field!(
                                    @read_tag _tag, _reader, at, $field, ($($in)?), ($($null)?), ($($tag)?),
                                    concat!(stringify!($name), ".", stringify!($field))
                                );)*
                                Ok(false)
                            })
                            .map_err(|fault| fault.within(concat!(stringify!($name), ".unknown_tags")))?;
                    }
                    Ok(Self { $($field,)* unknown_tags })
                }

                #[allow(unused_mut, reason = "only some structs have tagged fields")]
                fn write(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
                    let mut tags = TagWriter::default();
                    $(
                        field!(
                            @write self.$field, out, at, tags, $type,
                            ($($in)?), ($($drop)?), ($($null)?), ($($tag)?), ($($default)?)
                        )
                        .map_err(|fault| fault.within(concat!(stringify!($name), ".", stringify!($field))))?;
                    )*
                    tags.finish(&self.unknown_tags, out, at)
                        .map_err(|fault| fault.within(concat!(stringify!($name), ".unknown_tags")))
                }
            }

            impl Nullable for $name {
                fn read_nullable(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, Fault> {
                    if at.null && !reader.presence()? {
                        return Ok(None);
                    }
                    Self::read(reader, at).map(Some)
                }

                fn write_null(out: &mut Vec<u8>, _: At) -> Result<(), Fault> {
                    out.push(0xff);
                    Ok(())
                }

                fn write_present(&self, out: &mut Vec<u8>, at: At) -> Result<(), Fault> {
                    out.push(1);
                    self.write(out, at)
                }
            }
        };
    };
}

/// What becomes of one field of a [`structure!`].
macro_rules! field {
    (@default) => { Default::default() };
    (@default $default:expr) => { $default };

    // Whether the version is in a range; a range not given is all versions.
    (@within $at:ident, ()) => { true };
    (@within $at:ident, ($range:expr)) => { ($range).contains(&$at.version) };

    (@here $at:ident, $null:tt) => { At { null: field!(@within $at, $null), ..$at } };

    // Tagged fields are met after all others.
    (@read $reader:ident, $at:ident, $in:tt, $null:tt, ($tag:literal), ($($default:expr)?), $name:expr) => {
        field!(@default $($default)?)
    };
    (@read $reader:ident, $at:ident, $in:tt, $null:tt, (), ($($default:expr)?), $name:expr) => {
        if field!(@within $at, $in) {
            match Wire::read($reader, field!(@here $at, $null)) {
                Ok(value) => value,
                Err(fault) => return Err(fault.within($name)),
            }
        } else {
            field!(@default $($default)?)
        }
    };

    (@read_tag $found:ident, $reader:ident, $at:ident, $field:ident, $in:tt, $null:tt, (), $name:expr) => {};
    (@read_tag $found:ident, $reader:ident, $at:ident, $field:ident, $in:tt, $null:tt, ($tag:literal), $name:expr) => {
        if $found == $tag {
            // As in Kafka, a tag that other versions know is not merely unknown to this one.
            if !field!(@within $at, $in) {
                return Err(Fault::new(FaultKind::Tag).within($name));
            }
            $field = Wire::read($reader, field!(@here $at, $null)).map_err(|fault| fault.within($name))?;
            return Ok(true);
        }
    };

    // A field of all versions.
    (@write $value:expr, $out:ident, $at:ident, $tags:ident, $type:ty,
        (), $drop:tt, $null:tt, $tag:tt, $default:tt) => {
        field!(@write_present $value, $out, $at, $tags, $type, $null, $tag, $default)
    };
    (@write $value:expr, $out:ident, $at:ident, $tags:ident, $type:ty,
        $in:tt, $drop:tt, $null:tt, $tag:tt, $default:tt) => {
        if field!(@within $at, $in) {
            field!(@write_present $value, $out, $at, $tags, $type, $null, $tag, $default)
        } else {
            field!(@write_absent $value, $type, $drop, $default)
        }
    };

    (@write_present $value:expr, $out:ident, $at:ident, $tags:ident, $type:ty, $null:tt, (), $default:tt) => {
        $value.write($out, field!(@here $at, $null))
    };
    // A tagged field at its default is not written.
    (@write_present $value:expr, $out:ident, $at:ident, $tags:ident, $type:ty, $null:tt, ($tag:literal), $default:tt) => {
        if field!(@is_default $value, $type, $default) {
            Ok(())
        } else {
            $tags.known($tag, &$value, field!(@here $at, $null))
        }
    };

    (@write_absent $value:expr, $type:ty, (drop), $default:tt) => { Ok(()) };
    (@write_absent $value:expr, $type:ty, (), $default:tt) => {
        if field!(@is_default $value, $type, $default) { Ok(()) } else { Err(Fault::new(FaultKind::Lost)) }
    };

    (@is_default $value:expr, $type:ty, ($($default:expr)?)) => {{
        let default: $type = field!(@default $($default)?);
        $value == default
    }};
}

pub(crate) use {field, messages, structure};
