//! The files of a tree: reading them, and writing what has changed in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use seal_api::{Scope, SealedSecret, annotations::KEY_HINTS};
use seal_envelope::KeyId;
use seal_manifest::{Location, Node, Reading, Stream};
use seal_sealing::key_hints;
use serde_json::Value;

use super::{
    RotationError,
    aim::{Aim, Header},
};
use crate::{
    cluster::ServiceName,
    error::{Error, Errors},
    input::{Source, is_template, place_of},
    naming::{Naming, called, expect_named},
    output::Batch,
    room::{expect_room, put},
};

/// What a file is to be sealed for.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Whom its values shall be sealed for.
    pub(super) aim: Aim,
    /// Whether age values may lose recipients: where it has been said for whom they shall be sealed.
    pub(super) may_drop: bool,
    /// The controller that is asked: the context of the kubeconfig, and its Service.
    pub(super) controller: (Option<String>, ServiceName),
}

/// A file that speaks of SealedSecrets.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// What `.seal.yaml` leaves open is wrong only if there is a SealedSecret in the file.
    pub(super) target: Result<Target, Error>,
}

/// A file with its SealedSecrets.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    stream: Arc<Stream>,
    pub(super) objects: Vec<Object<'a>>,
}

/// A SealedSecret.
#[derive(Debug)]
pub(super) struct Object<'a> {
    /// The file in which it stands: where exactly what stands, only errors need to know.
    stream: Arc<Stream>,
    /// The document in which it stands, and its place among that document's objects.
    place: (usize, usize),
    pub(super) at: Location,
    /// As it stands in the file, with its namespace.
    pub(super) json: Value,
    pub(super) sealed: SealedSecret,
    /// The keys of which its hint speaks.
    pub(super) hints: BTreeSet<KeyId>,
    /// The keys of which it shall speak.
    pub(super) wanted: BTreeSet<KeyId>,
    /// Whether its envelopes are of the right kind, and for as many as they shall be.
    fits: bool,
    pub(super) target: &'a Target,
}

/// What reading a file comes to.
pub(super) enum Read<'a> {
    File(File<'a>),
    /// Holds template actions, and is no YAML.
    Template,
}

/// What became of the values of an object: nothing, where there is nothing new.
#[derive(Debug, Default)]
pub(super) struct Resealed {
    /// The new values by item.
    pub(super) texts: BTreeMap<String, String>,
    /// How many values were under which other key, as far as that is known.
    pub(super) from: BTreeMap<Option<KeyId>, usize>,
}

impl Candidate {
    /// Reads the file.
    pub(super) fn read(&self, namespace: Option<&str>) -> Result<Read<'_>, Errors> {
        let source = Source::File(self.path.clone());
        let bytes = source.read()?;
        let stream = match Stream::parse(&source.to_string(), bytes.as_slice(), Reading::Strict) {
            Ok(stream) => stream,
            Err(_) if is_template(&bytes) => return Ok(Read::Template),
            Err(error) => return Err(error.into()),
        };
        let stream = Arc::new(stream);
        let mut objects = Vec::new();
        let mut errors = Errors::default();
        for (document, found) in stream.documents().iter().enumerate() {
            for (index, node) in found.objects()?.iter().enumerate() {
                if is_sealed(node) {
                    let object = self.object(&stream, (document, index), node, namespace);
                    errors.take(object, &mut objects);
                }
            }
        }
        errors.or(Read::File(File {
            path: &self.path,
            stream,
            objects,
        }))
    }

    fn object(
        &self,
        stream: &Arc<Stream>,
        place: (usize, usize),
        node: &Node<'_>,
        namespace: Option<&str>,
    ) -> Result<Object<'_>, Errors> {
        let target = match &self.target {
            Ok(target) => target,
            Err(Error::Unassigned { file, config }) => {
                let (file, config) = (file.clone(), config.clone());
                return Err(Error::Unassigned { file, config }.into());
            }
            Err(_) => return Err(Error::NoCertificate.into()),
        };
        let at = node.location();
        let mut json = node.to_json()?;
        let mut sealed = SealedSecret::decode(json.clone()).map_err(|error| {
            let at = at.clone();
            Error::SealedSecret { at, error }
        })?;
        let naming = Naming {
            name: None,
            namespace,
        };
        naming.apply(&mut sealed.metadata, node)?;
        if let (Some(namespace), Some(metadata)) = (
            &sealed.metadata.namespace,
            json.get_mut("metadata").and_then(Value::as_object_mut),
        ) {
            metadata.insert("namespace".into(), namespace.as_str().into());
        }
        if sealed.spec.data.is_some() && !sealed.spec.encrypted_data.is_empty() {
            return Err(Error::from(RotationError::TwoKinds { at }).into());
        }
        let spec = &sealed.spec;
        let texts = spec.encrypted_data.values().chain(&spec.data);
        let headers: Vec<_> = texts.map(|text| Header::of(text)).collect();
        Ok(Object {
            stream: Arc::clone(stream),
            place,
            at,
            json,
            hints: key_hints(&sealed.metadata).into_iter().collect(),
            wanted: target.aim.ids(&headers),
            fits: headers.iter().all(|header| target.aim.fits(*header)),
            sealed,
            target,
        })
    }
}

