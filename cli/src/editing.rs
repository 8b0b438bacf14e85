//! Sealed files that are edited in place: which of their objects is meant, what becomes of its
//! values, and writing the file back. Every byte that is not asked about stays.

mod draft;
mod editor;
mod error;
mod hint;
mod password;
mod private;
mod value;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, builder::NonEmptyStringValueParser};
use seal_api::{SealedSecret, annotations::KEY_HINTS};
use seal_envelope::{Identity, KeyId, Label, Recipients};
use seal_manifest::{Document, Edits, Node, Reading, Stream};
use seal_sealing::{SealError, decode, key_hints, label, seal_value};
use serde_json::Value;
use zeroize::Zeroizing;

pub use draft::{Draft, Shown, Wanted};
pub use editor::edit;
pub use error::EditingError;
pub use hint::Hint;
pub use private::PrivateDirectory;
pub use value::{ValueOptions, read as read_value};

use crate::{
    error::{Error, Errors},
    input::{Source, place_of},
    naming::{Naming, called, expect_named},
    output::Batch,
    room::{expect_room, put},
};

/// The options that say which of several objects is meant.
#[derive(Debug, Args)]
pub struct ObjectOptions {
    /// The namespace of the SealedSecret: for a file that holds several, or one that names none
    #[arg(short, long, value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// The name of the SealedSecret, for a file that holds several
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
}

/// A file that can be written again.
#[derive(Debug)]
pub struct SealedFile {
    path: PathBuf,
    stream: Stream,
}

/// Takes any path but `-`, for use in arguments.
///
/// # Errors
/// What is wrong with `-`.
pub fn editable_path(argument: &str) -> Result<PathBuf, String> {
    match argument {
        "-" => Err("a file is edited in place, and standard input is none".into()),
        path => Ok(path.into()),
    }
}

impl SealedFile {
    /// Reads it. That it may not be written is told here already, before anybody types a secret.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Manifest`], [`EditingError::NotAFile`],
    /// [`EditingError::ReadOnly`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        if let Ok(there) = fs::metadata(path).as_ref().map(fs::Metadata::clone)
            && !there.is_dir()
        {
            let path = path.to_owned();
            if !there.is_file() {
                return Err(EditingError::NotAFile { path }.into());
            }
            if there.permissions().readonly() {
                return Err(EditingError::ReadOnly { path }.into());
            }
        }
        let stream = Source::File(path.to_owned()).parse(Reading::Strict)?;
        let path = path.to_owned();
        Ok(Self { path, stream })
    }

    /// The one SealedSecret that is meant; other kinds of objects are passed over.
    ///
    /// # Errors
    /// When there is none or several, and when it lacks what its values are bound to.
    pub fn object(&self, options: &ObjectOptions) -> Result<Object<'_>, Errors> {
        let mut nodes = Vec::new();
        for document in self.stream.documents() {
            nodes.extend(sealed_in(document)?);
        }
        if nodes.is_empty() {
            let from = self.path.display().to_string();
            let expected = "SealedSecret";
            return Err(Error::NoObject { from, expected }.into());
        }
        let all: Vec<String> = nodes.iter().map(called_at).collect();
        nodes.retain(|node| options.match_name(node));
        let path = self.path.clone();
        match nodes.as_slice() {
            [node] => Ok(Object::read(*node, options)?),
            [] => Err(EditingError::NoSuchObject { path, all }.into()),
            several => {
                let found = several.iter().map(called_at).collect();
                Err(EditingError::SeveralObjects { path, found }.into())
            }
        }
    }

    /// Collects changes of one of its objects.
    #[must_use]
    pub fn change<'a>(&'a self, object: &'a Object<'a>) -> Changes<'a> {
        Changes {
            file: self,
            object,
            edits: self.stream.edit(),
            sealed: BTreeMap::new(),
            removed: BTreeSet::new(),
            recipients: BTreeSet::new(),
        }
    }
}

