//! `seal keys`: the keys of a cluster.

mod fetch;

use clap::Subcommand;

use crate::error::Errors;

/// Brings along the public keys of a cluster.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "what documents a command, in its help too, stands with its type"
)]
pub enum Keys {
    Fetch(fetch::Fetch),
}

impl Keys {
    /// Carries it out.
    ///
    /// # Errors
    /// What stood in the way.
    pub fn run(self) -> Result<(), Errors> {
        match self {
            Self::Fetch(fetch) => fetch.run(),
        }
    }
}
