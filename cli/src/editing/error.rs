//! Why a sealed file is not edited.

use std::{io, path::PathBuf};

use seal_manifest::{EditError, Location};

use crate::error::reason_of_io;

/// An edit that is not made. The file stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum EditingError {
    /// The manifest leaves no place for the edit.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A device, a pipe or the like.
    #[error("{}: not a regular file, so it cannot be edited in place", .path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Somebody has said that the file must not change.
    #[error("cannot write {}: the file is read-only", .path.display())]
    ReadOnly {
        /// The path.
        path: PathBuf,
    },
    /// None of the SealedSecrets is called so.
    #[error("{}: holds no SealedSecret of that name, but {}", .path.display(), .all.join(", "))]
    NoSuchObject {
        /// The file.
        path: PathBuf,
        /// What its SealedSecrets are called, and where they stand.
        all: Vec<String>,
    },
    /// Several SealedSecrets could be meant.
    #[error("{}: holds several SealedSecrets: {}", .path.display(), .found.join(", "))]
    SeveralObjects {
        /// The file.
        path: PathBuf,
        /// What they are called, and where they stand.
        found: Vec<String>,
    },
    /// The deprecated form, in which the whole Secret is one value.
    #[error("{at}: the deprecated spec.data holds the whole Secret, so no single value can change")]
    V1Data {
        /// Where it stands.
        at: Location,
    },
    /// There is no such value.
    #[error("{at}: SealedSecret {called} has no value {key:?}{}", listed(.there))]
    NoSuchKey {
        /// Where the values stand.
        at: Location,
        /// Namespace and name of the object.
        called: String,
        /// The key asked for.
        key: String,
        /// The keys that there are.
        there: Vec<String>,
    },
    /// No Secret can have this key.
    #[error("{key:?} cannot be a key of a Secret: {why}")]
    BadKey {
        /// The key.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The terminal gives no value.
    #[error("cannot read the value from the terminal: {}", reason_of_io(.0))]
    Terminal(io::Error),
    /// The value was typed twice, differently.
    #[error("the two values are not the same; nothing was changed")]
    Mismatch,
    /// An empty value, and nobody has said that it shall be: the program before it may have failed.
    #[error("{from} gives an empty value; nothing was sealed")]
    Empty {
        /// Where the value should have come from.
        from: &'static str,
    },
    /// The system's random generator fails.
    #[error("cannot generate a value: {0}")]
    Random(getrandom::Error),
    /// There is no directory in memory.
    #[error(
        "found no file system in memory to edit in: neither $XDG_RUNTIME_DIR nor /dev/shm is one"
    )]
    NoMemory,
    /// The private directory, or the file in it, cannot be used.
    #[error("cannot use the private directory {}: {}", .path.display(), reason_of_io(.error))]
    Private {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The editor does not start, or fails.
    #[error("the editor {editor:?} {why}; nothing was changed")]
    Editor {
        /// The command.
        editor: String,
        /// What it did.
        why: String,
    },
    /// What was typed is not right.
    #[error("{at}: {why}")]
    Draft {
        /// Where, in the text that was edited.
        at: Location,
        /// What is wrong. It quotes no value.
        why: &'static str,
    },
}

impl EditingError {
    /// What to do about it, where the message does not say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::ReadOnly { .. } => "make it writable: chmod u+w",
            Self::SeveralObjects { .. } => {
                "say which one is meant with --name, and --namespace where names are the same"
            }
            Self::Empty { .. } => "if it shall be empty, say so: --from-file /dev/null",
            Self::V1Data { .. } => "seal the Secret again: seal encrypt",
            Self::NoMemory => {
                "--allow-disk edits in a temporary directory on disk, where deleted secrets can be \
                 found again"
            }
            Self::Editor { .. } => "set VISUAL or EDITOR to a command that waits: code --wait",
            _ => return None,
        })
    }
}

fn listed(keys: &[String]) -> String {
    match keys {
        [] => ": it has none".to_owned(),
        keys => format!("; it has {}", keys.join(", ")),
    }
}
