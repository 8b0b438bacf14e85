//! What differs, as data: the same for people and for machines.

use std::fmt;

use schemars::JsonSchema;
use seal_envelope::Plaintext;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// What `seal diff --output json` prints.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffReport {
    /// The SealedSecrets that differ, in the order of their files.
    pub objects: Vec<ObjectChange>,
}

/// A SealedSecret that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// Its namespace, where it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What happened to it.
    pub change: Change,
    /// Where it stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Place>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Place>,
    /// Its scope (strict, namespace-wide, cluster-wide), when that has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Changed<String>>,
    /// The ids of the keys that it says it is sealed for, when they have changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipients: Option<Changed<Vec<String>>>,
    /// Its sealed values that differ, by key.
    pub items: Vec<ItemChange>,
    /// Everything else in it that differs.
    pub fields: Vec<FieldChange>,
}

/// What happened to an object or a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It differs.
    Changed,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The file, as the command line or Git calls it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// What was and what is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changed<T> {
    /// What was.
    pub old: T,
    /// What is.
    pub new: T,
}

/// A sealed value that differs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemChange {
    /// Its key in encryptedData.
    pub key: String,
    /// What happened to it.
    pub change: ItemVerb,
    /// Whether the value itself differs. Only with --identity, and when both sides are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueVerb>,
    /// The value that was. Only with --show-values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_value: Option<Value>,
    /// The value that is. Only with --show-values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_value: Option<Value>,
}

/// What happened to a sealed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ItemVerb {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its sealed text differs: the same value or another.
    Resealed,
}

/// What the private keys tell of a value that was sealed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValueVerb {
    /// The value is the same.
    Same,
    /// The value is another.
    Changed,
    /// One side does not open with the keys given.
    DoesNotOpen,
}

/// A field beside the sealed values that differs.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// Where it stands in the object, such as `spec.template.metadata.labels["app.kubernetes.io/name"]`.
    pub path: String,
    /// What happened to it.
    pub change: Change,
}

/// A value in plaintext, wiped when dropped: `{"text": …}`, or `{"base64": …}` where it is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(pub Plaintext);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match std::str::from_utf8(&self.0) {
            Ok(text) => map.serialize_entry("text", text)?,
            Err(_) => {
                let encoded = zeroize::Zeroizing::new(seal_sealing::encode(&self.0));
                map.serialize_entry("base64", encoded.as_str())?;
            }
        }
        map.end()
    }
}

impl JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A value in plaintext: as text, or as base64 where it is no text.",
            "type": "object",
            "properties": { "text": { "type": "string" }, "base64": { "type": "string" } },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
        })
    }
}

impl From<seal_manifest::Location> for Place {
    fn from(at: seal_manifest::Location) -> Self {
        Self {
            file: at.source,
            line: at.line,
            column: at.column,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
