//! `--validate`: can the controller open it?

use std::fmt;

use super::{
    cluster::{Answer, Controller},
    failure::{Failure, Outcome},
    flags::Flags,
    input::Input,
    rotate::{refusal, unreasoned},
    sealed,
};

/// Asks for every document.
///
/// # Errors
/// When the controller cannot open one, or cannot be asked.
pub fn run(flags: &Flags, input: &mut Input) -> Outcome<()> {
    let controller = Controller::find(&flags.cluster)?;
    let name = input.name();
    let objects = sealed::stream(&name, input.read()?)?;
    if objects.is_empty() {
        return Err(Failure::new(format!("{name}: holds no SealedSecret")));
    }
    for object in objects {
        let failed =
            |why: &dyn fmt::Display| Failure::new(format!("cannot validate sealed secret: {why}"));
        if !sealed::is_sealed(&object) {
            return Err(failed(&unreasoned(&controller)));
        }
        let called = object.pointer("/metadata/name").and_then(|it| it.as_str());
        match controller.post("/v1/verify", object.to_string().into_bytes()) {
            Ok(Answer::Text(_)) => {}
            Ok(Answer::Refused(409, _)) => {
                let called = called.unwrap_or_default();
                return Err(Failure::new(format!(
                    "unable to decrypt sealed secret: {called}"
                )));
            }
            Ok(Answer::Refused(status, message)) => {
                return Err(failed(&refusal(&controller, status, &message)));
            }
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(())
}
