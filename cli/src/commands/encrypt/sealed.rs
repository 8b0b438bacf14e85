//! Sealing what was read, and writing it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use seal_envelope::Recipients;
use seal_manifest::{Document, Edited, EmitError, Format as Notation, Stream};
use seal_sealing::seal;

use super::{Destination, Manifest, Plain, Task, manifest::Part};
use crate::{
    editing::EditingError,
    error::{Error, Errors},
    output::{self, Batch, Directories, Format, Privacy},
    progress,
    recipients::Sealing,
    report,
    room::expect_room,
};

/// A Secret to be sealed, and how.
struct Item<'a> {
    plain: &'a Plain,
    recipients: Recipients,
    format: Format,
}

/// Seals everything, on all cores. For each manifest: what is to be written in its place, or for it.
///
/// # Errors
/// A certificate or recipients that cannot be had, which is wrong for all that a rule is for.
pub(super) fn texts(
    manifests: &[(Task, Manifest)],
    sealing: &mut Sealing<'_>,
    format: Option<Format>,
    destination: &Destination,
) -> Result<Vec<Result<Text, Errors>>, Errors> {
    let mut items = Vec::new();
    for (task, manifest) in manifests {
        let recipients = sealing.recipients(&task.settings)?;
        for part in &manifest.parts {
            let format = match (destination, part.notation) {
                (Destination::InPlace, Notation::Json) => Format::Json,
                (Destination::InPlace, Notation::Yaml) => Format::Yaml,
                _ => Format::choose(format, task.output.as_deref()),
            };
            items.extend(part.secrets.iter().map(|plain| Item {
                plain,
                recipients: recipients.clone(),
                format,
            }));
        }
    }
    let mut sealed = progress::map("sealing", &items, Item::seal).into_iter();
    let manifests = manifests.iter();
    let texts = manifests.map(|(_, manifest)| {
        let mut errors = Errors::default();
        let objects = sealed.by_ref().take(manifest.objects());
        let objects: Vec<_> = objects.filter_map(|object| errors.ok(object)).collect();
        let objects = errors.or(objects)?;
        match &manifest.stream {
            Some(stream) => Ok(Text::Edited(replaced(stream, &manifest.parts, objects)?)),
            None => Ok(Text::New(objects.concat())),
        }
    });
    Ok(texts.collect())
}

/// What came of a manifest.
pub(super) enum Text {
    /// The SealedSecrets alone.
    New(String),
    /// What else the file holds, too, which may be meant for nobody else: it is wiped.
    Edited(Edited),
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::New(text) => text,
            Self::Edited(edited) => edited.text(),
        }
    }
}

/// A manifest that was sealed, and what came of it.
pub(super) type Sealed<'a> = (&'a Task, &'a Manifest, Text);

/// Writes what was sealed, all of it or nothing.
///
/// # Errors
/// What keeps it from being written; then nothing was.
pub(super) fn write(sealed: &[Sealed<'_>], destination: &Destination) -> Result<(), Error> {
    if *destination == Destination::InPlace {
        return replace(sealed);
    }
    let mut outputs: BTreeMap<&Option<PathBuf>, String> = BTreeMap::new();
    for (task, _, text) in sealed {
        outputs
            .entry(&task.output)
            .or_default()
            .push_str(text.as_str());
    }
    create(outputs, matches!(destination, Destination::Directory(_)))
}

impl Item<'_> {
    fn seal(&self) -> Result<String, Error> {
        let sealed = seal(&self.plain.secret, &self.recipients);
        let sealed = sealed.map_err(|error| Error::Seal {
            at: self.plain.at.clone(),
            error,
        })?;
        let json = serde_json::to_value(&sealed).map_err(|_| EmitError::NotSerializable)?;
        expect_room(&json, &self.plain.at)?;
        Ok(self.format.write(&[sealed])?.to_string())
    }
}

fn create(
    outputs: BTreeMap<&Option<PathBuf>, String>,
    makes_directories: bool,
) -> Result<(), Error> {
    let mut directories = Directories::default();
    let mut batch = Batch::default();
    let mut printed = None;
    for (output, text) in outputs {
        match output {
            Some(file) => {
                if makes_directories {
                    directories.make_for(file)?;
                }
                batch.add(file, text.as_bytes(), Privacy::Public)?;
            }
            None => printed = Some(text),
        }
    }
    batch.commit()?;
    directories.keep();
    match printed {
        Some(text) => output::print(text.as_bytes()),
        None => Ok(()),
    }
}

/// Every Secret by its SealedSecret; all else stays.
fn replaced(stream: &Stream, parts: &[Part], objects: Vec<String>) -> Result<Edited, EditingError> {
    let mut objects = objects.into_iter();
    let parts = parts.iter();
    let new: BTreeMap<usize, String> = parts
        .map(|part| {
            let objects = objects.by_ref().take(part.secrets.len());
            (part.document, objects.collect())
        })
        .collect();
    let new = new.iter().map(|(index, text)| (*index, text.as_str()));
    Ok(stream.replace(&new.collect())?)
}

/// Files that nobody has changed meanwhile.
fn replace(sealed: &[Sealed<'_>]) -> Result<(), Error> {
    let mut batch = Batch::default();
    for (task, manifest, text) in sealed {
        if let (Some(stream), Some(file)) = (&manifest.stream, &task.output) {
            batch.add_edited(file, stream.text().as_bytes(), text.as_str().as_bytes())?;
        }
    }
    batch.commit()?;
    for (task, manifest, _) in sealed {
        if let Some(file) = &task.output {
            tell_comments(file, manifest);
        }
    }
    Ok(())
}

/// Comments that stay may hold an older value.
fn tell_comments(file: &Path, manifest: &Manifest) {
    let documents = manifest.stream.as_ref().map_or(&[][..], Stream::documents);
    let mut sealed = manifest.parts.iter().map(|part| part.document);
    let stays = |index| {
        documents
            .get(index)
            .is_some_and(Document::has_comment_behind)
    };
    if sealed.any(stays) {
        report::note(&format_args!(
            "{}: comments that begin in the first column stay, those behind a Secret, too",
            file.display()
        ));
    }
}
