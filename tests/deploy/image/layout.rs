//! The OCI layout that `deploy/build-image.sh` leaves behind.

use crate::support::kafka::scratch;
use crate::support::{skipped, test_name};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// This machine's platform, as images name it.
pub const NATIVE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// One platform's image, read from the OCI layout.
pub struct Image {
    pub layout: PathBuf,
    pub architecture: String,
    pub manifest: Value,
    pub config: Value,
}

impl Image {
    /// One for each platform that was built; none where nothing was.
    pub fn all() -> Vec<Image> {
        let layout = context().join("oci");
        if !layout.join("index.json").exists() {
            skipped(&test_name(), "there is no image; `make image` builds it");
            return Vec::new();
        }
        images_in(&layout)
    }

    /// The one that this machine can run.
    pub fn native() -> Option<Image> {
        let image = Image::all().into_iter().find(|image| image.architecture == NATIVE);
        if image.is_none() && context().join("oci/index.json").exists() {
            skipped(&test_name(), &format!("the image was not built for {NATIVE}"));
        }
        image
    }

    pub fn size(&self) -> u64 {
        self.layers().iter().map(|layer| layer.metadata().unwrap().len()).sum()
    }

    pub fn layers(&self) -> Vec<PathBuf> {
        let layers = self.manifest["layers"].as_array().unwrap();
        layers.iter().map(|layer| blob(&self.layout, &layer["digest"])).collect()
    }

    /// Unpacks the layers into a new folder.
    pub fn unpack(&self) -> PathBuf {
        let root = scratch(&format!("rootfs-{}", self.architecture));
        for layer in self.layers() {
            let unpacked = Command::new("tar").arg("-xzpf").arg(layer).arg("-C").arg(&root).status().unwrap();
            assert!(unpacked.success());
        }
        root
    }
}

/// The folder that `deploy/build-image.sh` fills.
pub fn context() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("image")
}

pub fn blob(layout: &Path, digest: &Value) -> PathBuf {
    layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/"))
}

pub fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn images_in(layout: &Path) -> Vec<Image> {
    let index = read(&blob(layout, &read(&layout.join("index.json"))["manifests"][0]["digest"]));
    let image = |entry: &Value| {
        let manifest = read(&blob(layout, &entry["digest"]));
        let config = read(&blob(layout, &manifest["config"]["digest"]));
        let architecture = entry["platform"]["architecture"].as_str().unwrap().to_owned();
        Image { layout: layout.to_owned(), architecture, manifest, config }
    };
    index["manifests"].as_array().unwrap().iter().map(image).collect()
}

/// The machine that an ELF binary is for, and whether it asks for a dynamic loader.
pub fn elf(binary: &[u8]) -> (u16, bool) {
    assert_eq!(&binary[..6], b"\x7fELF\x02\x01", "a 64-bit little-endian ELF file");
    let short = |at: usize| u16::from_le_bytes(binary[at..at + 2].try_into().unwrap());
    let (headers, size, count) = (binary[32..40].try_into().unwrap(), short(54), short(56));
    let headers = usize::try_from(u64::from_le_bytes(headers)).unwrap();
    let header = |index: u16| headers + usize::from(index) * usize::from(size);
    // PT_INTERP.
    (short(18), (0..count).any(|index| short(header(index)) == 3))
}

pub fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}
