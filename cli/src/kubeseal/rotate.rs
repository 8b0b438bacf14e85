//! `--re-encrypt`: the controller seals again with its newest key.

use std::fmt;

use seal_api::annotations::KEY_HINTS;
use seal_manifest::{Document, Edited, Reading, Stream};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    cluster::{Answer, Controller},
    failure::{Failure, Outcome},
    flags::Flags,
    input::Input,
    json::{self, Format, Ordered},
    sealed,
};
use crate::editing::Hint;

/// Sends every document to the controller and writes what comes back.
///
/// # Errors
/// When the controller cannot open one, or cannot be asked.
pub fn run(flags: &Flags, input: &mut Input, out: &mut Zeroizing<String>) -> Outcome<()> {
    let controller = Controller::find(&flags.cluster)?;
    let name = input.name();
    let bytes = input.read()?;
    let objects = sealed::stream(&name, bytes.clone())?;
    let in_place = !flags.output_file.is_empty() && flags.output_file == flags.input_file;
    let mut again = Vec::new();
    if objects.is_empty() && !flags.output_file.is_empty() {
        return Err(Failure::new(format!("{name}: holds no SealedSecret")));
    }
    for object in objects {
        let failed =
            |why: &dyn fmt::Display| Failure::new(format!("cannot re-encrypt secret: {why}"));
        if !sealed::is_sealed(&object) {
            return Err(failed(&unreasoned(&controller)));
        }
        let answer = controller
            .post("/v1/rotate", object.to_string().into_bytes())
            .map_err(|error| failed(&error))?;
        let text = match answer {
            Answer::Text(text) => text,
            Answer::Refused(409, _) => return Err(Failure::new("unable to rotate secret")),
            Answer::Refused(status, message) => {
                return Err(failed(&refusal(&controller, status, &message)));
            }
        };
        let mut sealed: Value = serde_json::from_str(&text)
            .map_err(|_| Failure::new("the answer of the controller is no JSON"))?;
        if let Some(Value::Object(metadata)) = sealed.get_mut("metadata") {
            for field in ["creationTimestamp", "deletionTimestamp", "generation"] {
                metadata.remove(field);
            }
        }
        if !has_hint(&object) {
            remove_hint(&mut sealed);
        }
        let format = Format::parse(&flags.format)?;
        if in_place {
            again.push((object, sealed));
        } else {
            out.push_str(&format.write(&Ordered::object(&sealed))?);
        }
    }
    if in_place {
        out.push_str(edited(&name, &bytes, &again)?.text());
    }
    Ok(())
}

/// The file with the new values in the places of the old ones. Upstream writes it anew. A hint that
/// the answer does not have goes: upstream's controller knows none, and has sealed every value again.
fn edited(name: &str, bytes: &[u8], again: &[(Value, Value)]) -> Outcome<Edited> {
    let stream = Stream::parse(name, bytes.to_vec(), Reading::Kubernetes)?;
    let mut edits = stream.edit();
    let roots = stream.documents().iter().map(Document::root);
    let objects = roots.filter(|root| root.to_json().is_ok_and(|it| sealed::holds_any(&it)));
    for (root, (old, new)) in objects.zip(again) {
        for place in [
            &["spec", "encryptedData"][..],
            &["spec"],
            &["metadata", "annotations"],
        ] {
            let at = |object| {
                place
                    .iter()
                    .try_fold(object, |it: &Value, name| it.get(name))
            };
            let texts = at(new).and_then(Value::as_object).into_iter().flatten();
            for (key, text) in texts {
                let before = at(old).and_then(|it| it.get(key));
                if let Some(text) = text.as_str().filter(|_| before != Some(text)) {
                    edits.set(root, &[place, &[key.as_str()]].concat(), text)?;
                }
            }
        }
        if has_hint(old) && !has_hint(new) {
            Hint::Goes.write(&mut edits, root)?;
        }
    }
    Ok(edits.apply()?)
}

fn has_hint(object: &Value) -> bool {
    object
        .pointer("/metadata/annotations")
        .is_some_and(|annotations| annotations.get(KEY_HINTS).is_some())
}

/// Our controller tells which key it sealed with. Whoever calls kubeseal gets what kubeseal writes.
fn remove_hint(object: &mut Value) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove(KEY_HINTS);
    }
    if metadata.get("annotations").is_some_and(json::is_empty) {
        metadata.remove("annotations");
    }
}

/// Why the controller did not do it, as client-go tells it.
#[must_use]
pub fn refusal(controller: &Controller<'_>, status: u16, message: &str) -> String {
    match status {
        // The API server speaks for itself.
        500 if message.starts_with("Internal error occurred: ") => message.to_owned(),
        500 => server_error(message.trim(), &controller.called()),
        _ => message.to_owned(),
    }
}

/// What client-go makes of upstream's controller, which gives no reason for status 500. It takes
/// single SealedSecrets alone, and answers so to anything else, while ours takes lists as well.
#[must_use]
pub fn unreasoned(controller: &Controller<'_>) -> String {
    server_error("", &controller.called())
}

fn server_error(why: &str, called: &str) -> String {
    format!(
        "an error on the server ({why:?}) has prevented the request from succeeding (post services {called})"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hint_goes_with_the_values_that_it_spoke_of_where_the_answer_has_none() {
        let before = "kind: SealedSecret # ours\nmetadata:\n  name: db\n  annotations:\n    \
                      seal.alt/keys: SHA256:a\nspec:\n  encryptedData:\n    a: old\n";
        let object = |annotations: Value, value: &str| {
            let metadata = json!({ "name": "db", "annotations": annotations });
            let spec = json!({ "encryptedData": { "a": value } });
            json!({ "kind": "SealedSecret", "metadata": metadata, "spec": spec })
        };
        let hint = |key: &str| json!({ KEY_HINTS: key });
        let after = |annotations: Value| {
            let again = [(object(hint("SHA256:a"), "old"), object(annotations, "new"))];
            let edited = edited("a.yaml", before.as_bytes(), &again).unwrap();
            edited.text().to_owned()
        };
        let values = before.replace("old", "new");
        let ours = after(hint("SHA256:b"));
        assert_eq!(ours, values.replace("SHA256:a", "SHA256:b"));
        let upstreams = after(json!({}));
        let annotations = "  annotations:\n    seal.alt/keys: SHA256:a\n";
        assert_eq!(upstreams, values.replace(annotations, ""));
    }
}