impl Object<'_> {
    /// Its values by item; the deprecated blob is the item `data`.
    pub(super) fn values(&self) -> Vec<(&str, &str)> {
        let spec = &self.sealed.spec;
        let items = spec.encrypted_data.iter();
        let items = items.map(|(item, text)| (item.as_str(), text.as_str()));
        items
            .chain(spec.data.as_deref().map(|text| ("data", text)))
            .collect()
    }

    /// Makes sure that it has what its values are bound to. Only what is opened needs it: a base of
    /// kustomize, say, may have no namespace.
    ///
    /// # Errors
    /// [`Error::NameMissing`], [`Error::NamespaceMissing`].
    pub(super) fn expect_named(&self) -> Result<(), Error> {
        let (metadata, scope) = (&self.sealed.metadata, self.sealed.scope());
        let is_enough = match scope {
            Scope::Strict => false,
            Scope::NamespaceWide => metadata.namespace.is_some(),
            Scope::ClusterWide => true,
        };
        match self.node().filter(|_| !is_enough) {
            Some(node) => expect_named(metadata, scope, &node),
            None => Ok(()),
        }
    }

    /// Where a value stands in the file.
    pub(super) fn at_value(&self, item: &str) -> Location {
        let place = |node| place_of(&node, &self.path_of(item));
        self.node().map_or_else(|| self.at.clone(), place)
    }

    fn node(&self) -> Option<Node<'_>> {
        let (document, place) = self.place;
        let document = self.stream.documents().get(document)?;
        document.objects().ok()?.get(place).copied()
    }

    /// The fields that lead to a value.
    pub(super) fn path_of<'p>(&self, item: &'p str) -> Vec<&'p str> {
        match self.sealed.spec.data {
            Some(_) => vec!["spec", "data"],
            None => vec!["spec", "encryptedData", item],
        }
    }

    /// Whether its hint says that every value is sealed for whom it shall be, and no envelope
    /// contradicts.
    pub(super) fn is_settled(&self) -> bool {
        self.hints == self.wanted && self.fits
    }

    /// Whether its hint is wrong or missing once all its values are sealed for whom they shall be.
    pub(super) fn changes_hint(&self) -> bool {
        self.hints != self.wanted && !self.values().is_empty()
    }

    fn wanted_hint(&self) -> String {
        let keys: Vec<_> = self.wanted.iter().map(KeyId::as_str).collect();
        keys.join(",")
    }

    /// More recipients may make it too large for the API server.
    fn expect_room(&self, resealed: &Resealed) -> Result<(), Error> {
        let mut after = self.json.clone();
        for (item, text) in &resealed.texts {
            put(&mut after, &self.path_of(item), text);
        }
        if self.changes_hint() {
            put(
                &mut after,
                &["metadata", "annotations", KEY_HINTS],
                &self.wanted_hint(),
            );
        }
        expect_room(&after, &self.at.to_string())
    }

    pub(super) fn called(&self) -> String {
        called(&self.sealed.metadata)
    }
}

impl File<'_> {
    /// Writes the file, if anything in it is new: the values, and the hints of their objects.
    /// `resealed` has the place of an object among the file's, and what became of it.
    ///
    /// # Errors
    /// [`RotationError::Edit`], [`Error::Output`]. Then it stays as it is.
    pub(super) fn write(&self, resealed: &[(usize, Resealed)]) -> Result<(), Error> {
        let mut edits = self.stream.edit();
        for (index, resealed) in resealed {
            let Some(object) = self.objects.get(*index) else {
                continue;
            };
            let (document, place) = object.place;
            let Some(document) = self.stream.documents().get(document) else {
                continue;
            };
            let nodes = document.objects()?;
            let Some(node) = nodes.get(place) else {
                continue;
            };
            object.expect_room(resealed)?;
            let edit = |error| Error::from(RotationError::Edit(error));
            for (item, text) in &resealed.texts {
                edits
                    .set(*node, &object.path_of(item), text)
                    .map_err(edit)?;
            }
            if object.changes_hint() {
                let hint = object
                    .wanted
                    .iter()
                    .map(KeyId::as_str)
                    .collect::<Vec<_>>()
                    .join(",");
                let path = ["metadata", "annotations", KEY_HINTS];
                edits.set(*node, &path, &hint).map_err(edit)?;
            }
        }
        if edits.is_empty() {
            return Ok(());
        }
        let edited = edits.apply().map_err(RotationError::from)?;
        let mut batch = Batch::default();
        let read = self.stream.text().as_bytes();
        batch.add_edited(self.path, read, edited.text().as_bytes())?;
        batch.commit()
    }
}

fn is_sealed(node: &Node<'_>) -> bool {
    node.is_mapping() && node.kind().as_deref() == Some("SealedSecret")
}
