//! The extensions of a certificate that decide what it may do.

use super::constraints::{GeneralName, NameConstraints, general_names};
use crate::model::der::{
    BIT_STRING, BOOLEAN, Der, INTEGER, NotDer, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, boolean, context,
    context_constructed, dotted, unsigned,
};

/// What a certificate says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Extensions {
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) netscape_type: Option<NetscapeType>,
    pub(super) alternative_names: Vec<GeneralName>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    /// policyConstraints demand that every certificate below has a policy that is agreed upon.
    pub(super) requires_policy: bool,
    /// What is critical and not known here, by its number.
    pub(super) unknown_critical: Option<String>,
    /// What is known, decides, and cannot be read.
    pub(super) damaged: Option<&'static str>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct BasicConstraints {
    pub(super) authority: bool,
    /// How many intermediate certificates may follow.
    pub(super) path_length: Option<u64>,
}

/// The bits of keyUsage, the first of them the highest.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyUsage(u8);

impl KeyUsage {
    pub(super) fn signs(self) -> bool {
        self.0 & 0x80 != 0
    }

    pub(super) fn signs_certificates(self) -> bool {
        self.0 & 0x04 != 0
    }

    pub(super) fn signs_lists(self) -> bool {
        self.0 & 0x02 != 0
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ExtendedKeyUsage {
    pub(super) any: bool,
    pub(super) server: bool,
    pub(super) client: bool,
}

/// The bits of Netscape's nsCertType.
#[derive(Debug, Clone, Copy)]
pub(super) struct NetscapeType(u8);

impl NetscapeType {
    pub(super) fn client(self) -> bool {
        self.0 & 0x80 != 0
    }

    pub(super) fn server(self) -> bool {
        self.0 & 0x40 != 0
    }
}

const ID_CE: [u8; 2] = [0x55, 0x1d];
const NETSCAPE_CERT_TYPE: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x42, 0x01, 0x01];
const ANY_EXTENDED_KEY_USAGE: [u8; 4] = [0x55, 0x1d, 0x25, 0];
const SERVER_AUTH: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 3, 2];

/// Shows each extension of a SEQUENCE of them (RFC 5280 §4.1): its number, whether it is critical, its value.
///
/// # Errors
/// What `judge` says, or where it is no row of extensions.
pub(super) fn each_extension<'a>(
    mut list: Der<'a>,
    mut judge: impl FnMut(&'a [u8], bool, Der<'a>) -> Result<(), NotDer>,
) -> Result<(), NotDer> {
    while let Some(extension) = list.next()? {
        let mut extension = extension.expect(SEQUENCE, "an extension must be a SEQUENCE")?;
        let kind = extension.take(OBJECT_IDENTIFIER, "an extension must begin with its number")?.content;
        let critical = match extension.take_if(BOOLEAN)? {
            Some(critical) => boolean(critical.content)?,
            None => false,
        };
        let value = extension.take(OCTET_STRING, "an extension must end with its value")?.content;
        extension.end("an extension must end with its value")?;
        judge(kind, critical, Der(value))?;
    }
    Ok(())
}

impl Extensions {
    /// Reads the SEQUENCE of extensions.
    ///
    /// # Errors
    /// When it is no row of extensions, or has one twice.
    pub(super) fn read(list: Der<'_>) -> Result<Self, NotDer> {
        let mut extensions = Self::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        each_extension(list, |kind, critical, value| {
            if seen.contains(&kind) {
                return Err(NotDer("an extension is there twice"));
            }
            // Beyond this it would take long to look for one that is there twice.
            if seen.len() == 100 {
                return Err(NotDer("there are more than 100 extensions"));
            }
            seen.push(kind);
            extensions.add(kind, critical, value)
        })?;
        Ok(extensions)
    }