impl ObjectOptions {
    fn match_name(&self, node: &Node<'_>) -> bool {
        let is = |field: &str, wanted: &Option<String>, absent_will_do: bool| {
            let found = metadata_text(node, field);
            wanted.as_deref().is_none_or(|wanted| match found {
                "" => absent_will_do,
                found => found == wanted,
            })
        };
        is("name", &self.name, false) && is("namespace", &self.namespace, true)
    }
}

/// A SealedSecret in its file.
#[derive(Debug)]
pub struct Object<'a> {
    node: Node<'a>,
    sealed: SealedSecret,
}

impl<'a> Object<'a> {
    fn read(node: Node<'a>, options: &ObjectOptions) -> Result<Self, Error> {
        let at = node.location();
        let mut sealed = SealedSecret::decode(node.to_json()?)
            .map_err(|error| Error::SealedSecret { at, error })?;
        let naming = Naming {
            name: None,
            namespace: options.namespace.as_deref(),
        };
        naming.apply(&mut sealed.metadata, &node)?;
        expect_named(&sealed.metadata, sealed.scope(), &node)?;
        if sealed.spec.data.is_some() {
            let at = place_of(&node, &["spec", "data"]);
            return Err(EditingError::V1Data { at }.into());
        }
        Ok(Self { node, sealed })
    }

    /// What stands in the file, named as it will be.
    #[must_use]
    pub fn sealed(&self) -> &SealedSecret {
        &self.sealed
    }

    /// Namespace and name.
    #[must_use]
    pub fn called(&self) -> String {
        called(&self.sealed.metadata)
    }

    /// Its values by key, opened where one of the keys does.
    #[must_use]
    pub fn shown(&self, identities: &[Identity]) -> BTreeMap<String, Shown> {
        let hints = key_hints(&self.sealed.metadata);
        let mut identities: Vec<&Identity> = identities.iter().collect();
        identities.sort_by_key(|identity| !hints.contains(identity.id()));
        let label = self.label();
        let open = |text: &str| {
            let envelope = decode(text).ok()?;
            let opened = identities
                .iter()
                .find_map(|it| it.open(&envelope, &label).ok())?;
            Some(Zeroizing::new(opened.to_vec()))
        };
        let shown = |text: &str| match open(text) {
            Some(value) => Shown::Open(value),
            None if identities.is_empty() => Shown::Sealed,
            None => Shown::Unopened,
        };
        let values = self.sealed.spec.encrypted_data.iter();
        values
            .map(|(key, text)| (key.clone(), shown(text)))
            .collect()
    }

    fn label(&self) -> Label {
        let metadata = &self.sealed.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let name = metadata.name.as_deref().unwrap_or_default();
        label(self.sealed.scope(), namespace, name)
    }
}

/// What shall become of the values of one object.
#[derive(Debug)]
pub struct Changes<'a> {
    file: &'a SealedFile,
    object: &'a Object<'a>,
    edits: Edits<'a>,
    /// The new texts by key.
    sealed: BTreeMap<String, String>,
    removed: BTreeSet<String>,
    recipients: BTreeSet<KeyId>,
}

const VALUES: [&str; 2] = ["spec", "encryptedData"];

