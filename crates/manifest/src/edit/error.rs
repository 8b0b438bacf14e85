//! Why an edit cannot be made.

use crate::error::{Error, Location};
use crate::node::Node;

/// An edit that is not made. Like [`Error`], its text names keys and places but never a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The manifest cannot be read so far as the edit needs it. The fault of the input.
    #[error(transparent)]
    Manifest(#[from] Error),
    /// There is no such key. The fault of the caller.
    #[error("{location}: there is no key {key:?} here")]
    Missing {
        /// The mapping searched.
        location: Location,
        /// The path, joined by dots.
        key: String,
    },
    /// The edit would change a second place.
    #[error(
        "{location}: the value here is anchored and repeated by the alias at {alias}, so an edit \
         would change both; write the value out in one of the places"
    )]
    Shared {
        /// The anchored value.
        location: Location,
        /// An alias of it.
        alias: Location,
    },
    /// The edit would remove an anchor in use.
    #[error(
        "{location}: the value here is anchored and the alias at {alias} needs it; write the value \
         out there first"
    )]
    Anchored {
        /// The anchored value.
        location: Location,
        /// An alias of it.
        alias: Location,
    },
    /// Removing the key here would leave it in place.
    #[error("{location}: the key {key:?} comes from a merge (<<) of {merge}, too; remove it there")]
    Merged {
        /// The mapping.
        location: Location,
        /// The key.
        key: String,
        /// The value that a merge brings.
        merge: Location,
    },
    /// Two edits touch one place. The fault of the caller.
    #[error("{location}: two edits touch this place")]
    Conflict {
        /// The place.
        location: Location,
    },
    /// The manifest is written in a way that leaves no place for the edit.
    #[error("{location}: cannot edit in place: {reason}")]
    Unsupported {
        /// The place.
        location: Location,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// The result would not read back exactly as wanted. A fault of this crate: nothing is lost, as
    /// no result leaves it.
    #[error(
        "{location}: the edited text would not read back exactly as wanted, so it was not used; \
         edit by hand"
    )]
    Unproven {
        /// The document.
        location: Location,
    },
}

impl EditError {
    pub(super) fn unsupported(node: Node<'_>, reason: &'static str) -> Self {
        Self::Unsupported {
            location: node.location(),
            reason,
        }
    }

    pub(super) fn conflict(node: Node<'_>) -> Self {
        Self::Conflict {
            location: node.location(),
        }
    }

    pub(super) fn shared(alias: Node<'_>, anchored: Node<'_>) -> Self {
        Self::Shared {
            location: anchored.location(),
            alias: alias.location(),
        }
    }
}
