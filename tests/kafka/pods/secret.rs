//! Certificates, and the folder in which a kubelet hands them to a container.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// An authority that issues to brokers and clients.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key for these host names, good for both sides of a connection.
    pub fn issue(&self, common_name: &str, hosts: &[String]) -> (String, String) {
        let mut params = CertificateParams::new(hosts.to_vec()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// A mounted volume: its files are reached through the link `..data` to the folder of the present version. That link is what a
/// kubelet replaces, so that all files change at one moment.
pub struct Volume {
    path: PathBuf,
    versions: u32,
}

impl Volume {
    /// An empty folder until the first [`Self::replace`].
    pub fn new(path: &Path) -> Volume {
        std::fs::create_dir_all(path).unwrap();
        Volume { path: path.to_owned(), versions: 0 }
    }

    /// Writes the next version, files by path, then turns the link to it.
    pub fn replace(&mut self, files: &BTreeMap<String, String>) {
        self.versions += 1;
        let version = format!("..version_{}", self.versions);
        for (name, text) in files {
            let file = self.path.join(&version).join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        symlink(&version, self.path.join("..data_tmp")).unwrap();
        std::fs::rename(self.path.join("..data_tmp"), self.path.join("..data")).unwrap();
        for name in files.keys() {
            let top = name.split('/').next().unwrap();
            if !self.path.join(top).exists() {
                symlink(Path::new("..data").join(top), self.path.join(top)).unwrap();
            }
        }
        let previous = format!("..version_{}", self.versions - 1);
        let _ = std::fs::remove_dir_all(self.path.join(previous));
    }
}
