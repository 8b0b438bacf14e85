//! `seal keys rotate`: a new key that seals from then on.

use std::{io::Write, time::Duration};

use clap::{Args, ValueEnum};
use seal_envelope::Kind;
use seal_keyring::requests::{Request, RequestOutcome};

use super::report::{NewKeyReport, NewKeyState};
use crate::{
    cluster::{Connection, Controller, keys::KeyDesk, parse_timeout, with_client},
    error::{Error, Errors},
    output::ReportFormat,
    report,
};

/// Asks the controller for a new key, and waits until it seals.
///
/// The old keys go on opening what was sealed with them; nothing has to be sealed again. It takes
/// the rights of a key administrator (the Role seal-key-admin), who can neither read a key nor
/// replace the published certificate. The controller makes a few keys an hour on request; requests
/// that are made at the same time get the same one.
///
/// Each kind of keys has one that seals: another one of the other kind changes nothing about it. Age
/// keys are made where the controller is told to (--age-keys).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Rotate {
    /// Which kind of key
    #[arg(long, value_name = "KIND", default_value = "rsa")]
    kind: NewKey,

    /// Names the request: however often it is made, it leads to one key. Random when absent
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    request_id: Option<String>,

    /// How long to wait for the new key (such as 30s or 5m); 0 is for ever
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_timeout)]
    timeout: Duration,

    /// How to tell
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = "\
Examples:
  seal keys rotate
  seal keys rotate --request-id 2026-q3 --output json
  seal keys fetch -w cert.pem    # the new certificate
  seal keys rotate --kind age

Exit status: 0 the new key is there, 2 it is not.";

/// What key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NewKey {
    /// An RSA key with a certificate, with which kubeseal seals, too.
    Rsa,
    /// An age key.
    Age,
}

impl From<NewKey> for Kind {
    fn from(key: NewKey) -> Self {
        match key {
            NewKey::Rsa => Self::Hybrid,
            NewKey::Age => Self::Age,
        }
    }
}

impl Rotate {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way, or that the controller refused.
    pub fn run(self) -> Result<(), Errors> {
        let id = match &self.request_id {
            Some(id) => id.clone(),
            None => random_id()?,
        };
        let service = self.controller.service(None);
        let outcome = with_client(&self.connection, async |client| {
            let desk = KeyDesk::of(client, &service);
            let kind = self.kind.into();
            desk.ask(&id, &Request::Rotate { kind }).await?;
            desk.answer(&id, self.timeout).await
        })?;
        let (state, old_key, new_key) = match outcome {
            RequestOutcome::Done { old_key, new_key } => (NewKeyState::Done, old_key, new_key),
            RequestOutcome::AwaitsBackup { old_key, new_key } => {
                (NewKeyState::AwaitsBackup, old_key, new_key)
            }
            RequestOutcome::Refused { why } => return Err(Error::Refused { why }.into()),
        };
        let made = NewKeyReport {
            request_id: id,
            state,
            old_key,
            new_key,
        };
        self.output.print(&made, |out| {
            let old = made.old_key.as_deref().unwrap_or("none");
            writeln!(out, "old key {old}\nnew key {}", made.new_key)
        })?;
        if made.state == NewKeyState::AwaitsBackup {
            report::warning(
                &"the new key seals once it is marked as backed up; until then the old one does",
            );
        }
        Ok(())
    }
}

/// A new key of this kind, for a request that nobody makes again.
///
/// # Errors
/// Those of asking, and of waiting for an answer.
pub(super) async fn new_key(desk: &KeyDesk<'_>, kind: Kind) -> Result<RequestOutcome, Error> {
    const PATIENCE: Duration = Duration::from_secs(120);
    let id = random_id()?;
    desk.ask(&id, &Request::Rotate { kind }).await?;
    desk.answer(&id, PATIENCE).await
}

fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| Error::Cluster {
        what: "name the request".into(),
        why: error.to_string(),
        status: None,
    })?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// What a ConfigMap takes as the name of an item.
fn parse_id(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match text.len() {
        1..=63 if text.bytes().all(is_allowed) && !text.starts_with('.') => Ok(text.to_owned()),
        _ => Err("expected up to 63 letters, digits, and -_.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_a_config_map_takes() {
        for id in ["a", "2026-q3", "A_b.c-1", &"x".repeat(63)] {
            assert_eq!(parse_id(id), Ok(id.to_owned()));
        }
        for id in ["", "a b", "a,b", "a/b", "..", "ä", &"x".repeat(64)] {
            assert!(parse_id(id).is_err(), "{id}");
        }
        let (a, b) = (random_id().unwrap(), random_id().unwrap());
        assert!(a != b && parse_id(&a).is_ok(), "{a} {b}");
    }
}
