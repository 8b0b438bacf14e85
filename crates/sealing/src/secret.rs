use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::{Scope, annotations::LAST_APPLIED};
use seal_envelope::Plaintext;
use seal_manifest::{Location, Node};
use serde_json::{Map, Value};

use crate::{Base64Error, base64::decode};

/// A native Secret in plaintext. Values are wiped when it is dropped.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Secret {
    /// Its metadata, without the annotations in which tools keep a copy of the whole object.
    pub metadata: ObjectMeta,
    /// Its type, Opaque when absent.
    pub type_: Option<String>,
    /// Whether its data may never change.
    pub immutable: Option<bool>,
    /// Its values by key.
    pub data: BTreeMap<String, Plaintext>,
    /// Values that were given as text; they win over those in `data`.
    pub string_data: BTreeMap<String, Plaintext>,
}

/// A manifest that is no Secret. Nothing of its values is in the message.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The YAML or JSON is not what it should be.
    #[error(transparent)]
    Manifest(#[from] seal_manifest::Error),
    /// Another kind of object.
    #[error("{at}: expected a Secret of API version v1 but found {found}")]
    NotASecret {
        /// Where it stands.
        at: Location,
        /// Its API version and kind.
        found: String,
    },
    /// A value of `data` is not base64.
    #[error("{at}: data.{item}: {error}; values in data are base64, plain text goes to stringData")]
    Base64 {
        /// Where the value stands.
        at: Location,
        /// Its key.
        item: String,
        /// What is wrong with it.
        error: Base64Error,
    },
    /// The metadata has a field of the wrong type.
    #[error("{at}: metadata: a field is not of the type that Kubernetes expects")]
    Metadata {
        /// Where the metadata stands.
        at: Location,
    },
}

impl Secret {
    /// Reads a Secret. An absent kind or API version is taken for the right one.
    ///
    /// # Errors
    /// [`SecretError`] with file, line and column.
    pub fn from_node(node: &Node<'_>) -> Result<Self, SecretError> {
        expect_secret(node)?;
        let mut secret = Self::default();
        for field in node.entries()? {
            let value = field.value;
            if value.is_null() {
                continue;
            }
            match field.key.as_ref() {
                "metadata" => secret.metadata = metadata(&value)?,
                "type" => secret.type_ = Some(value.text()?.to_string()),
                "immutable" => secret.immutable = value.to_json()?.as_bool(),
                "data" => secret.data = decoded(&value)?,
                "stringData" => secret.string_data = texts(&value)?,
                _ => {}
            }
        }
        Ok(secret)
    }

    /// Its values, those given as text winning.
    #[must_use]
    pub fn into_values(self) -> BTreeMap<String, Plaintext> {
        let mut values = self.data;
        values.extend(self.string_data);
        values
    }

    /// Its values by reference, those given as text winning.
    pub fn values(&self) -> impl Iterator<Item = (&String, &Plaintext)> {
        let shadowed = |key: &&String| !self.string_data.contains_key(*key);
        self.data
            .iter()
            .filter(move |(key, _)| shadowed(key))
            .chain(&self.string_data)
    }

    /// The scope that its annotations ask for.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::of(self.metadata.annotations.as_ref())
    }

    /// Makes its annotations ask for this scope and no other.
    pub fn set_scope(&mut self, scope: Scope) {
        set_scope(&mut self.metadata, scope);
    }
}

/// Makes the annotations of an object ask for this scope and no other.
pub(crate) fn set_scope(metadata: &mut ObjectMeta, scope: Scope) {
    let mut annotations = metadata.annotations.take().unwrap_or_default();
    for other in Scope::ALL.into_iter().filter_map(Scope::annotation) {
        annotations.remove(other);
    }
    if let Some(name) = scope.annotation() {
        annotations.insert(name.into(), "true".into());
    }
    metadata.annotations = Some(annotations).filter(|annotations| !annotations.is_empty());
}

fn expect_secret(node: &Node<'_>) -> Result<(), SecretError> {
    if !node.is_mapping() {
        let found = node.type_name().into();
        return Err(SecretError::NotASecret {
            at: node.location(),
            found,
        });
    }
    let (version, kind) = (node.api_version(), node.kind());
    let right = |found: &Option<String>, expected| found.as_deref().is_none_or(|it| it == expected);
    if right(&version, "v1") && right(&kind, "Secret") {
        return Ok(());
    }
    let found = [version, kind]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    Err(SecretError::NotASecret {
        at: node.location(),
        found,
    })
}

/// The annotations of tools that hold the plaintext are left out while reading, before a copy of
/// them can be made.
fn metadata(node: &Node<'_>) -> Result<ObjectMeta, SecretError> {
    let mut fields = Map::new();
    for field in node.entries()? {
        let value = match field.key.as_ref() {
            "annotations" if field.value.is_mapping() => match annotations(&field.value)? {
                none if none.is_empty() => continue,
                some => Value::Object(some),
            },
            _ => field.value.to_json()?,
        };
        fields.insert(field.key.into_owned(), value);
    }
    serde_json::from_value(Value::Object(fields)).map_err(|_| SecretError::Metadata {
        at: node.location(),
    })
}

fn annotations(node: &Node<'_>) -> Result<Map<String, Value>, SecretError> {
    let mut annotations = Map::new();
    for entry in node.entries()? {
        if !LAST_APPLIED.contains(&entry.key.as_ref()) {
            let text = entry.value.text()?;
            annotations.insert(entry.key.into_owned(), Value::String(text.to_string()));
        }
    }
    Ok(annotations)
}

fn texts(node: &Node<'_>) -> Result<BTreeMap<String, Plaintext>, SecretError> {
    let mut values = BTreeMap::new();
    for entry in node.entries()? {
        let text = entry.value.text()?;
        values.insert(
            entry.key.into_owned(),
            Plaintext::new(text.as_bytes().to_vec()),
        );
    }
    Ok(values)
}

fn decoded(node: &Node<'_>) -> Result<BTreeMap<String, Plaintext>, SecretError> {
    let mut values = BTreeMap::new();
    for entry in node.entries()? {
        let item = entry.key.into_owned();
        let bytes = decode(&entry.value.text()?).map_err(|error| SecretError::Base64 {
            at: entry.value.location(),
            item: item.clone(),
            error,
        })?;
        values.insert(item, bytes.into());
    }
    Ok(values)
}
