//! `seal keys retire`: a key that nothing needs any more goes out of use.

use clap::Args;
use seal_keyring::KeyState;

use super::survey::{Subject, Survey};
use crate::{
    backup::{Backup, BackupError, KeySecret, identities},
    cluster::{key_secrets::KeySecrets, with_client},
    confirm::Confirmation,
    error::{Answer, Error, Errors},
    input::Source,
    output, report,
};

/// Takes a key out of use that nothing needs any more.
///
/// Every SealedSecret of the cluster, and of PATH, is opened here and now with the keys that would be
/// left; records and hints are not trusted. If anything needs the key, or is opened by no key at all,
/// the key stays in use and each value is named. Its Secret gets the label retired, which can be taken
/// back by writing active there; --delete removes it for good. It takes the rights of those who back
/// up keys and of key administrators (the Roles seal-key-backup and seal-key-admin, the ClusterRole
/// seal-key-admin), and for --delete the right to delete Secrets.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Retire {
    #[command(flatten)]
    subject: Subject,

    /// Delete the key from the cluster; it must be in the backup
    #[arg(long, requires = "backup")]
    delete: bool,

    /// A backup that holds the key
    #[arg(long, value_name = "FILE", requires = "delete")]
    backup: Option<Source>,

    /// A file with age identities that open the backup; may be repeated
    #[arg(short, long = "identity", value_name = "FILE", requires = "backup")]
    identities: Vec<Source>,

    #[command(flatten)]
    confirmation: Confirmation,
}

const EXAMPLES: &str = "\
Examples:
  seal keys retire SHA256:… apps/
  seal keys retire SHA256:… apps/ --delete --backup keys.age --identity identity.txt

Exit status: 0 the key is out of use, 1 something needs it, 2 it could not be found out.";

impl Retire {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way; then the key is what it was.
    pub fn run(self) -> Result<Answer, Errors> {
        let backup = match &self.backup {
            Some(file) => Some(Backup::read(file, &identities(&self.identities)?)?),
            None => None,
        };
        let survey = self.subject.survey()?;
        let (secret, id) = (&survey.key, survey.key.key().id().to_string());
        if survey.is_current {
            return Err(Error::from(BackupError::Current { id }).into());
        }
        if !survey.needs.is_empty() {
            let lines: String = survey.needs.iter().map(|it| format!("{it}\n")).collect();
            output::print(lines.as_bytes())?;
            report::warning(&format_args!(
                "{} values need the key {id} or cannot be accounted for; it stays in use",
                survey.needs.len()
            ));
            return Ok(Answer::No);
        }
        if self.delete {
            let held = |backup: &Backup| backup.keys.iter().any(|it| it.is_same(secret));
            if !backup.as_ref().is_some_and(held) {
                return Err(Error::from(BackupError::NotHeld { id }).into());
            }
            let name = secret.key().name();
            let question = format!("Delete the key {id} (Secret {name}) from the cluster?");
            self.confirmation.ask(&question)?;
        }
        self.take_out(&survey)?;
        let done = if self.delete { "deleted" } else { "retired" };
        output::print(format!("{done}: {id}\n").as_bytes())?;
        Ok(Answer::Yes)
    }

    /// A word that says why it is out of use already stays.
    fn take_out(&self, survey: &Survey) -> Result<(), Error> {
        let secret: &KeySecret = &survey.key;
        with_client(&self.subject.connection, async |client| {
            let secrets = KeySecrets::of(client, &survey.service);
            if *secret.state() == KeyState::Active {
                secrets.set_state(secret, &KeyState::Retired).await?;
            }
            match self.delete {
                true => secrets.delete(secret).await,
                false => Ok(()),
            }
        })
    }
}
