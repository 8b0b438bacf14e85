//! Manifests in, Secrets in plaintext out.

use std::path::is_separator;

use seal_api::{Scope, annotations};
use seal_manifest::{Document, Format as Notation, Node, Reading, Scalar, Stream};
use seal_sealing::{Secret, SecretError};

use super::{MOST_DATA, Plain};
use crate::{
    error::{Error, Errors},
    input::{is_template, mentions},
    naming::{Naming, called, expect_named},
    paths::Input,
};

const FIELDS: [&str; 7] = [
    "apiVersion",
    "kind",
    "metadata",
    "type",
    "immutable",
    "data",
    "stringData",
];

/// What is asked of every Secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demands<'a> {
    /// The scope, whatever the Secret says.
    pub(super) scope: Option<Scope>,
    /// The scope of a Secret that says nothing.
    pub(super) default_scope: Option<Scope>,
    pub(super) naming: Naming<'a>,
    pub(super) allow_empty_data: bool,
}

/// One input, read.
#[derive(Default)]
pub(super) struct Manifest {
    /// Its text, where it is needed once more.
    pub(super) stream: Option<Stream>,
    /// The documents that hold Secrets.
    pub(super) parts: Vec<Part>,
    /// Whether it speaks of Secrets, was found rather than named, and is a template and no YAML.
    pub(super) is_template: bool,
}

/// A document that holds Secrets: one, or a list of them.
pub(super) struct Part {
    /// Its place among those of the input that hold something.
    pub(super) document: usize,
    pub(super) notation: Notation,
    pub(super) secrets: Vec<Plain>,
}

impl Manifest {
    /// Reads an input. One that was not named itself may hold no Secret, and need not be YAML then.
    /// `others_stay` when other documents are not lost, and may stand beside Secrets.
    pub(super) fn read(
        input: &Input,
        demands: Demands<'_>,
        others_stay: bool,
    ) -> Result<Self, Errors> {
        let source = &input.source;
        source.announce("Secrets");
        let bytes = source.read()?;
        if !input.is_named && !mentions(&bytes, "Secret") {
            return Ok(Self::default());
        }
        let stream = match Stream::parse(&source.to_string(), bytes.as_slice(), Reading::Strict) {
            Ok(stream) => stream,
            Err(_) if !input.is_named && is_template(&bytes) => {
                return Ok(Self {
                    is_template: true,
                    ..Self::default()
                });
            }
            Err(error) => return Err(error.into()),
        };
        let mut parts = Vec::new();
        let mut errors = Errors::default();
        let passed_over = !input.is_named && !stream.documents().iter().any(holds_secret);
        for document in stream.documents().iter().filter(|_| !passed_over) {
            if !others_stay || holds_secret(document) {
                errors.take(demands.part(document), &mut parts);
            }
        }
        let is_done = others_stay
            && stream
                .documents()
                .iter()
                .any(|it| holds(it, "SealedSecret"));
        if parts.is_empty() && errors.is_empty() && input.is_named && !is_done {
            errors.push(Error::NoObject {
                from: source.to_string(),
                expected: "Secret",
            });
        }
        let stream = Some(stream).filter(|_| others_stay);
        errors.or(Self {
            stream,
            parts,
            is_template: false,
        })
    }

    /// How many Secrets there are.
    pub(super) fn objects(&self) -> usize {
        self.parts.iter().map(|part| part.secrets.len()).sum()
    }

    /// The name of the only Secret, where it can be that of a file.
    pub(super) fn only_name(&self) -> Option<&str> {
        let mut secrets = self.parts.iter().flat_map(|part| &part.secrets);
        let (Some(only), None) = (secrets.next(), secrets.next()) else {
            return None;
        };
        let name = only.secret.metadata.name.as_deref()?;
        Some(name).filter(|name| !name.contains(is_separator) && !name.starts_with('.'))
    }
}

fn holds_secret(document: &Document) -> bool {
    holds(document, "Secret")
}

fn holds(document: &Document, kind: &str) -> bool {
    document.objects().is_ok_and(|objects| {
        let mut objects = objects.iter();
        objects.any(|object| object.kind().as_deref() == Some(kind))
    })
}

