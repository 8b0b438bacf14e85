//! `--merge-into`: items of a Secret into a sealed file.

use std::{collections::BTreeSet, fs::OpenOptions, path::Path};

use jiff::Timestamp;
use seal_envelope::KeyId;
use seal_manifest::{Edited, Reading, Stream};
use serde_json::{Map, Value};

use super::{
    certificate,
    failure::{Failure, Outcome},
    flags::Flags,
    input::{Input, read_file},
    json::Format,
    seal::Sealing,
    sealed,
};
use crate::{editing::Hint, output::Batch};

/// Seals the one Secret of the input in the name and the namespace of the file, and writes its items
/// there.
///
/// # Errors
/// When anything is wrong with either; then the file is as it was.
pub fn run(flags: &Flags, path: &str, input: &mut Input) -> Outcome<()> {
    let certificate = certificate::parse(&certificate::load(flags)?, Timestamp::now())?;
    let file = OpenOptions::new().read(true).write(true).open(path);
    drop(file.map_err(|error| Failure::of_path("open", path, &error))?);
    let bytes = read_file(path)?;
    let mut originals = sealed::decode(path, &bytes)?;
    let original = originals.swap_remove(0);
    if !originals.is_empty() {
        return Err(Failure::new(format!(
            "{path}: holds several documents, and --merge-into would have to guess which one is \
             meant; split the file"
        )));
    }
    let name = original.sealed.metadata.name.as_deref().unwrap_or_default();
    let namespace = original.sealed.metadata.namespace.as_deref();
    let sealing = Sealing {
        flags,
        recipient: certificate.recipients(),
        name,
        namespace: namespace.unwrap_or_default(),
    };
    let updates = input.secrets()?;
    let sealed: Vec<Value> = updates
        .into_iter()
        .map(|found| sealing.seal(found))
        .collect::<Outcome<_>>()?;
    let format = Format::parse(&flags.format)?;
    let update = only(sealed, format)?;
    let hint = hint(&original, &update, &certificate.recipients().ids());
    let edited = edited(path, &bytes, &update, &hint)?;
    // Links and permissions stay, and nobody ever sees half of it.
    let mut batch = Batch::default();
    batch.add_edited(Path::new(path), &bytes, edited.text().as_bytes())?;
    Ok(batch.commit()?)
}

/// Upstream decodes what it has just written as one object; a second document disturbs it as JSON
/// and is lost as YAML.
fn only(mut sealed: Vec<Value>, format: Format) -> Outcome<Value> {
    let first = sealed.swap_remove(0);
    match (sealed.is_empty(), format) {
        (true, _) => Ok(first),
        (false, Format::Json) => Err(Failure::new(
            "couldn't get version/kind; json parse error: invalid character '{' after top-level \
             value",
        )),
        (false, Format::Yaml) => Err(Failure::new(
            "the input holds several Secrets, and --merge-into takes one",
        )),
    }
}

/// A file that says which keys its values are sealed with goes on saying it, or `seal rotate` would
/// take the new values for something that they are not. Upstream knows no hints and leaves them as they
/// were; no file that it has made has one.
fn hint(original: &sealed::Found, update: &Value, key: &BTreeSet<KeyId>) -> Hint {
    let updated = update.pointer("/spec/encryptedData");
    let updated = updated.and_then(Value::as_object);
    let sealed = &original.sealed;
    if !Hint::is_on(&sealed.metadata) || updated.is_none_or(Map::is_empty) {
        return Hint::Stays;
    }
    let is_updated = |item: &String| updated.is_some_and(|it| it.contains_key(item));
    let others_stay =
        sealed.spec.data.is_some() || !sealed.spec.encrypted_data.keys().all(is_updated);
    Hint::of(&sealed.metadata, key, others_stay)
}

/// Where a sealed file has what `--merge-into` changes.
const MERGED: [&[&str]; 4] = [
    &["spec", "encryptedData"],
    &["spec", "template", "metadata", "annotations"],
    &["spec", "template", "metadata", "labels"],
    &["spec", "template", "data"],
];

/// The file with the texts of the update in their places. Upstream writes the whole file anew, in the
/// format of `-o`, and loses comments, order and quoting.
fn edited(path: &str, bytes: &[u8], update: &Value, hint: &Hint) -> Outcome<Edited> {
    let stream = Stream::parse(path, bytes.to_vec(), Reading::Kubernetes)?;
    let mut edits = stream.edit();
    for document in stream.documents() {
        for path in MERGED {
            let found = path.iter().try_fold(update, |value, name| value.get(name));
            for (key, value) in found.and_then(Value::as_object).into_iter().flatten() {
                let place = [path, &[key.as_str()]].concat();
                let text = value.as_str().unwrap_or_default();
                edits.set(document.root(), &place, text)?;
            }
        }
        hint.write(&mut edits, document.root())?;
    }
    Ok(edits.apply()?)
}
