//! Secrets as upstream's programs read them: YAML by way of JSON into Go's types.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use seal_api::annotations::LAST_APPLIED;
use seal_envelope::Plaintext;
use seal_manifest::{Entry, Format, Node, Scalar};
use seal_sealing::Secret;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

use super::{
    documents::{self, Held},
    failure::{Failure, Outcome},
};

/// A Secret with what is not looked at before it is sealed.
pub struct Found {
    /// The Secret.
    pub secret: Secret,
    /// Where it stands.
    pub at: String,
    /// What it says it is.
    pub kind: String,
}

/// All Secrets of an input. None when nothing in it can be read.
///
/// # Errors
/// What is wrong with one of them; and, where upstream passes over a broken document beside good
/// ones, what is wrong with that.
pub fn read(name: &str, bytes: Zeroizing<Vec<u8>>) -> Outcome<Vec<Found>> {
    documents::read(name, bytes, held)
}

/// The Secret that stands at a node; an item of a List is read as a document of its own.
///
/// # Errors
/// What is wrong with it.
pub fn of_node(node: &Node<'_>, format: Format) -> Outcome<Option<Found>> {
    match held(node, format)? {
        Held::Found(found) => Ok(Some(found)),
        Held::Nothing | Held::Broken(_) => Ok(None),
        Held::Wrong(error) => Err(error),
    }
}

fn held(node: &Node<'_>, format: Format) -> Result<Held<Found>, seal_manifest::Error> {
    let mut reader = Reader::new(format);
    let found = reader.secret(node)?;
    Ok(match (reader.is_empty, reader.error) {
        (true, None) => Held::Nothing,
        (true, Some(error)) => Held::Broken(error),
        (false, Some(error)) => Held::Wrong(error),
        (false, None) => Held::Found(found),
    })
}

/// Reads on after an error, as Go does, and keeps the first.
pub(super) struct Reader {
    format: Format,
    error: Option<Failure>,
    /// Whether no field that a Secret has was given.
    pub(super) is_empty: bool,
}

impl Reader {
    fn new(format: Format) -> Self {
        Self {
            format,
            error: None,
            is_empty: true,
        }
    }

    fn secret(&mut self, node: &Node<'_>) -> Result<Found, seal_manifest::Error> {
        let mut secret = Secret::default();
        let mut kind = String::new();
        for Entry { key, value, .. } in self.entries(node)? {
            let value = &value;
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if value.is_null() {
                continue;
            } else if is("kind") {
                kind = self.text(value, "Secret.TypeMeta.kind")?;
            } else if is("apiVersion") {
                self.text(value, "Secret.TypeMeta.apiVersion")?;
            } else if is("metadata") {
                secret.metadata = self.metadata(value)?;
            } else if is("type") {
                secret.type_ = Some(self.text_of(value, "Secret.type", "v1.SecretType")?);
            } else if is("immutable") {
                secret.immutable = self.boolean(value, "Secret.immutable")?;
            } else if is("data") {
                secret.data.extend(self.data(value)?);
            } else if is("stringData") {
                secret.string_data.extend(self.string_data(value)?);
            }
        }
        secret.type_ = secret.type_.filter(|text| !text.is_empty());
        let at = node.location().to_string();
        Ok(Found { secret, at, kind })
    }