impl Changes<'_> {
    /// Seals a value under a key that is there or new.
    ///
    /// # Errors
    /// [`EditingError::BadKey`], [`Error::Seal`], and where the file cannot be edited.
    pub fn set(&mut self, key: &str, value: &[u8], recipients: &Recipients) -> Result<(), Error> {
        let path = &self.file.path;
        secret_key(key).map_err(|why| EditingError::BadKey {
            key: key.to_owned(),
            why,
        })?;
        let text =
            seal_value(value, &self.object.label(), recipients).map_err(|error| Error::Seal {
                at: path.display().to_string(),
                error: SealError::Envelope(error),
            })?;
        let [spec, values] = VALUES;
        self.edits
            .set(self.object.node, &[spec, values, key], &text)
            .map_err(EditingError::from)?;
        self.sealed.insert(key.to_owned(), text);
        self.recipients = recipients.ids();
        Ok(())
    }

    /// Removes a key with its value.
    ///
    /// # Errors
    /// [`EditingError::NoSuchKey`], and where the file cannot be edited.
    pub fn remove(&mut self, key: &str) -> Result<(), Error> {
        let values = &self.object.sealed.spec.encrypted_data;
        if !values.contains_key(key) {
            return Err(EditingError::NoSuchKey {
                at: place_of(&self.object.node, &VALUES),
                called: self.object.called(),
                key: key.to_owned(),
                there: values.keys().cloned().collect(),
            }
            .into());
        }
        let [spec, values] = VALUES;
        self.edits
            .remove(self.object.node, &[spec, values, key])
            .map_err(EditingError::from)?;
        self.removed.insert(key.to_owned());
        Ok(())
    }

    /// Writes the file, unless nothing was to change.
    ///
    /// # Errors
    /// [`EditingError::Edit`] where the file cannot be edited in place, [`Error::TooLarge`] when the
    /// API server has no room for the object, and [`Error::Output`] when the file is no longer what
    /// was read or cannot be written. Then it stays as it is.
    pub fn write(mut self) -> Result<(), Error> {
        if self.edits.is_empty() {
            return Ok(());
        }
        let hint = self.hint();
        // Only what grows is refused: whoever takes values out of a large object is on the right way.
        if !self.sealed.is_empty() {
            self.expect_room(&hint)?;
        }
        hint.write(&mut self.edits, self.object.node)
            .map_err(EditingError::from)?;
        let edited = self.edits.apply().map_err(EditingError::from)?;
        let read = self.file.stream.text().as_bytes();
        let mut batch = Batch::default();
        batch.add_edited(&self.file.path, read, edited.text().as_bytes())?;
        batch.commit()
    }

    fn hint(&self) -> Hint {
        let sealed = &self.object.sealed;
        let stays = |key: &String| !self.sealed.contains_key(key) && !self.removed.contains(key);
        let others_stay = sealed.spec.encrypted_data.keys().any(stays);
        Hint::of(&sealed.metadata, &self.recipients, others_stay)
    }

    fn expect_room(&self, hint: &Hint) -> Result<(), Error> {
        let mut after = self.object.node.to_json()?;
        if let Some(values) = after
            .pointer_mut("/spec/encryptedData")
            .and_then(Value::as_object_mut)
        {
            values.retain(|key, _| !self.removed.contains(key));
        }
        let [spec, values] = VALUES;
        for (key, text) in &self.sealed {
            put(&mut after, &[spec, values, key], text);
        }
        if let Hint::Becomes(text) = hint {
            put(&mut after, &["metadata", "annotations", KEY_HINTS], text);
        }
        expect_room(&after, &self.object.node.location().to_string())
    }
}

/// The SealedSecrets of a document, lists taken apart.
fn sealed_in(document: &Document) -> Result<Vec<Node<'_>>, Error> {
    let mut objects = document.objects()?;
    objects.retain(|node| node.is_mapping() && node.kind().as_deref() == Some("SealedSecret"));
    Ok(objects)
}

fn metadata_text<'a>(node: &Node<'a>, field: &str) -> &'a str {
    let metadata = node.get("metadata").ok().flatten();
    let value = metadata
        .filter(Node::is_mapping)
        .and_then(|metadata| metadata.get(field).ok().flatten());
    value.and_then(|value| value.as_str()).unwrap_or_default()
}

fn called_at(node: &Node<'_>) -> String {
    let parts = [
        metadata_text(node, "namespace"),
        metadata_text(node, "name"),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let called = match parts.is_empty() {
        true => "one without a name".to_owned(),
        false => parts.join("/"),
    };
    format!("{called} (line {})", node.line())
}

/// What Kubernetes takes for a key of a Secret (`IsConfigMapKey`).
///
/// # Errors
/// What is wrong with it.
pub fn secret_key(key: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match key {
        "" => Err("it is empty"),
        "." | ".." => Err("it names a directory"),
        _ if key.starts_with("..") => Err("it begins with two dots"),
        _ if key.len() > 253 => Err("it is longer than 253 characters"),
        _ if !key.bytes().all(allowed) => Err("it may hold letters, digits, '-', '_' and '.' only"),
        _ => Ok(key.to_owned()),
    }
}