    fn add(&mut self, kind: &[u8], critical: bool, value: Der<'_>) -> Result<(), NotDer> {
        let read = match kind.strip_prefix(&ID_CE) {
            // These two only help to find an issuer, and are not to be critical, no more than nsCertType: then Java does not
            // know them.
            Some([14]) if !critical => {
                self.subject_key_id = value.only(OCTET_STRING, "").ok().map(|id| id.content.to_vec());
                return Ok(());
            }
            Some([35]) if !critical => {
                self.authority_key_id = authority_key_id(value).ok().flatten();
                return Ok(());
            }
            Some([15]) => ("keyUsage", bits(value).map(|bits| self.key_usage = Some(KeyUsage(bits)))),
            Some([17]) => {
                ("subjectAltName", general_names(value).map(|names| self.alternative_names = names))
            }
            Some([19]) => (
                "basicConstraints",
                basic_constraints(value).map(|constraints| self.basic_constraints = Some(constraints)),
            ),
            Some([30]) => (
                "nameConstraints",
                NameConstraints::read(value).map(|constraints| self.name_constraints = Some(constraints)),
            ),
            Some([36]) => ("policyConstraints", requires_policy(value).map(|it| self.requires_policy = it)),
            Some([37]) => (
                "extendedKeyUsage",
                extended_key_usage(value).map(|usage| self.extended_key_usage = Some(usage)),
            ),
            // certificatePolicies, policyMappings and inhibitAnyPolicy say nothing where no policy is asked for, and who asks
            // for one is refused.
            Some([32 | 33 | 54]) => return Ok(()),
            _ if kind == NETSCAPE_CERT_TYPE && !critical => {
                ("nsCertType", bits(value).map(|bits| self.netscape_type = Some(NetscapeType(bits))))
            }
            _ => {
                if critical && self.unknown_critical.is_none() {
                    self.unknown_critical = Some(dotted(kind)?);
                }
                return Ok(());
            }
        };
        if let (name, Err(_)) = read {
            self.damaged.get_or_insert(name);
        }
        Ok(())
    }
}

fn basic_constraints(value: Der<'_>) -> Result<BasicConstraints, NotDer> {
    let mut fields = value.whole(SEQUENCE, "")?;
    let authority = match fields.take_if(BOOLEAN)? {
        Some(authority) => boolean(authority.content)?,
        None => false,
    };
    let path_length = match fields.take_if(INTEGER)? {
        Some(length) => Some(unsigned(length.content)?),
        None => None,
    };
    fields.end("")?;
    Ok(BasicConstraints { authority, path_length })
}

/// The first eight bits of a BIT STRING; those that are not there are 0.
fn bits(value: Der<'_>) -> Result<u8, NotDer> {
    match value.only(BIT_STRING, "")?.content {
        [0] => Ok(0),
        [unused @ 0..=7, bits @ ..] if !bits.is_empty() => {
            let cleared = if bits.len() == 1 { bits[0] >> unused << unused } else { bits[0] };
            Ok(cleared)
        }
        _ => Err(NotDer("a BIT STRING is damaged")),
    }
}

fn extended_key_usage(value: Der<'_>) -> Result<ExtendedKeyUsage, NotDer> {
    let mut purposes = value.whole(SEQUENCE, "")?;
    let mut usage = ExtendedKeyUsage::default();
    while let Some(purpose) = purposes.next()? {
        if purpose.tag != OBJECT_IDENTIFIER {
            return Err(NotDer("a purpose must be an OBJECT IDENTIFIER"));
        }
        usage.any |= purpose.content == ANY_EXTENDED_KEY_USAGE;
        usage.server |= purpose.content == SERVER_AUTH;
        usage.client |= purpose.content == CLIENT_AUTH;
    }
    Ok(usage)
}

fn authority_key_id(value: Der<'_>) -> Result<Option<Vec<u8>>, NotDer> {
    let mut fields = value.whole(SEQUENCE, "")?;
    Ok(fields.take_if(context(0))?.map(|id| id.content.to_vec()))
}

/// Whether requireExplicitPolicy is there; inhibitPolicyMapping has a meaning beside it only.
fn requires_policy(value: Der<'_>) -> Result<bool, NotDer> {
    let mut fields = value.whole(SEQUENCE, "")?;
    let required = fields.take_if(context(0))?.is_some();
    fields.take_if(context(1))?;
    fields.end("")?;
    Ok(required)
}

/// The extensions of a certificate's body, which are in an element of their own.
pub(super) fn of_body(body: &mut Der<'_>) -> Result<Option<Extensions>, NotDer> {
    let Some(wrapped) = body.take_if(context_constructed(3))? else { return Ok(None) };
    let list = Der(wrapped.content).whole(SEQUENCE, "the extensions must be a SEQUENCE")?;
    Extensions::read(list).map(Some)
}
