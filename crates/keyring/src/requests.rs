//! How key administrators ask the controller for something, and how it answers.
//!
//! Both go through ConfigMaps of the controller's namespace, so that RBAC can tell asking
//! ([`KEY_REQUESTS`], which key administrators may change) from answering ([`KEYS`], which only the
//! controller may) and from what everybody seals with ([`PUBLIC_KEYS`], the same).

use std::collections::BTreeMap;

use jiff::Timestamp;
use seal_envelope::Kind;
use serde::{Deserialize, Serialize};

/// The ConfigMap with what everybody seals with: [`CERTIFICATE_ITEM`], [`CERTIFICATES_ITEM`] and, where
/// there is an age key, [`RECIPIENTS_ITEM`].
pub const PUBLIC_KEYS: &str = "seal-public-keys";
/// The item of [`PUBLIC_KEYS`] with the current RSA key's certificate as PEM.
pub const CERTIFICATE_ITEM: &str = "cert.pem";
/// The item of [`PUBLIC_KEYS`] with the certificates of all RSA keys that may seal, as PEM.
pub const CERTIFICATES_ITEM: &str = "certs.pem";
/// The item of [`PUBLIC_KEYS`] with the recipient of the current age key, as a recipients file of age.
pub const RECIPIENTS_ITEM: &str = "recipients.txt";
/// The ConfigMap with the requests, one item each: its id and a [`Request`] as JSON.
pub const KEY_REQUESTS: &str = "seal-key-requests";
/// The ConfigMap with the [`Inventory`](crate::Inventory) and the [`Answers`].
pub const KEYS: &str = "seal-keys";
/// The item of [`KEYS`] with the inventory as JSON.
pub const INVENTORY_ITEM: &str = "keys.json";
/// The item of [`KEYS`] with the answers as JSON.
pub const ANSWERS_ITEM: &str = "answers.json";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Request {
    /// A new key that seals from then on.
    Rotate {
        /// Of which kind: `rsa`, unless told otherwise, or `age`.
        #[serde(default = "rsa", with = "key_kind", skip_serializing_if = "is_default")]
        kind: Kind,
    },
}

fn rsa() -> Kind {
    Kind::Hybrid
}

/// What was understood before there were age keys is written as it was.
fn is_default(kind: &Kind) -> bool {
    *kind == rsa()
}

/// Keys are called after their algorithm, not after the envelopes that they make.
mod key_kind {
    use seal_envelope::Kind;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Name {
        Rsa,
        Age,
    }

    pub(super) fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        let name = match kind {
            Kind::Hybrid => Name::Rsa,
            Kind::Age => Name::Age,
        };
        name.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Kind, D::Error> {
        Ok(match Name::deserialize(deserializer)? {
            Name::Rsa => Kind::Hybrid,
            Name::Age => Kind::Age,
        })
    }
}

/// The answers by the ids of their requests.
pub type Answers = BTreeMap<String, Answer>;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// When it was answered.
    pub time: Timestamp,
    /// How.
    #[serde(flatten)]
    pub outcome: RequestOutcome,
}

/// How a request was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "state",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum RequestOutcome {
    /// The new key seals.
    Done {
        /// The id of the key that sealed before, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old_key: Option<String>,
        /// The id of the new key.
        new_key: String,
    },
    /// The new key is there and will seal once it is backed up.
    AwaitsBackup {
        /// The id of the key that still seals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old_key: Option<String>,
        /// The id of the new key.
        new_key: String,
    },
    /// Nothing was done.
    Refused {
        /// Why, in a sentence.
        why: String,
    },
}
