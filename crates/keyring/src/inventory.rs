use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use schemars::JsonSchema;
use seal_envelope::KeyId;
use serde::{Deserialize, Serialize};

use crate::{Backup, Key, KeySecretError, KeyState, Keyring, Marks, PublicKey, key::public_side};

/// Every key Secret of a controller, in use or not, without anything private: what the controller
/// publishes for key administrators, who may not read the Secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inventory {
    /// Those in use first, RSA keys before age keys, of each kind the current one first and then the
    /// newest; then the others.
    pub keys: Vec<KeyEntry>,
}

/// One key Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyEntry {
    /// The name of the Secret.
    pub secret: String,
    /// What the key does.
    pub standing: Standing,
    /// The id of the key, unless it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The algorithm, such as `RSA-4096`, `X25519` or `ML-KEM-768+X25519`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// When the Secret was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created: Option<Timestamp>,
    /// From when on the key seals: of an RSA key the first moment of its certificate's validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub not_before: Option<Timestamp>,
    /// The last moment of the certificate's validity: nothing is sealed with it afterwards. Age keys
    /// have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub not_after: Option<Timestamp>,
    /// Where the key is kept, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// The requests that it was made for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_for: Vec<String>,
    /// The id of the key that was the newest when this one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeds: Option<String>,
    /// Why it is malformed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What a key does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It seals and opens: there is one of each kind of keys.
    Current,
    /// It opens, and will seal once it is backed up.
    AwaitsBackup,
    /// It opens.
    Active,
    /// It should be in use, but its Secret cannot be read.
    Malformed,
    /// It is out of use, in the word of its label: compromised, retired or another.
    #[serde(untagged)]
    OutOfUse(KeyState),
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Current => "current",
            Self::AwaitsBackup => "awaits-backup",
            Self::Active => "active",
            Self::Malformed => "malformed",
            Self::OutOfUse(state) => state.as_str(),
        }
    }

    /// Whether the key opens what was sealed with it.
    #[must_use]
    pub fn opens(&self) -> bool {
        matches!(self, Self::Current | Self::AwaitsBackup | Self::Active)
    }
}

impl Inventory {
    /// All keys: those of the keyring, and the entries of those that are not in it.
    #[must_use]
    pub fn new(keyring: &Keyring, mut others: Vec<KeyEntry>) -> Self {
        others.sort_by(|a, b| (b.not_before, &a.secret).cmp(&(a.not_before, &b.secret)));
        let keys = keyring.iter().map(|key| KeyEntry::in_use(key, keyring));
        Self {
            keys: keys.chain(others).collect(),
        }
    }

    /// The key with this id. Of several Secrets with the same key the one that does most.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&KeyEntry> {
        self.keys.iter().find(|key| key.id.as_deref() == Some(id))
    }
}

impl KeyEntry {
    fn in_use(key: &Key, keyring: &Keyring) -> Self {
        let is_key = |other: &Arc<Key>| other.id() == key.id();
        let standing = match keyring.current(key.kind()) {
            Some(current) if is_key(current) => Standing::Current,
            _ if keyring.awaiting_backup(key.kind()).any(is_key) => Standing::AwaitsBackup,
            _ => Standing::Active,
        };
        Self {
            created: key.created(),
            ..Self::readable(key.name(), standing, key.public(), key.marks())
        }
    }

    /// The entry of a Secret that is labelled as a key and not in use. Its private part is not read.
    #[must_use]
    pub fn out_of_use(secret: &Secret, state: KeyState) -> Self {
        let name = secret.metadata.name.as_deref().unwrap_or_default();
        let standing = Standing::OutOfUse(state);
        let mut entry = match public_side(secret) {
            Ok(public) => Self::readable(name, standing, &public, &Marks::of(&secret.metadata)),
            Err(error) => Self::unreadable(name, standing, error.to_string()),
        };
        entry.created = secret
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0);
        entry
    }

    /// The entry of a Secret that should be in use and holds no usable key.
    #[must_use]
    pub fn malformed(name: &str, error: &KeySecretError) -> Self {
        Self::unreadable(name, Standing::Malformed, error.to_string())
    }

    fn readable(name: &str, standing: Standing, public: &PublicKey, marks: &Marks) -> Self {
        Self {
            id: Some(public.key_id().to_string()),
            kind: Some(public.kind().to_string()),
            not_before: Some(public.not_before()),
            not_after: public.not_after(),
            backup: marks.backup.clone(),
            made_for: marks.made_for.clone(),
            succeeds: marks.succeeds.as_ref().map(KeyId::to_string),
            ..Self::bare(name, standing)
        }
    }

    fn unreadable(name: &str, standing: Standing, problem: String) -> Self {
        Self {
            problem: Some(problem),
            ..Self::bare(name, standing)
        }
    }

    fn bare(name: &str, standing: Standing) -> Self {
        Self {
            secret: name.to_owned(),
            standing,
            id: None,
            kind: None,
            created: None,
            not_before: None,
            not_after: None,
            backup: None,
            made_for: Vec::new(),
            succeeds: None,
            problem: None,
        }
    }
}
