//! How key administrators ask the controller for something, and how it answers.
//!
//! Both go through ConfigMaps of the controller's namespace, so that RBAC can tell asking
//! ([`KEY_REQUESTS`], which key administrators may change) from answering ([`KEYS`], which only the
//! controller may) and from what everybody seals with ([`PUBLIC_KEYS`], the same).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The ConfigMap with the certificates: `cert.pem` seals, `certs.pem` has all in use.
pub const PUBLIC_KEYS: &str = "seal-public-keys";
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
    Rotate,
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
