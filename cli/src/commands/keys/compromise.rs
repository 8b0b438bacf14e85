//! `seal keys compromise`: a key that others may know goes out of use, without losing anything.

use clap::Args;
use seal_keyring::{KeyState, requests::RequestOutcome};

use super::{
    rotate,
    survey::{Subject, Survey},
};
use crate::{
    cluster::{key_secrets::KeySecrets, keys::KeyDesk, with_client},
    error::{Answer, Error, Errors},
    output, report,
};

/// Takes a key out of use that somebody else may know.
///
/// In this order: if the key seals, the controller makes a new one; what still needs the old one is
/// listed, to be sealed again with seal rotate; and once nothing does, the key gets the label
/// compromised. Run it before and after seal rotate. The values that it lists are to be changed where
/// they come from: whoever has the key can read them in the history of the repository for ever, under
/// a new key, too.
///
/// With --now the key goes out of use first; then only those who have the private key can seal what
/// needs it again. It takes the same rights as seal keys retire.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Compromise {
    #[command(flatten)]
    subject: Subject,

    /// Take it out of use before what needs it is sealed again
    #[arg(long)]
    now: bool,
}

const EXAMPLES: &str = "\
Examples:
  seal keys compromise SHA256:… apps/ | tee to-be-changed.txt
  seal rotate apps/
  seal keys compromise SHA256:… apps/

Exit status: 0 the key is out of use, 1 something needs it still, 2 it could not be found out.";

impl Compromise {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn run(self) -> Result<Answer, Errors> {
        let survey = self.subject.survey()?;
        let lines: String = survey.needs.iter().map(|it| format!("{it}\n")).collect();
        output::print(lines.as_bytes())?;
        let is_needed = !survey.needs.is_empty();
        if self.now {
            self.cut_off(&survey)?;
        }
        if survey.is_current {
            self.renew(&survey)?;
        }
        if is_needed {
            report::note(&format_args!(
                "{} values need the key or cannot be accounted for: change them where they come \
                 from, whoever has the key can read them",
                survey.needs.len()
            ));
            self.tell_next(&survey);
        }
        if is_needed && !self.now {
            return Ok(Answer::No);
        }
        if !self.now {
            self.cut_off(&survey)?;
        }
        report::note(&format_args!(
            "the key {} is out of use",
            survey.key.key().id()
        ));
        Ok(Answer::Yes)
    }

    fn tell_next(&self, survey: &Survey) {
        let (paths, id) = (self.subject.paths(), survey.key.key().id());
        match self.now {
            true => report::note(&format_args!(
                "next: seal rotate --identity KEY_FILE {paths}, with the private key from a backup"
            )),
            false => report::note(&format_args!(
                "next: seal rotate {paths}, apply it, and then again: seal keys compromise {id} \
                 {paths}"
            )),
        }
    }

    fn cut_off(&self, survey: &Survey) -> Result<(), Error> {
        if *survey.key.state() == KeyState::Compromised {
            return Ok(());
        }
        with_client(&self.subject.connection, async |client| {
            let secrets = KeySecrets::of(client, &survey.service);
            secrets.set_state(&survey.key, &KeyState::Compromised).await
        })
    }

    /// Makes sure that nothing more is sealed with it.
    fn renew(&self, survey: &Survey) -> Result<(), Error> {
        let outcome = with_client(&self.subject.connection, async |client| {
            let desk = KeyDesk::of(client, &survey.service);
            rotate::new_key(&desk).await
        })?;
        match outcome {
            RequestOutcome::Done { new_key, .. } => {
                report::note(&format_args!("new key {new_key}"));
                Ok(())
            }
            RequestOutcome::AwaitsBackup { new_key, .. } => Err(Error::Refused {
                why: format!("the new key {new_key} seals only once it is backed up"),
            }),
            RequestOutcome::Refused { why } => Err(Error::Refused { why }),
        }
    }
}
