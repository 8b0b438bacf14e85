//! What the commands about keys print for machines.

use jiff::Timestamp;
use schemars::JsonSchema;
use seal_keyring::{BackupDigest, KeyEntry, KeyState};
use serde::Serialize;

use crate::backup::KeySecret;

/// What `seal keys list --output json` prints: the keys that are there, those in use first, then those that something
/// needs and that are not there.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct KeyList(pub Vec<ListedKey>);

/// One key, and what needs it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedKey {
    /// The key.
    #[serde(flatten)]
    pub key: Listed,
    /// What needs it in the cluster; absent where that could not be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Use>,
    /// What needs it in the files; absent without files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Use>,
}

/// What is known of a key.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Listed {
    /// Its Secret is there.
    There(Box<KeyEntry>),
    /// Something needs it, and it is not there.
    Gone {
        /// Says so.
        standing: Gone,
        /// The id of the key.
        id: String,
    },
}

/// The standing of a key that is not there.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Gone {
    /// It is gone.
    Gone,
}

/// How much needs a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// SealedSecrets.
    pub objects: usize,
    /// Sealed values in them.
    pub values: usize,
    /// Whether some of the values may be under another key of the same object; absent when not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_most: bool,
}

/// What `seal keys rotate --output json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewKeyReport {
    /// The name of the request, under which it can be made again.
    pub request_id: String,
    /// Whether the new key seals.
    pub state: NewKeyState,
    /// The id of the key that sealed before, or until the new one is backed up; absent where there
    /// was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_key: Option<String>,
    /// The id of the new key.
    pub new_key: String,
}

/// Whether a new key seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NewKeyState {
    /// It does.
    Done,
    /// It will once it is backed up.
    AwaitsBackup,
}

/// What `seal keys verify-backup --output json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport<'a> {
    /// The digest of the backup, as the key Secrets name it.
    pub digest: &'a BackupDigest,
    /// The keys that it holds, oldest first.
    pub keys: Vec<HeldKey<'a>>,
    /// The keys of the cluster that are in use and not in the backup; absent when no cluster was
    /// asked (`--offline`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<&'a [KeyEntry]>,
    /// The keys that the backup holds as in use and that are out of use in the cluster: restoring it
    /// where they are gone would take them back; absent when no cluster was asked (`--offline`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revived: Option<&'a [KeyEntry]>,
}

/// One key of a backup.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldKey<'a> {
    /// Its id.
    pub id: &'a str,
    /// The name of its Secret.
    pub secret: &'a str,
    /// The value of its label.
    pub state: &'a KeyState,
    /// From when on it seals: of an RSA key the first moment of its certificate's validity.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub not_before: Timestamp,
    /// The last one; age keys have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub not_after: Option<Timestamp>,
}

impl<'a> From<&'a KeySecret> for HeldKey<'a> {
    fn from(key: &'a KeySecret) -> Self {
        let public = key.key().public();
        Self {
            id: key.key().id().as_str(),
            secret: key.key().name(),
            state: key.state(),
            not_before: public.not_before(),
            not_after: public.not_after(),
        }
    }
}
