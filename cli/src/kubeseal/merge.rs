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
        recipient: certificate.recipient(),
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
    let merged = merge(original, update)?;
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

fn merge(original: Found, update: Value) -> Outcome<Value> {
    let mut merged = original.value;
    let object = |value: &mut Value, name: &str| -> Outcome<()> {
        match value.get(name) {
            Some(Value::Object(_)) => Ok(()),
            None | Some(Value::Null) => {
                value[name] = Value::Object(Map::new());
                Ok(())
            }
            Some(_) => Err(Failure::new(format!(
                "{name} of the sealed file is no mapping"
            ))),
        }
    };
    for (path, field) in [
        ("/spec", "encryptedData"),
        ("/spec/template/metadata", "annotations"),
        ("/spec/template/metadata", "labels"),
        ("/spec/template", "data"),
    ] {
        let mut target = &mut merged;
        for part in path.split('/').skip(1) {
            object(target, part)?;
            target = &mut target[part];
        }
        let Some(Value::Object(new)) = update.pointer(&format!("{path}/{field}")) else {
            continue;
        };
        if new.is_empty() {
            continue;
        }
        object(target, field)?;
        if let Value::Object(fields) = &mut target[field] {
            fields.extend(new.clone());
        }
    }
    without_empty(merged.get_mut("metadata"));
    without_empty(merged.pointer_mut("/spec/template/metadata"));
    Ok(merged)
}

fn without_empty(metadata: Option<&mut Value>) {
    if let Some(Value::Object(fields)) = metadata {
        fields.retain(|_, value| !json::is_empty(value));
    }
}
