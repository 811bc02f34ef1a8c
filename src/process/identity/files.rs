//! The files of one identity, read together.

use super::certificate::sha256;
use super::pem;
use crate::process::config::{ClientAuth, ClientTls, Tls};

/// What a file holds, or why it cannot be read.
pub(super) type Content = Result<Vec<u8>, String>;

/// One reading of all files.
pub(super) struct Files {
    pub(super) certificate_chain: Content,
    pub(super) private_key: Content,
    /// The issuers of the other side. Not read, and empty, where clients are not asked for certificates.
    pub(super) ca: Content,
}

/// What a reading of the files gave, to tell one from another without keeping the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint([Option<String>; 3]);

impl Files {
    /// Each path is opened anew, so that whatever stands behind a symbolic link by now is read.
    pub(super) fn read(tls: &Tls) -> Self {
        Self {
            certificate_chain: pem::read(&tls.certificate_chain),
            private_key: pem::read(&tls.private_key),
            ca: match &tls.client_auth {
                ClientAuth::Required { client_ca } | ClientAuth::Requested { client_ca } => {
                    pem::read(client_ca)
                }
                ClientAuth::None => Ok(Vec::new()),
            },
        }
    }

    /// The same of a client.
    pub(super) fn of_client(tls: &ClientTls) -> Self {
        Self {
            certificate_chain: pem::read(&tls.certificate_chain),
            private_key: pem::read(&tls.private_key),
            ca: pem::read(&tls.server_ca),
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let hash = |content: &Content| content.as_ref().ok().map(|bytes| sha256(bytes));
        Fingerprint([hash(&self.certificate_chain), hash(&self.private_key), hash(&self.ca)])
    }
}
