//! A client's ClientHello, read before TLS answers it: the name by which it calls us (SNI) says
//! which broker it means, and a name that no broker has is refused with a TLS alert.

use rustls::server::Acceptor;

use super::self_check::TOKEN;

/// The alert unrecognized_name (RFC 6066, section 3), fatal, as a whole record.
pub(super) const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// How far it has been read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is to come.
    Incomplete,
    /// The whole of it.
    Complete(ClientHello),
    /// It is no ClientHello; rustls will report what is wrong with it.
    Invalid,
}

/// What is read of a ClientHello.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// The name by which it calls us (SNI).
    pub(super) name: Option<String>,
    /// What shows that it may come from the self-check.
    pub(super) token: Option<Vec<u8>>,
}

/// Reads along while a ClientHello arrives.
#[derive(Default)]
pub(super) struct HelloReader(Box<Acceptor>);

impl HelloReader {
    /// Takes the bytes that have come since the last call. At most 64 KiB are remembered, the most of a ClientHello.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Progress {
        while !bytes.is_empty() {
            match self.0.read_tls(&mut bytes) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Progress::Invalid,
            }
            match self.0.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    let hello = accepted.client_hello();
                    let name = hello.server_name().map(str::to_owned);
                    let token = hello.alpn().and_then(|mut names| names.find(|name| name.starts_with(TOKEN)));
                    return Progress::Complete(ClientHello { name, token: token.map(<[u8]>::to_vec) });
                }
                Err(_) => return Progress::Invalid,
            }
        }
        Progress::Incomplete
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::crypto::aws_lc_rs;
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    fn hello(name: &'static str) -> Vec<u8> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// The ClientHello in records of so many bytes.
    fn cut(hello: &[u8], size: usize) -> Vec<u8> {
        let parts = hello[5..].chunks(size);
        parts
            .flat_map(|part| [&[22, 3, 1, (part.len() >> 8) as u8, part.len() as u8], part].concat())
            .collect()
    }

    #[test]
    fn the_name_is_heard_however_the_client_hello_is_cut() {
        let whole = hello("broker-1.example");
        let named = || Progress::Complete(ClientHello { name: Some("broker-1.example".into()), token: None });
        for bytes in [whole.clone(), cut(&whole, 1), cut(&whole, 100)] {
            assert_eq!(HelloReader::default().read(&bytes), named());
            let mut reader = HelloReader::default();
            for byte in &bytes[..bytes.len() - 1] {
                assert_eq!(reader.read(&[*byte]), Progress::Incomplete);
            }
            assert_eq!(reader.read(&bytes[bytes.len() - 1..]), named());
        }
        assert_eq!(
            HelloReader::default().read(&hello("127.0.0.1")),
            Progress::Complete(ClientHello { name: None, token: None })
        );
    }

    #[test]
    fn what_is_no_client_hello_is_not_remembered_for_ever() {
        for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[22, 3, 1, 0, 4, 2, 0, 0, 0], &[0; 64]] {
            assert_eq!(HelloReader::default().read(nonsense), Progress::Invalid);
        }
        // A ClientHello that says it has 16 MiB, and comes.
        let mut reader = HelloReader::default();
        let mut record = vec![22, 3, 1, 0x40, 0];
        record.extend([1, 255, 255, 255]);
        record.resize(5 + 0x4000, 0);
        let heard = (0..1000).find(|_| reader.read(&record) == Progress::Invalid);
        assert!(heard.is_some_and(|records| records < 8), "{heard:?}");
    }
}
