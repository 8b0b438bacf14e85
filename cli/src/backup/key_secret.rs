use std::{collections::BTreeMap, fmt};

use k8s_openapi::{
    ByteString, api::core::v1::Secret as Stored, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use seal_api::annotations::LAST_APPLIED;
use seal_envelope::{Kind, Plaintext};
use seal_keyring::{
    AGE_KEY_LABEL, BACKUP, BACKUP_TIME, BackupDigest, KEY_LABEL, Key, KeyState, NOT_BEFORE,
    state_of,
};
use seal_sealing::Secret;
use serde::{Serialize, Serializer};
use zeroize::Zeroize;

use crate::plain::Plain;

/// The name that a key Secret may have without its label, from upstream's earliest releases.
pub const UNLABELLED: &str = "sealed-secrets-key";

/// A key Secret: what it holds, and the key that this is.
pub struct KeySecret {
    secret: Secret,
    key: Key,
    state: KeyState,
    version: Option<String>,
}

impl KeySecret {
    /// `None` for a Secret that is no key; the error tells its name and why it is unusable. Of the
    /// metadata only what survives its cluster is kept: name, labels and annotations, which tell since
    /// when an age key seals.
    #[must_use]
    pub fn new(mut secret: Secret) -> Option<Result<Self, String>> {
        let state = state_of(&secret.metadata, UNLABELLED)?;
        let data = secret.values().map(|(item, value)| {
            let bytes = ByteString(value.as_bytes().to_vec());
            (item.clone(), bytes)
        });
        let parsed = Key::from_secret(Stored {
            data: Some(data.collect()),
            metadata: secret.metadata.clone(),
            ..Stored::default()
        });
        let ObjectMeta {
            name,
            namespace,
            labels,
            annotations,
            resource_version: version,
            ..
        } = std::mem::take(&mut secret.metadata);
        secret.metadata = ObjectMeta {
            name,
            namespace,
            labels,
            annotations,
            ..ObjectMeta::default()
        };
        Some(match parsed {
            Ok(key) => {
                if key.public().age().is_some() && key.created().is_some() {
                    let annotations = secret.metadata.annotations.get_or_insert_default();
                    let since = || key.public().not_before().to_string();
                    annotations.entry(NOT_BEFORE.into()).or_insert_with(since);
                }
                Ok(Self {
                    secret,
                    key,
                    state,
                    version,
                })
            }
            Err((name, error)) => Err(format!("the Secret {name} holds no usable key: {error}")),
        })
    }

    /// The same of a Secret that the API server gave out.
    #[must_use]
    pub fn stored(stored: Stored) -> Option<Result<Self, String>> {
        let mut metadata = stored.metadata;
        for annotation in LAST_APPLIED {
            let annotations = metadata.annotations.as_mut();
            if let Some(mut copy) = annotations.and_then(|all| all.remove(annotation)) {
                copy.zeroize();
            }
        }
        let values = stored.data.unwrap_or_default().into_iter();
        Self::new(Secret {
            metadata,
            type_: stored.type_,
            immutable: stored.immutable,
            data: values
                .map(|(item, ByteString(bytes))| (item, Plaintext::new(bytes)))
                .collect(),
            string_data: BTreeMap::new(),
        })
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What its label says.
    #[must_use]
    pub fn state(&self) -> &KeyState {
        &self.state
    }

    /// The labels that say so. A Secret that has none, from upstream's earliest releases, gets the one of
    /// its kind.
    #[must_use]
    pub fn state_labels(&self) -> Vec<&'static str> {
        let labels = self.secret.metadata.labels.as_ref();
        let has = |label: &&str| labels.is_some_and(|labels| labels.contains_key(*label));
        let there: Vec<_> = [KEY_LABEL, AGE_KEY_LABEL].into_iter().filter(has).collect();
        match (there.is_empty(), self.key.kind()) {
            (false, _) => there,
            (true, Kind::Hybrid) => vec![KEY_LABEL],
            (true, Kind::Age) => vec![AGE_KEY_LABEL],
        }
    }

    /// The version of the object that was read, where an API server gave it out.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether both hold the same key with the same published side.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.key.id() == other.key.id()
            && self.key.public().to_text() == other.key.public().to_text()
    }

    /// The object to be created there under that name, marked as being in the backup of this digest. It has
    /// to be wiped.
    #[must_use]
    pub fn to_be_stored(&self, namespace: &str, name: &str, digest: &BackupDigest) -> Stored {
        let mut metadata = self.secret.metadata.clone();
        metadata.name = Some(name.to_owned());
        metadata.namespace = Some(namespace.to_owned());
        let marked = self.key.marks().backup.as_ref();
        if marked.is_none_or(|backup| backup.digest != *digest) {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert(BACKUP.into(), digest.to_string());
            annotations.remove(BACKUP_TIME);
        }
        let data = self.secret.values().map(|(item, value)| {
            let bytes = ByteString(value.as_bytes().to_vec());
            (item.clone(), bytes)
        });
        Stored {
            metadata,
            type_: self.secret.type_.clone(),
            immutable: self.secret.immutable,
            data: Some(data.collect()),
            ..Stored::default()
        }
    }
}

impl Serialize for KeySecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Plain::encoded(self.secret.clone()).serialize(serializer)
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}
