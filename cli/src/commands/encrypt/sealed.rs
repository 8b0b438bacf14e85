//! Sealing what was read, and writing it.

use std::{collections::BTreeMap, ops::Range, path::PathBuf};

use seal_envelope::Recipients;
use seal_manifest::{EmitError, Format as Notation};
use seal_sealing::seal;

use super::{Destination, Manifest, Plain, Task};
use crate::{
    error::{Error, Errors},
    output::{self, Batch, Directories, Format, Privacy},
    parallel,
    progress::Progress,
    recipients::Sealing,
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
        let before = stream.text();
        let mut after = String::new();
        let mut done = 0;
        for part in &manifest.parts {
            let sealed: String = texts.by_ref().take(part.secrets.len()).collect();
            after.push_str(before.get(done..part.span.start).unwrap_or_default());
            after.push_str(&spliced(before, &part.span, &sealed));
            done = part.span.end;
        }
        after.push_str(before.get(done..).unwrap_or_default());
        batch.add_edited(file, before.as_bytes(), after.as_bytes())?;
    }
    batch.commit()
}

/// What stands in the place of an object: without the marker before the first document, and with a
/// line of its own where YAML wants one.
fn spliced(text: &str, span: &Range<usize>, sealed: &str) -> String {
    let before = text.get(..span.start).unwrap_or_default();
    let after = text.get(span.end..).unwrap_or_default();
    let sealed = sealed.strip_prefix("---\n").unwrap_or(sealed).trim_end();
    let is_yaml = !sealed.starts_with('{');
    let on_a_line = before.is_empty() || before.ends_with(['\n', '\u{feff}']);
    let mut spliced = String::new();
    if is_yaml && !on_a_line {
        spliced.push('\n');
    }
    spliced.push_str(sealed);
    // The object ended with its line, as one does whose last value is a block scalar.
    if after.is_empty() || text.get(..span.end).is_some_and(|it| it.ends_with('\n')) {
        spliced.push('\n');
    }
    match text.contains("\r\n") {
        true => spliced.replace('\n', "\r\n"),
        false => spliced,
    }
}
