//! `--re-encrypt`: the controller seals again with its newest key.

use seal_api::annotations::KEY_HINTS;
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

/// Sends every document to the controller and writes what comes back.
///
/// # Errors
/// When the controller cannot open one, or cannot be asked.
pub fn run(flags: &Flags, input: &mut Input, out: &mut Zeroizing<String>) -> Outcome<()> {
    let controller = Controller::find(&flags.cluster)?;
    let name = input.name();
    let objects = sealed::stream(&name, input.read()?)?;
    if objects.is_empty() && !flags.output_file.is_empty() {
        return Err(Failure::new(format!("{name}: holds no SealedSecret")));
    }
    for object in objects {
        sealed::expect_sealed(&object)
            .map_err(|why| Failure::new(format!("cannot re-encrypt secret: {why}")))?;
        let answer = controller
            .post("/v1/rotate", object.to_string().into_bytes())
            .map_err(|error| Failure::new(format!("cannot re-encrypt secret: {error}")))?;
        let text = match answer {
            Answer::Text(text) => text,
            Answer::Refused(409, _) => return Err(Failure::new("unable to rotate secret")),
            Answer::Refused(status, message) => {
                let why = refusal(&controller, status, &message);
                return Err(Failure::new(format!("cannot re-encrypt secret: {why}")));
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
        out.push_str(&format.write(&Ordered::object(&sealed))?);
    }
    Ok(())
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
    let called = controller.called();
    match (status, message) {
        (500, body) => format!(
            "an error on the server ({body:?}) has prevented the request from succeeding (post \
             services {called})"
        ),
        (_, message) => message.to_owned(),
    }
}
