//! Sealing what was read, and writing it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use seal_envelope::Recipients;
use seal_manifest::{Document, EmitError, Format as Notation, Stream};
use seal_sealing::seal;

use super::{Destination, Manifest, Plain, Task};
use crate::{
    editing::EditingError,
    error::{Error, Errors},
    output::{self, Batch, Directories, Format, Privacy},
    parallel,
    progress::Progress,
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

/// Seals everything, on all cores, and only then writes.
///
/// # Errors
/// What keeps it from being sealed or written; then nothing was written.
pub(super) fn write(
    manifests: &[(Task, Manifest)],
    sealing: &mut Sealing<'_>,
    format: Option<Format>,
    destination: &Destination,
) -> Result<(), Errors> {
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
    let progress = Progress::new("sealing", items.len());
    let texts = parallel::map(&items, |item| {
        let text = item.seal();
        progress.step();
        text
    });
    drop(progress);
    let mut texts = texts
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .into_iter();
    if *destination == Destination::InPlace {
        return Ok(replace(manifests, &mut texts)?);
    }
    let mut outputs: BTreeMap<&Option<PathBuf>, String> = BTreeMap::new();
    for (task, manifest) in manifests {
        let output = outputs.entry(&task.output).or_default();
        output.extend(texts.by_ref().take(manifest.objects()));
    }
    let makes_directories = matches!(destination, Destination::Directory(_));
    Ok(create(outputs, makes_directories)?)
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

/// Every Secret by its SealedSecret, in files that nobody has changed meanwhile.
fn replace(
    manifests: &[(Task, Manifest)],
    texts: &mut impl Iterator<Item = String>,
) -> Result<(), Error> {
    let mut batch = Batch::default();
    for (task, manifest) in manifests {
        let (Some(stream), Some(file)) = (&manifest.stream, &task.output) else {
            continue;
        };
        let parts = manifest.parts.iter();
        let new: BTreeMap<usize, String> = parts
            .map(|part| {
                let texts = texts.by_ref().take(part.secrets.len());
                (part.document, texts.collect())
            })
            .collect();
        let new = new.iter().map(|(index, text)| (*index, text.as_str()));
        let sealed = stream.replace(&new.collect()).map_err(EditingError::from)?;
        batch.add_edited(file, stream.text().as_bytes(), sealed.text().as_bytes())?;
    }
    batch.commit()?;
    for (task, manifest) in manifests {
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
