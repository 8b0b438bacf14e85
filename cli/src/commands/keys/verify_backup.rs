//! `seal keys verify-backup`: whether a backup would bring everything back.

use std::io::{self, Write};

use clap::Args;
use seal_keyring::{Inventory, KeyEntry, KeyState, Standing};

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

/// Proves that a backup opens, and that it holds every key of the cluster that is in use, and none as
/// in use that is compromised or retired by now.
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

Exit status: 0 it opens and holds every key in use, 1 a key is missing or would come back into use, 2 it
does not open, or the cluster could not be asked.";

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
        let compared = match self.offline {
            true => None,
            false => Some(Compared::new(&backup, self.inventory()?)),
        };
        let verified = BackupReport {
            digest: &backup.digest,
            keys: backup.keys.iter().map(HeldKey::from).collect(),
            missing: compared.as_ref().map(|it| &*it.missing),
            revived: compared.as_ref().map(|it| &*it.revived),
        };
        self.output.print(&verified, |out| told(&verified, out))?;
        Ok(match compared.is_none_or(|it| it.is_in_order()) {
            true => Answer::Yes,
            false => Answer::No,
        })
    }

    fn inventory(&self) -> Result<Inventory, Errors> {
        let service = self.controller.service(None);
        Ok(with_client(&self.connection, async |client| {
            KeyDesk::of(client, &service).inventory().await
        })?)
    }
}

/// A backup beside the keys of a cluster.
struct Compared {
    /// In use, and not in the backup.
    missing: Vec<KeyEntry>,
    /// In use as the backup has it, and out of use.
    revived: Vec<KeyEntry>,
}

impl Compared {
    fn new(backup: &Backup, inventory: Inventory) -> Self {
        let held = |entry: &KeyEntry| {
            let id = entry.id.as_deref()?;
            backup.keys.iter().find(|key| key.key().id().as_str() == id)
        };
        let (mut missing, mut revived) = (Vec::new(), Vec::new());
        for entry in inventory.keys {
            let is_active = held(&entry).map(|key| *key.state() == KeyState::Active);
            match (entry.standing.opens(), is_active) {
                (true, None) => missing.push(entry),
                (false, Some(true)) if entry.standing != Standing::Malformed => revived.push(entry),
                (false, None) if entry.standing == Standing::Malformed => {
                    let name = &entry.secret;
                    report::warning(&format_args!(
                        "the Secret {name} in the cluster holds no usable key"
                    ));
                }
                _ => {}
            }
        }
        Self { missing, revived }
    }

    /// Tells what is not.
    fn is_in_order(&self) -> bool {
        for KeyEntry { secret, id, .. } in &self.missing {
            let id = id.as_deref().unwrap_or_default();
            report::warning(&format_args!(
                "the key {id} (Secret {secret}) is in use and not in the backup"
            ));
        }
        for KeyEntry { id, standing, .. } in &self.revived {
            let (id, standing) = (id.as_deref().unwrap_or_default(), standing.as_str());
            report::warning(&format_args!(
                "the key {id} is {standing} in the cluster and in use in the backup, which would bring \
                 it back; make a new one and do away with this one"
            ));
        }
        self.missing.is_empty() && self.revived.is_empty()
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
