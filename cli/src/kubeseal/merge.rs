//! `--merge-into`: items of a Secret into a sealed file.

use std::{fs::OpenOptions, path::Path};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    certificate,
    failure::{Failure, Outcome},
    flags::Flags,
    input::{Input, read_file},
    json::{self, Format, Ordered},
    seal::Sealing,
    sealed::{self, Found},
};
use crate::output::{self, Privacy};

/// Seals the one Secret of the input in the name and the namespace of the file, and writes its items
/// there.
///
/// # Errors
/// When anything is wrong with either; then the file is as it was.
pub fn run(flags: &Flags, path: &str, input: &mut Input) -> Outcome<()> {
    let certificate = certificate::parse(&certificate::load(flags)?, Timestamp::now())?;
    let file = OpenOptions::new().read(true).write(true).open(path);
    drop(file.map_err(|error| Failure::of_path("open", path, &error))?);
    let mut originals = sealed::decode(path, &read_file(path)?)?;
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
    let merged = merge(original, &update)?;
    let text = format.write(&Ordered::object(&merged))?;
    // Links and permissions stay, and nobody ever sees half of it.
    Ok(output::write(
        Some(Path::new(path)),
        text.as_bytes(),
        Privacy::Public,
    )?)
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

/// Where a sealed file has what `--merge-into` changes.
const MERGED: [&[&str]; 4] = [
    &["spec", "encryptedData"],
    &["spec", "template", "metadata", "annotations"],
    &["spec", "template", "metadata", "labels"],
    &["spec", "template", "data"],
];

fn merge(original: Found, update: &Value) -> Outcome<Value> {
    let mut merged = original.value;
    // Upstream writes the template of a file that has none.
    mapping(&mut merged, &["spec", "template", "metadata"])?;
    for path in MERGED {
        let found = path.iter().try_fold(update, |value, name| value.get(name));
        if let Some(Value::Object(new)) = found.filter(|value| !json::is_empty(value)) {
            mapping(&mut merged, path)?.extend(new.clone());
        }
    }
    for path in [&["metadata"][..], &["spec", "template", "metadata"]] {
        mapping(&mut merged, path)?.retain(|_, value| !json::is_empty(value));
    }
    Ok(merged)
}

/// The mapping at a path, made where there is none.
fn mapping<'a>(value: &'a mut Value, path: &[&str]) -> Outcome<&'a mut Map<String, Value>> {
    let refused = |name: &str| Failure::new(format!("{name} of the sealed file is no mapping"));
    let fill = |value: &mut Value| {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
    };
    let mut at = value;
    for name in path {
        let fields = at.as_object_mut().ok_or_else(|| refused(name))?;
        at = fields.entry(*name).or_insert(Value::Null);
        fill(at);
    }
    at.as_object_mut()
        .ok_or_else(|| refused(path.last().unwrap_or(&"")))
}
