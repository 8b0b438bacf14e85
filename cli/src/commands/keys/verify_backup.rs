//! `seal keys verify-backup`: whether a backup would bring everything back.

use std::io::{self, Write};

use clap::Args;
use seal_keyring::{KeyEntry, Standing};

use super::report::{BackupReport, HeldKey};
use crate::{
    age_keys::identities,
    backup::Backup,
    cluster::{Connection, Controller, keys::KeyDesk, with_client},
    error::{Answer, Errors},
    input::Source,
    output::ReportFormat,
    report,
};

/// Proves that a backup opens, and that it holds every key of the cluster that is in use.
///
/// Each private key is read and compared with its certificate. Which keys are in use is what the
/// controller says, not the Secrets themselves: no right to read keys is needed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyBackup {
    /// The backup; - is standard input
    #[arg(value_name = "FILE")]
    file: Source,

    /// A file with age identities that open it; may be repeated
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<Source>,

    /// Ask no cluster: only tell what the backup holds
    #[arg(long)]
    offline: bool,

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
  seal keys verify-backup keys.age --identity identity.txt
  seal keys verify-backup keys.age --identity identity.txt --offline

Exit status: 0 it opens and holds every key in use, 1 a key is missing, 2 it does not open, or the
cluster could not be asked.";

impl VerifyBackup {
    /// Carries it out.
    ///
    /// # Errors
    /// The backup does not open, or the cluster does not answer.
    pub fn run(self) -> Result<Answer, Errors> {
        let backup = Backup::read(&self.file, &identities(&self.identities)?)?;
        for why in &backup.unusable {
            report::warning(why);
        }
        let missing = match self.offline {
            true => None,
            false => Some(self.missing(&backup)?),
        };
        let verified = BackupReport {
            digest: &backup.digest,
            keys: backup.keys.iter().map(HeldKey::from).collect(),
            missing: missing.as_deref(),
        };
        self.output.print(&verified, |out| told(&verified, out))?;
        let missing = missing.unwrap_or_default();
        for KeyEntry { secret, id, .. } in &missing {
            let id = id.as_deref().unwrap_or_default();
            report::warning(&format_args!(
                "the key {id} (Secret {secret}) is in use and not in the backup"
            ));
        }
        Ok(match missing.as_slice() {
            [] => Answer::Yes,
            _ => Answer::No,
        })
    }

    /// The keys in use that the backup does not hold.
    fn missing(&self, backup: &Backup) -> Result<Vec<KeyEntry>, Errors> {
        let service = self.controller.service(None);
        let inventory = with_client(&self.connection, async |client| {
            KeyDesk::of(client, &service).inventory().await
        })?;
        let mut missing = inventory.keys;
        for unreadable in missing
            .iter()
            .filter(|it| it.standing == Standing::Malformed)
        {
            let name = &unreadable.secret;
            report::warning(&format_args!(
                "the Secret {name} in the cluster holds no usable key"
            ));
        }
        let holds = |id: &str| backup.keys.iter().any(|key| key.key().id().as_str() == id);
        missing.retain(|key| key.standing.opens() && !key.id.as_deref().is_some_and(holds));
        Ok(missing)
    }
}

/// One line a key: id, state, Secret, and when its certificate begins.
fn told(verified: &BackupReport<'_>, out: &mut impl Write) -> io::Result<()> {
    for key in &verified.keys {
        let HeldKey {
            id,
            secret,
            state,
            not_before,
            ..
        } = key;
        writeln!(out, "{id} {state} {secret} {not_before}")?;
    }
    Ok(())
}
