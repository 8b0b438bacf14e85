//! `seal keys backup`: the keys themselves, to be kept where the cluster is not.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use seal_envelope::Recipients;
use seal_keyring::{Backup, BackupDigest};
use zeroize::Zeroizing;

use crate::{
    age_keys::{RecipientOptions, together},
    backup::{BackupError, KeySecret, manifests},
    cluster::{Connection, Controller, ServiceName, key_secrets::KeySecrets, with_client},
    confirm::Confirmation,
    error::{Error, Errors},
    output::{self, OutputError, Privacy},
    report,
};

/// Backs up the keys of a cluster, encrypted to age recipients.
///
/// The backup holds every key Secret, those out of use too, with the states, as a List in YAML:
/// seal keys restore brings it back, and so does kubectl apply once it is decrypted. Then each key
/// is marked with the digest of the file; a key that awaits its backup seals from then on. It takes
/// the right to read the keys (the Role seal-key-backup): whoever has it can read everything that is
/// sealed.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    group(ArgGroup::new("encryption").args(["recipients", "recipients_files", "plaintext"]).multiple(true).required(true))
)]
pub struct BackUp {
    /// Back up only these: ids of keys, or names of their Secrets
    #[arg(value_name = "KEY")]
    keys: Vec<String>,

    #[command(flatten)]
    recipients: RecipientOptions,

    /// Do not encrypt it: whoever reads the file can read everything that is sealed
    #[arg(long, conflicts_with = "age-recipients")]
    plaintext: bool,

    /// Where to write it instead of standard output; a file that is there is not replaced
    #[arg(short = 'w', visible_short_alias = 'o', long, value_name = "FILE")]
    output_file: Option<PathBuf>,

    /// Do not mark the keys as backed up, which takes the right to change them
    #[arg(long)]
    no_mark: bool,

    #[command(flatten)]
    confirmation: Confirmation,

    #[command(flatten)]
    controller: Controller,

    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = "\
Examples:
  seal keys backup --recipient age1… -w keys.age
  seal keys verify-backup keys.age --identity identity.txt
  seal keys backup -R recipients.txt --no-mark > keys.age";

impl BackUp {
    /// Carries it out. Nothing is marked before the file is written.
    ///
    /// # Errors
    /// What stood in the way. Keys that could not be marked are in the file all the same.
    pub fn run(self) -> Result<(), Errors> {
        let recipients = self.recipients()?;
        let file = self.file();
        match file {
            Some(path) if path.exists() => {
                let file = path.to_owned();
                return Err(Error::from(OutputError::Exists { file }).into());
            }
            None if recipients.is_some() && output::is_terminal() => {
                return Err(Error::from(BackupError::Terminal).into());
            }
            _ => {}
        }
        let service = self.controller.service(None);
        let (keys, unusable) = with_client(&self.connection, async |client| {
            KeySecrets::of(client, &service).all().await
        })?;
        for why in &unusable {
            report::warning(&format_args!("{why}; it is not in the backup"));
        }
        let keys = self.chosen(keys, &service)?;
        let bytes = encrypted(&manifests(&keys)?, recipients.as_ref())?;
        output::write(file, &bytes, Privacy::Private)?;
        let backup = Backup {
            digest: BackupDigest::of(&bytes),
            time: Some(Timestamp::now()),
        };
        for secret in &keys {
            let (key, state) = (secret.key(), secret.state());
            report::note(&format_args!("{} ({state}, {})", key.id(), key.name()));
        }
        report::note(&format_args!("{} keys, {}", keys.len(), backup.digest));
        match self.no_mark {
            true => Ok(()),
            false => self.mark(&keys, &service, &backup),
        }
    }

    /// `None` for plaintext, which somebody has to consent to.
    fn recipients(&self) -> Result<Option<Recipients>, Error> {
        if !self.plaintext {
            return Ok(Some(together(&self.recipients.read()?)?));
        }
        let to = self.file().map(|path| path.display().to_string());
        let to = to.as_deref().unwrap_or("standard output");
        let question = format!("Write the private keys to {to} in plaintext?");
        self.confirmation.ask(&question)?;
        Ok(None)
    }

    fn file(&self) -> Option<&Path> {
        let file = self.output_file.as_deref();
        file.filter(|path| *path != Path::new("-"))
    }

    fn chosen(
        &self,
        mut keys: Vec<KeySecret>,
        service: &ServiceName,
    ) -> Result<Vec<KeySecret>, Errors> {
        let namespace = || service.namespace.clone();
        if keys.is_empty() {
            let namespace = namespace();
            return Err(Error::from(BackupError::NoKeys { namespace }).into());
        }
        let missing = self.keys.iter().filter(|named| {
            let is_named = |key: &KeySecret| is_named(key, named);
            !keys.iter().any(is_named)
        });
        let missing: Errors = missing
            .map(|named| {
                let (named, namespace) = (named.clone(), namespace());
                BackupError::NoSuchKey { named, namespace }.into()
            })
            .collect();
        if !self.keys.is_empty() {
            keys.retain(|key| self.keys.iter().any(|named| is_named(key, named)));
        }
        missing.or(keys)
    }

    fn mark(
        &self,
        keys: &[KeySecret],
        service: &ServiceName,
        backup: &Backup,
    ) -> Result<(), Errors> {
        let errors = with_client(&self.connection, async |client| {
            let secrets = KeySecrets::of(client, service);
            let mut errors = Errors::default();
            for key in keys {
                errors.ok(secrets.mark(key, backup).await);
            }
            Ok(errors)
        })?;
        errors.or(())
    }
}

fn is_named(secret: &KeySecret, named: &str) -> bool {
    secret.key().id().as_str() == named || secret.key().name() == named
}

fn encrypted(
    manifests: &str,
    recipients: Option<&Recipients>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    match recipients {
        Some(recipients) => recipients
            .encrypt_file(manifests.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| BackupError::Encrypt.into()),
        None => Ok(Zeroizing::new(manifests.as_bytes().to_vec())),
    }
}
