//! `seal keys`: the keys of a cluster.

mod backup;
mod compromise;
mod fetch;
mod list;
mod need;
pub mod report;
mod restore;
mod retire;
mod rotate;
mod survey;
mod verify_backup;

use clap::Subcommand;

use crate::error::{Answer, Errors};

/// Fetches, lists, renews, backs up and retires the keys of a cluster.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "what documents a command, in its help too, stands with its type"
)]
pub enum Keys {
    Fetch(fetch::Fetch),
    List(list::List),
    Rotate(rotate::Rotate),
    #[command(name = "backup")]
    BackUp(backup::BackUp),
    VerifyBackup(verify_backup::VerifyBackup),
    Restore(restore::Restore),
    Retire(retire::Retire),
    Compromise(compromise::Compromise),
}

impl Keys {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn run(self) -> Result<Answer, Errors> {
        let done = match self {
            Self::Fetch(fetch) => fetch.run(),
            Self::List(list) => list.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::BackUp(backup) => backup.run(),
            Self::VerifyBackup(verify) => return verify.run(),
            Self::Restore(restore) => restore.run(),
            Self::Retire(retire) => return retire.run(),
            Self::Compromise(compromise) => return compromise.run(),
        };
        done.map(|()| Answer::Yes)
    }
}
