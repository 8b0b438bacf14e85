//! `seal keys`: the keys of a cluster.

mod fetch;
mod list;
mod rotate;

use clap::Subcommand;

use crate::error::Errors;

/// Fetches, lists and renews the keys of a cluster.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "what documents a command, in its help too, stands with its type"
)]
pub enum Keys {
    Fetch(fetch::Fetch),
    List(list::List),
    Rotate(rotate::Rotate),
}

impl Keys {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn run(self) -> Result<(), Errors> {
        match self {
            Self::Fetch(fetch) => fetch.run(),
            Self::List(list) => list.run(),
            Self::Rotate(rotate) => rotate.run(),
        }
    }
}
