//! Certificates, and the folder in which a kubelet hands them to a container.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
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

/// A mounted volume: its files are links through `..data` to the folder of the present version. That link is what a kubelet
/// replaces, so that all files change at one moment.
pub struct Volume {
    pub path: PathBuf,
    versions: u32,
}

impl Volume {
    pub fn new(path: &Path, files: &[(&str, &str)]) -> Volume {
        std::fs::create_dir_all(path).unwrap();
        let mut volume = Volume { path: path.to_owned(), versions: 0 };
        volume.replace(files);
        for (name, _) in files {
            symlink(Path::new("..data").join(name), path.join(name)).unwrap();
        }
        volume
    }

    /// Writes the next version, then turns the link to it.
    pub fn replace(&mut self, files: &[(&str, &str)]) {
        self.versions += 1;
        let version = format!("..version_{}", self.versions);
        std::fs::create_dir(self.path.join(&version)).unwrap();
        for (name, text) in files {
            std::fs::write(self.path.join(&version).join(name), text).unwrap();
        }
        symlink(&version, self.path.join("..data_tmp")).unwrap();
        std::fs::rename(self.path.join("..data_tmp"), self.path.join("..data")).unwrap();
        let previous = format!("..version_{}", self.versions - 1);
        let _ = std::fs::remove_dir_all(self.path.join(previous));
    }
}
