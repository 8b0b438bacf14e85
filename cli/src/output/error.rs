//! Why a result does not go where it should.

use std::{io, path::PathBuf};

use crate::error::reason_of_io;

/// A result that is not written. What was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Standard input has no place among files.
    #[error("what comes from standard input has no file of its own to go to")]
    NoFileName,
    /// One output for two inputs.
    #[error("{}: both {first} and {second} would go there", .to.display())]
    Collision {
        /// The output.
        to: PathBuf,
        /// The one input.
        first: String,
        /// The other.
        second: String,
    },
    /// An input would be overwritten.
    #[error("{}: is an input, and would be overwritten", .to.display())]
    OverInput {
        /// The file.
        to: PathBuf,
    },
    /// A file that is to be made is there already.
    #[error("{} is there already", .file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// A result cannot be written.
    #[error("cannot write {to}: {}; it was left as it was", reason_of_io(.error))]
    Write {
        /// The file.
        to: String,
        /// Why.
        error: io::Error,
    },
    /// A file is not what it was when it was read.
    #[error("{}: changed on disk since it was read; it was left as it is", .to.display())]
    Changed {
        /// The file.
        to: PathBuf,
    },
    /// Standard output takes nothing.
    #[error("cannot write to standard output: {}", reason_of_io(.0))]
    Print(io::Error),
}

impl OutputError {
    /// What to do about it, where the message does not say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoFileName => Some("write it to a file: -w FILE"),
            Self::Collision { .. } => {
                Some("name the directory above them, or write them to directories of their own")
            }
            Self::OverInput { .. } => {
                Some("name another directory, or replace the inputs: --in-place")
            }
            Self::Exists { .. } => Some("edit it, or remove it first"),
            Self::Changed { .. } => Some("look at what changed, and run the command again"),
            Self::Write { .. } | Self::Print(_) => None,
        }
    }

    /// An output that cannot be written.
    pub(crate) fn write(to: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Write {
            to: to.display().to_string(),
            error,
        }
    }
}