    /// YAML goes by way of a sorted map, JSON comes as it stands.
    pub(super) fn entries<'a>(
        &self,
        node: &Node<'a>,
    ) -> Result<Vec<Entry<'a>>, seal_manifest::Error> {
        let mut entries = node.entries()?;
        if self.format == Format::Yaml {
            entries.sort_by(|left, right| left.key.cmp(&right.key));
        }
        Ok(entries)
    }

    fn metadata(&mut self, node: &Node<'_>) -> Result<ObjectMeta, seal_manifest::Error> {
        let mut metadata = ObjectMeta::default();
        if !node.is_mapping() {
            self.mismatch(node, "Secret.metadata", "v1.ObjectMeta");
            return Ok(metadata);
        }
        for Entry { key, value, .. } in self.entries(node)? {
            let value = &value;
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if value.is_null() {
                continue;
            } else if is("name") {
                metadata.name = Some(self.text(value, "ObjectMeta.metadata.name")?);
            } else if is("generateName") {
                metadata.generate_name =
                    Some(self.text(value, "ObjectMeta.metadata.generateName")?);
            } else if is("namespace") {
                metadata.namespace = Some(self.text(value, "ObjectMeta.metadata.namespace")?);
            } else if is("labels") {
                metadata.labels = self.texts(value, "ObjectMeta.metadata.labels")?;
            } else if is("annotations") {
                metadata.annotations = self.texts(value, "ObjectMeta.metadata.annotations")?;
            } else if is("finalizers") {
                metadata.finalizers = self.list(value, "ObjectMeta.metadata.finalizers")?;
            } else if is("managedFields") {
                match serde_json::from_value(value.to_json()?) {
                    Ok(fields) => metadata.managed_fields = Some(fields),
                    Err(_) => self.mismatch(
                        value,
                        "ObjectMeta.metadata.managedFields",
                        "[]v1.ManagedFieldsEntry",
                    ),
                }
                self.is_empty = false;
            } else {
                self.unsealed_metadata(&key, value)?;
            }
        }
        Ok(metadata)
    }

    fn text(&mut self, node: &Node<'_>, field: &str) -> Result<String, seal_manifest::Error> {
        self.text_of(node, field, "string")
    }

    /// A text of this type of Go's.
    pub(super) fn text_of(
        &mut self,
        node: &Node<'_>,
        field: &str,
        type_: &str,
    ) -> Result<String, seal_manifest::Error> {
        if node.as_str().is_none() {
            self.mismatch(node, field, type_);
            return Ok(String::new());
        }
        let text = node.text()?.to_string();
        self.is_empty &= text.is_empty();
        Ok(text)
    }

    pub(super) fn boolean(
        &mut self,
        node: &Node<'_>,
        field: &str,
    ) -> Result<Option<bool>, seal_manifest::Error> {
        if let Some(Scalar::Bool(value)) = scalar(node)? {
            self.is_empty = false;
            return Ok(Some(value));
        }
        self.mismatch(node, field, "bool");
        Ok(None)
    }

    /// The annotations in which tools keep a copy of the plaintext are left out before anybody can
    /// copy them.
    fn texts(
        &mut self,
        node: &Node<'_>,
        field: &str,
    ) -> Result<Option<BTreeMap<String, String>>, seal_manifest::Error> {
        if !node.is_mapping() {
            self.mismatch(node, field, "map[string]string");
            return Ok(None);
        }
        self.is_empty = false;
        let mut texts = BTreeMap::new();
        for Entry { key, value, .. } in self.entries(node)? {
            if !LAST_APPLIED.contains(&key.as_ref()) {
                let text = self.text(&value, field)?;
                texts.insert(key.into_owned(), text);
            }
        }
        Ok(Some(texts))
    }

    fn list(
        &mut self,
        node: &Node<'_>,
        field: &str,
    ) -> Result<Option<Vec<String>>, seal_manifest::Error> {
        if !node.is_sequence() {
            self.mismatch(node, field, "[]string");
            return Ok(None);
        }
        self.is_empty = false;
        let texts = node.items()?;
        texts
            .iter()
            .map(|item| self.text(item, field))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn string_data(
        &mut self,
        node: &Node<'_>,
    ) -> Result<BTreeMap<String, Plaintext>, seal_manifest::Error> {
        let field = "Secret.stringData";
        self.is_empty = false;
        let mut values = BTreeMap::new();
        if !node.is_mapping() {
            self.mismatch(node, field, "map[string]string");
            return Ok(values);
        }
        for Entry { key, value, .. } in self.entries(node)? {
            let text = match value.as_str() {
                Some(_) => value.text()?,
                None => {
                    self.mismatch(&value, field, "string");
                    continue;
                }
            };
            values.insert(key.into_owned(), Plaintext::new(text.as_bytes().to_vec()));
        }
        Ok(values)
    }

    fn data(
        &mut self,
        node: &Node<'_>,
    ) -> Result<BTreeMap<String, Plaintext>, seal_manifest::Error> {
        self.is_empty = false;
        let mut values = BTreeMap::new();
        if !node.is_mapping() {
            self.mismatch(node, "Secret.data", "map[string][]uint8");
            return Ok(values);
        }
        for Entry { key, value, .. } in self.entries(node)? {
            if let Some(bytes) = self.bytes(&value)? {
                values.insert(key.into_owned(), bytes);
            }
        }
        Ok(values)
    }

    /// Base64, a list of numbers below 256, or null for nothing.
    fn bytes(&mut self, node: &Node<'_>) -> Result<Option<Plaintext>, seal_manifest::Error> {
        if node.is_sequence() {
            let mut bytes = Zeroizing::new(Vec::new());
            for item in node.items()? {
                match scalar(&item)? {
                    Some(Scalar::Integer(number)) if u8::try_from(number).is_ok() => {
                        bytes.extend(u8::try_from(number));
                    }
                    Some(Scalar::Null) => bytes.push(0),
                    _ => self.mismatch(&item, "Secret.data", "uint8"),
                }
            }
            return Ok(Some(bytes.into()));
        }
        match scalar(node)? {
            Some(Scalar::Null) => Ok(Some(Plaintext::default())),
            Some(Scalar::Text(_) | Scalar::Binary(_)) => {
                match seal_sealing::decode(&node.text()?) {
                    Ok(bytes) => return Ok(Some(bytes.into())),
                    Err(error) => self.keep(&error.to_string()),
                }
                Ok(None)
            }
            _ => {
                self.mismatch(node, "Secret.data", "[]uint8");
                Ok(None)
            }
        }
    }

    pub(super) fn mismatch(&mut self, node: &Node<'_>, field: &str, expected: &str) {
        let found = go_type(node);
        self.keep(&format!(
            "json: cannot unmarshal {found} into Go struct field {field} of type {expected}"
        ));
    }

    pub(super) fn keep(&mut self, text: &str) {
        let way = match self.format {
            Format::Yaml => "error unmarshaling JSON: while decoding JSON: ",
            Format::Json => "",
        };
        self.error
            .get_or_insert_with(|| Failure::new(format!("{way}{text}")));
    }
}

pub(super) fn scalar<'a>(node: &Node<'a>) -> Result<Option<Scalar<'a>>, seal_manifest::Error> {
    match node.as_str() {
        Some(_) => node.scalar().map(Some),
        None => Ok(None),
    }
}

/// How `encoding/json` calls what stands there.
pub(super) fn go_type(node: &Node<'_>) -> &'static str {
    match node.scalar() {
        _ if node.is_mapping() => "object",
        _ if node.is_sequence() => "array",
        Ok(Scalar::Bool(_)) => "bool",
        Ok(Scalar::Integer(_) | Scalar::Float(_)) => "number",
        _ => "string",
    }
}
