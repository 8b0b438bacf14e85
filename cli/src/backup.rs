//! Backups of keys: a `List` of key Secrets as YAML, inside an age file unless somebody insists.
//!
//! It is what `kubectl get secret -o yaml` prints, without what a cluster adds to its objects: once
//! decrypted, `kubectl apply` takes it, and files that were made with kubectl are read as well.

mod error;
mod key_secret;

pub use error::BackupError;
pub use key_secret::{KeySecret, UNLABELLED};

use seal_envelope::{DecryptError, Identity, Plaintext};
use seal_keyring::BackupDigest;
use seal_manifest::{Reading, Stream, to_yaml};
use seal_sealing::Secret;
use serde::{Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

use crate::{error::Error, input::Source};

/// What every age file begins with, binary and armored.
const AGE: &[u8] = b"age-encryption.org/";
const ARMORED: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// The keys of a backup file.
#[derive(Debug)]
pub struct Backup {
    /// Oldest first: as the Secrets were created where all of them tell, else as the file has them.
    pub keys: Vec<KeySecret>,
    /// The key Secrets that hold no usable key, and why.
    pub unusable: Vec<String>,
    /// Of the file as it is, encrypted or not.
    pub digest: BackupDigest,
}

impl Backup {
    /// Opens a file with whichever identity it is encrypted to; one in plaintext needs none.
    ///
    /// # Errors
    /// [`Error::Backup`] and those of reading.
    pub fn read(source: &Source, identities: &[Identity]) -> Result<Self, Error> {
        source.announce("a backup");
        let file = source.read()?;
        let digest = BackupDigest::of(&file);
        let from = source.to_string();
        let manifests = match opened(&file, identities) {
            Ok(Some(plaintext)) => Zeroizing::new(plaintext.to_vec()),
            Ok(None) => file,
            Err(why) => return Err(why(from).into()),
        };
        let (mut keys, unusable) = key_secrets(&from, manifests)?;
        if keys.is_empty() {
            return Err(BackupError::NoKey { from, unusable }.into());
        }
        if keys.iter().all(|key| key.key().created().is_some()) {
            // The sort is stable: within a second the order of the file stands.
            keys.sort_by_key(|key| key.key().created());
        }
        Ok(Self {
            keys,
            unusable,
            digest,
        })
    }

    /// Whether this very key is in it, with its certificate.
    #[must_use]
    pub fn holds(&self, key: &KeySecret) -> bool {
        self.keys.iter().any(|it| it.is_same(key))
    }
}

/// `None` for what is no age file.
fn opened(
    file: &[u8],
    identities: &[Identity],
) -> Result<Option<Plaintext>, fn(String) -> BackupError> {
    if file.starts_with(ARMORED) {
        return Err(|from| BackupError::Armored { from });
    }
    if !file.starts_with(AGE) {
        return Ok(None);
    }
    if identities.is_empty() {
        return Err(|from| BackupError::Locked { from });
    }
    for identity in identities {
        match identity.decrypt_file(file) {
            Ok(plaintext) => return Ok(Some(plaintext)),
            Err(DecryptError::NoMatch) => {}
            Err(DecryptError::Damaged) => return Err(|from| BackupError::Damaged { from }),
        }
    }
    Err(|from| BackupError::OtherRecipients { from })
}

/// The usable keys, and what is wrong with the others. Objects that are no keys are passed over:
/// people back up whole namespaces.
fn key_secrets(
    from: &str,
    mut manifests: Zeroizing<Vec<u8>>,
) -> Result<(Vec<KeySecret>, Vec<String>), Error> {
    let bytes = std::mem::take(&mut *manifests);
    let stream = Stream::parse(from, bytes, Reading::Kubernetes)?;
    let (mut keys, mut unusable) = (Vec::new(), Vec::new());
    for document in stream.documents() {
        for object in document.objects()? {
            if object.kind().as_deref() != Some("Secret") {
                continue;
            }
            match KeySecret::new(Secret::from_node(&object)?) {
                // Files that were appended to hold keys more than once.
                Some(Ok(key)) if keys.iter().any(|it: &KeySecret| it.is_same(&key)) => {}
                Some(Ok(key)) => keys.push(key),
                Some(Err(why)) => unusable.push(why),
                None => {}
            }
        }
    }
    Ok((keys, unusable))
}

/// The manifests of a backup: `keys` in this order.
///
/// # Errors
/// [`Error::Emit`].
pub fn manifests<'a>(
    keys: impl IntoIterator<Item = &'a KeySecret>,
) -> Result<Zeroizing<String>, Error> {
    let list = List(keys.into_iter().collect());
    Ok(to_yaml(&list)?)
}

struct List<'a>(Vec<&'a KeySecret>);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(3))?;
        fields.serialize_entry("apiVersion", "v1")?;
        fields.serialize_entry("kind", "List")?;
        fields.serialize_entry("items", &self.0)?;
        fields.end()
    }
}
