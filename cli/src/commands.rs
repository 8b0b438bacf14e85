//! The commands, one file each.

pub mod check;
pub mod completions;
pub mod decrypt;
pub mod diff;
pub mod edit;
pub mod encrypt;
pub mod init;
pub mod keys;
pub mod rotate;
pub mod set;
pub mod template;
pub mod unset;
pub mod value;

use clap::Subcommand;

use crate::error::{Answer, Errors};

/// What the program can do.
#[derive(Debug, Subcommand)]
#[expect(
    missing_docs,
    reason = "what documents a command, in its help too, stands with its type"
)]
pub enum Command {
    Init(init::Init),
    Encrypt(encrypt::Encrypt),
    Value(value::Value),
    Check(check::Check),
    Diff(diff::Diff),
    Set(set::Set),
    Unset(unset::Unset),
    Edit(edit::Edit),
    Rotate(rotate::Rotate),
    Decrypt(decrypt::Decrypt),
    Template(template::Template),
    #[command(subcommand)]
    Keys(keys::Keys),
    Completions(completions::Completions),
}

impl Command {
    /// Carries it out.
    ///
    /// # Errors
    /// Everything that is wrong with the input, or what stood in the way.
    pub fn run(self) -> Result<Answer, Errors> {
        let done = match self {
            Self::Init(init) => init.run(),
            Self::Encrypt(encrypt) => encrypt.run(),
            Self::Value(value) => value.run(),
            Self::Check(check) => return check.run(),
            Self::Diff(diff) => return diff.run(),
            Self::Set(set) => set.run(),
            Self::Unset(unset) => unset.run(),
            Self::Edit(edit) => edit.run(),
            Self::Rotate(rotate) => return rotate.run(),
            Self::Decrypt(decrypt) => decrypt.run(),
            Self::Template(template) => template.run(),
            Self::Keys(keys) => return keys.run(),
            Self::Completions(completions) => completions.run(),
        };
        done.map(|()| Answer::Yes)
    }
}
