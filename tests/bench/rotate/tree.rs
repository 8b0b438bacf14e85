//! The keys, and a tree of files sealed with the old one.

use std::{fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use seal_envelope::{Identity, KeySize, Label, Plaintext};
use seal_keyring::{NewKey, identities_from_pem};
use seal_sealing::{Secret, decode, label, seal};

/// Values in each file.
pub(crate) const VALUES: usize = 3;
/// Files in each directory.
const A_DIRECTORY: usize = 50;
/// The namespace that all objects are sealed for.
const NAMESPACE: &str = "bench";

/// The key that everything is sealed with, and the newer one that it is to move to.
pub(crate) struct Keys {
    pub(crate) old: NewKey,
    pub(crate) new: NewKey,
}

/// The tree, in memory.
pub(crate) struct Sealed {
    /// Paths and contents.
    pub(crate) files: Vec<(String, String)>,
    /// Every envelope with its label.
    pub(crate) values: Vec<(Label, Vec<u8>)>,
}

impl Keys {
    /// RSA-4096.
    pub(crate) fn generate() -> Self {
        let made = |hours_ago| {
            let begins = Timestamp::now() - SignedDuration::from_hours(hours_ago);
            let ten_years = SignedDuration::from_hours(10 * 365 * 24);
            NewKey::generate(KeySize::Rsa4096, begins, ten_years, "").unwrap()
        };
        Self {
            old: made(48),
            new: made(24),
        }
    }

    /// The private side of the old one.
    pub(crate) fn identity(&self) -> Identity {
        let pem = self.old.private_pem().unwrap();
        identities_from_pem(pem.as_bytes()).unwrap().remove(0)
    }
}

/// So many files of one SealedSecret each.
pub(crate) fn sealed(key: &NewKey, files: usize) -> Sealed {
    let mut sealed = Sealed {
        files: Vec::new(),
        values: Vec::new(),
    };
    for index in 0..files {
        let name = format!("object-{index:05}");
        let mut plain = Secret::default();
        plain.metadata.namespace = Some(NAMESPACE.into());
        plain.metadata.name = Some(name.clone());
        for value in 0..VALUES {
            let text = format!("the value {value} of {name}").into_bytes();
            plain
                .data
                .insert(format!("key-{value}"), Plaintext::new(text));
        }
        let object = seal(&plain, key.certificate().recipients()).unwrap();
        let label = label(object.scope(), NAMESPACE, &name);
        let values = object.spec.encrypted_data.values();
        sealed
            .values
            .extend(values.map(|text| (label.clone(), decode(text).unwrap().to_vec())));
        let path = format!("team-{:02}/{name}.yaml", index / A_DIRECTORY);
        let text = serde_yaml::to_string(&object).unwrap();
        sealed.files.push((path, text));
    }
    sealed
}

impl Sealed {
    /// Writes the first `count` files, and no others.
    pub(crate) fn write_some(&self, tree: &Path, count: usize) {
        if tree.exists() {
            fs::remove_dir_all(tree).unwrap();
        }
        for (path, text) in self.files.iter().take(count) {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    /// Writes all files.
    pub(crate) fn write(&self, tree: &Path) {
        self.write_some(tree, self.files.len());
    }

    /// Makes sure that every file says it is sealed with this key.
    pub(crate) fn expect_moved(&self, tree: &Path, key: &NewKey) {
        for (path, before) in &self.files {
            let text = fs::read_to_string(tree.join(path)).unwrap();
            assert!(text != *before, "{path} did not move");
            let id = key.certificate().key_id().as_str();
            assert!(text.contains(id), "{path} did not move");
        }
    }
}
