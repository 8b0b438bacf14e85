//! `seal keys retire`: a key that nothing needs any more goes out of use.

use clap::{Args, builder::NonEmptyStringValueParser};
use seal_keyring::KeyState;

use super::survey::{Keys, in_cluster, in_files, tell_of_old_backups};
use crate::{
    age_keys::identities,
    backup::{Backup, BackupError},
    cluster::{Connection, Controller, key_secrets::KeySecrets, with_client},
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
    /// The key: its id, or the name of its Secret
    #[arg(value_name = "KEY")]
    key: String,

    /// Files and directories whose SealedSecrets count, too, such as what is in Git
    #[arg(value_name = "PATH")]
    paths: Vec<Source>,

    /// The namespace of SealedSecrets in PATH that name none; one that names another is an error
    #[arg(short, long, requires = "paths", value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,

    /// Retire it although it seals: the last age key, once the controller runs with --age-keys=off
    #[arg(long)]
    last: bool,

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

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
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
        let mut found = in_files(&self.paths, self.namespace.as_deref())?;
        let service = self.controller.service(None);
        let (keys, in_cluster) = with_client(&self.connection, async |client| {
            let keys = Keys::read(client.clone(), &service, &self.key).await?;
            Ok((keys, in_cluster(client).await?))
        })?;
        found.extend(in_cluster);
        let id = keys.id().to_string();
        if keys.is_current && !(self.last && keys.is_last_age_key()) {
            let kind = keys.kind();
            return Err(Error::from(BackupError::Current { id, kind }).into());
        }
        let needs = keys.needs(&found);
        if !needs.is_empty() {
            let lines: String = needs.iter().map(|it| format!("{it}\n")).collect();
            output::print(lines.as_bytes())?;
            report::warning(&format_args!(
                "{} values need the key {id} or cannot be accounted for; it stays in use",
                needs.len()
            ));
            return Ok(Answer::No);
        }
        if self.delete {
            let held = |secret| backup.iter().any(|it| it.holds(secret));
            if !keys.secrets().all(held) {
                return Err(Error::from(BackupError::NotHeld { id }).into());
            }
            let names: Vec<_> = keys.secrets().map(|it| it.key().name()).collect();
            let question = format!(
                "Delete the key {id} (Secret {}) from the cluster?",
                names.join(", ")
            );
            self.confirmation.ask(&question)?;
        }
        with_client(&self.connection, async |client| {
            let secrets = KeySecrets::of(client, &service);
            keys.take_out(&secrets, &KeyState::Retired).await?;
            if self.delete {
                for secret in keys.secrets() {
                    secrets.delete(secret).await?;
                }
            }
            Ok(())
        })?;
        let done = match self.delete {
            true => "deleted".to_owned(),
            // One that is out of use already keeps the word that says why.
            false => keys.state_out_of_use().to_string(),
        };
        output::print(format!("{done}: {id}\n").as_bytes())?;
        if !self.delete {
            tell_of_old_backups();
        }
        Ok(Answer::Yes)
    }
}