impl Demands<'_> {
    /// What stands in no manifest.
    pub(super) fn of_values(&self, mut secret: Secret) -> Result<Manifest, Errors> {
        let at = "the Secret".to_owned();
        let scope = self.scope.or(self.default_scope).unwrap_or_default();
        secret.set_scope(scope);
        secret.metadata.name = self.naming.name.map(str::to_owned);
        secret.metadata.namespace = self.naming.namespace.map(str::to_owned);
        if self.naming.namespace.is_none() && scope != Scope::ClusterWide {
            let missing = "namespace";
            return Err(Error::Unnamed { scope, missing }.into());
        }
        self.expect_data(&secret, &at)?;
        expect_room(&secret, &at)?;
        let part = Part {
            document: 0,
            notation: Notation::Yaml,
            secrets: vec![Plain { at, secret }],
        };
        Ok(Manifest {
            parts: vec![part],
            ..Manifest::default()
        })
    }

    fn part(&self, document: &Document) -> Result<Part, Errors> {
        let mut secrets = Vec::new();
        let mut errors = Errors::default();
        for node in document.objects()? {
            errors.take(self.read(&node), &mut secrets);
        }
        errors.or(Part {
            document: document.index(),
            notation: document.format(),
            secrets,
        })
    }

    fn read(&self, node: &Node<'_>) -> Result<Plain, Errors> {
        expect_shape(node)?;
        let mut secret = Secret::from_node(node)?;
        let says = secret.metadata.annotations.as_ref();
        let is_silent = !says.is_some_and(|it| {
            it.contains_key(annotations::CLUSTER_WIDE)
                || it.contains_key(annotations::NAMESPACE_WIDE)
        });
        let default = self.default_scope.filter(|_| is_silent);
        if let Some(scope) = self.scope.or(default) {
            secret.set_scope(scope);
        }
        self.naming.apply(&mut secret.metadata, node)?;
        expect_named(&secret.metadata, secret.scope(), node)?;
        let at = node.location().to_string();
        expect_room(&secret, &at)?;
        self.expect_data(&secret, &at)?;
        Ok(Plain { at, secret })
    }

    fn expect_data(&self, secret: &Secret, at: &str) -> Result<(), Error> {
        if secret.values().next().is_none() && !self.allow_empty_data {
            return Err(Error::EmptyData {
                at: at.to_owned(),
                called: called(&secret.metadata),
            });
        }
        Ok(())
    }
}

fn expect_room(secret: &Secret, at: &str) -> Result<(), Error> {
    let bytes = secret.values().map(|(_, value)| value.len()).sum();
    if bytes > MOST_DATA {
        return Err(Error::TooMuchData {
            at: at.to_owned(),
            bytes,
            most: MOST_DATA,
        });
    }
    Ok(())
}

/// A Secret, and nothing in it that would be lost. An object without a kind, which kubeseal would
/// seal, is more likely some other YAML file.
fn expect_shape(node: &Node<'_>) -> Result<(), Error> {
    if !node.is_mapping() {
        return Ok(());
    }
    let entries = node.entries()?;
    if node.kind().is_none() || node.api_version().is_none() {
        let found = "an object without apiVersion and kind".to_owned();
        let at = node.location();
        return Err(SecretError::NotASecret { at, found }.into());
    }
    if node.kind().as_deref() != Some("Secret") {
        return Ok(());
    }
    for entry in &entries {
        match entry.key.as_ref() {
            "immutable" if !matches!(entry.value.scalar(), Ok(Scalar::Bool(_) | Scalar::Null)) => {
                return Err(field_type("immutable", "true or false", &entry.value));
            }
            "metadata" if entry.value.is_mapping() => expect_texts(&entry.value)?,
            _ => {}
        }
        if !FIELDS.contains(&entry.key.as_ref()) {
            return Err(Error::UnknownField {
                at: entry.key_node.location(),
                field: entry.key.to_string(),
            });
        }
    }
    Ok(())
}

/// In the metadata, where `version: 1.10` is a favourite mistake.
fn expect_texts(metadata: &Node<'_>) -> Result<(), Error> {
    for field in metadata.entries()? {
        match field.key.as_ref() {
            name @ ("name" | "namespace") => expect_text(name, &field.value)?,
            "labels" if field.value.is_mapping() => {
                for label in field.value.entries()? {
                    expect_text(&format!("labels.{}", label.key), &label.value)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn expect_text(field: &str, value: &Node<'_>) -> Result<(), Error> {
    match value.scalar() {
        Ok(Scalar::Text(_) | Scalar::Null) => Ok(()),
        _ => Err(field_type(&format!("metadata.{field}"), "text", value)),
    }
}

fn field_type(field: &str, expected: &'static str, value: &Node<'_>) -> Error {
    Error::FieldType {
        at: value.location(),
        field: field.to_owned(),
        expected,
        found: value.type_name(),
    }
}
