use std::{collections::BTreeMap, fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::JsonSchema;
use seal_envelope::KeyId;
use serde::{Deserialize, Serialize};

use crate::{AGE_KEY_LABEL, KEY_ACTIVE, KEY_LABEL};

/// On a key Secret: the digest of the backup that holds the key, see [`Backup`].
pub const BACKUP: &str = "seal.alt/backup";
/// On a key Secret: when that backup was made (RFC 3339).
pub const BACKUP_TIME: &str = "seal.alt/backup-time";
/// On a key Secret: `true` when the key may seal only once it is backed up.
pub const AWAITS_BACKUP: &str = "seal.alt/awaits-backup";
/// On a key Secret: the requests that it was made for, comma-separated.
pub const MADE_FOR: &str = "seal.alt/made-for";
/// On a key Secret: the id of the key that was the newest when this one was made.
pub const SUCCEEDS: &str = "seal.alt/succeeds";

/// What its label, [`KEY_LABEL`] or [`AGE_KEY_LABEL`], says about a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(description = "What its label says about a key.")]
pub enum KeyState {
    /// In use: it opens, and the newest of these seals.
    Active,
    /// Out of use: somebody else may know it.
    Compromised,
    /// Out of use: nothing needs it any more.
    Retired,
    /// Out of use, in somebody's own words.
    #[serde(untagged)]
    Other(String),
}

impl KeyState {
    /// The value of the label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => KEY_ACTIVE,
            Self::Compromised => "compromised",
            Self::Retired => "retired",
            Self::Other(other) => other,
        }
    }
}

impl From<&str> for KeyState {
    fn from(label: &str) -> Self {
        match label {
            KEY_ACTIVE => Self::Active,
            "compromised" => Self::Compromised,
            "retired" => Self::Retired,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// That a key is kept somewhere else, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// Of the file that holds the key.
    pub digest: BackupDigest,
    /// When it was made, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Option<Timestamp>,
}

/// The SHA-256 of a backup file: `sha256:` and 64 hexadecimal digits in lower case, as container
/// images are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^sha256:[0-9a-f]{64}$"))]
pub struct BackupDigest(String);

/// The text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the digest of a backup is \"sha256:\" and 64 hexadecimal digits in lower case")]
pub struct ParseBackupDigestError;

impl BackupDigest {
    /// Of this file.
    #[must_use]
    pub fn of(file: &[u8]) -> Self {
        let mut text = "sha256:".to_owned();
        for byte in digest(&SHA256, file).as_ref() {
            text.push_str(&format!("{byte:02x}"));
        }
        Self(text)
    }

    /// The text, prefix included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BackupDigest {
    type Err = ParseBackupDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.strip_prefix("sha256:") {
            Some(digits) if digits.len() == 64 && digits.bytes().all(is_digit) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ParseBackupDigestError),
        }
    }
}

impl TryFrom<String> for BackupDigest {
    type Error = ParseBackupDigestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BackupDigest> for String {
    fn from(digest: BackupDigest) -> Self {
        digest.0
    }
}

impl fmt::Display for BackupDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is noted on a key Secret beside its state, as annotations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// Where the key is kept, too. What is no digest marks nothing.
    pub backup: Option<Backup>,
    /// Whether the key was made to seal only once it is backed up.
    pub awaits_backup: bool,
    /// The ids of the requests that it was made for.
    pub made_for: Vec<String>,
    /// The key that was the newest when this one was made.
    pub succeeds: Option<KeyId>,
}

impl Marks {
    /// Reads the annotations; what cannot be read is absent.
    #[must_use]
    pub fn of(metadata: &ObjectMeta) -> Self {
        let annotation = |name| {
            let annotations = metadata.annotations.as_ref()?;
            annotations.get(name).map(String::as_str)
        };
        let requests = annotation(MADE_FOR)
            .into_iter()
            .flat_map(|it| it.split(','));
        Self {
            backup: annotation(BACKUP)
                .and_then(|digest| digest.parse().ok())
                .map(|digest| Backup {
                    digest,
                    time: annotation(BACKUP_TIME).and_then(|time| time.parse().ok()),
                }),
            awaits_backup: annotation(AWAITS_BACKUP) == Some("true"),
            made_for: requests
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
            succeeds: annotation(SUCCEEDS).and_then(|id| id.parse().ok()),
        }
    }

    /// The annotations that say this.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let mut annotations = BTreeMap::new();
        let mut note = |name: &str, value: String| annotations.insert(name.to_owned(), value);
        if let Some(backup) = &self.backup {
            note(BACKUP, backup.digest.to_string());
            if let Some(time) = backup.time {
                note(BACKUP_TIME, time.to_string());
            }
        }
        if self.awaits_backup {
            note(AWAITS_BACKUP, "true".to_owned());
        }
        if !self.made_for.is_empty() {
            note(MADE_FOR, self.made_for.join(","));
        }
        if let Some(key) = &self.succeeds {
            note(SUCCEEDS, key.to_string());
        }
        annotations
    }

    /// Whether the key may not seal yet where backups are required.
    #[must_use]
    pub fn must_be_backed_up(&self) -> bool {
        self.awaits_backup && self.backup.is_none()
    }
}

/// The state of a Secret of the controller's namespace; `None` when it is no key at all. One with the
/// labels of both kinds is in use only when both say so.
///
/// A Secret named exactly like the prefix counts without a label, too: upstream's earliest
/// releases left it so. A Secret that any SealedSecret owns is never a key. Otherwise whoever may
/// create a SealedSecret in the controller's namespace could plant a key that they know.
#[must_use]
pub fn state_of(metadata: &ObjectMeta, prefix: &str) -> Option<KeyState> {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    if owners.iter().any(|owner| owner.kind == "SealedSecret") {
        return None;
    }
    let state = |label| {
        let labels = metadata.labels.as_ref();
        let value = labels.and_then(|labels| labels.get(label))?;
        Some(KeyState::from(value.as_str()))
    };
    match (state(KEY_LABEL), state(AGE_KEY_LABEL)) {
        (None, None) => (metadata.name.as_deref() == Some(prefix)).then_some(KeyState::Active),
        (Some(KeyState::Active), Some(state)) | (Some(state), _) | (None, Some(state)) => {
            Some(state)
        }
    }
}
