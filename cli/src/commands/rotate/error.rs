use seal_envelope::KeyId;
use seal_manifest::{EditError, Location};

/// Why values are not sealed again.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The file cannot be edited in place.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Two ways to hold values in one object.
    #[error("{at}: spec.data and spec.encryptedData exclude one another")]
    TwoKinds {
        /// Where the object stands.
        at: Location,
    },
    /// The controller does not seal an object again.
    #[error("{at}: the controller does not seal {called} again: {why}")]
    Refused {
        /// Where the object stands.
        at: Location,
        /// Namespace and name.
        called: String,
        /// In its words.
        why: String,
    },
    /// The controller seals with another key than the one that is expected.
    #[error("the files are to be sealed with {expected}, but the controller seals with {found}")]
    OtherKey {
        /// The key of the certificate, or of the recipient.
        expected: String,
        /// The controller's, or several.
        found: String,
    },
    /// Nothing is sealed for a key that others may know.
    #[error("the cluster publishes the certificate of {key} still; nothing is sealed again for it")]
    StillSeals {
        /// The key.
        key: KeyId,
    },
    /// Nothing is sealed for a key that others may know, which is still named.
    #[error("{key} is named as a recipient still; nothing is sealed again for it")]
    StillNamed {
        /// The key.
        key: KeyId,
    },
    /// Others would no longer open what the controller seals again.
    #[error(
        "{at}: {called}: {item} is sealed for {openers}, and the controller would seal it for its own \
         key alone"
    )]
    WouldLose {
        /// Where the value stands.
        at: Location,
        /// Namespace and name.
        called: String,
        /// The item.
        item: String,
        /// How many can open it, and who that is.
        openers: String,
    },
    /// Nothing says who shall open what several can open now, or that it shall no longer be in age.
    #[error(
        "{at}: {called}: {item} is sealed in age for {openers}, and nothing says for whom it shall be \
         sealed now"
    )]
    Unlisted {
        /// Where the value stands.
        at: Location,
        /// Namespace and name.
        called: String,
        /// The item.
        item: String,
        /// How many can open it, and who that is.
        openers: String,
    },
    /// The controller cannot do what is wanted.
    #[error("{at}: {called}: {item} cannot be sealed again as wanted: {why}")]
    NotByController {
        /// Where the value stands.
        at: Location,
        /// Namespace and name.
        called: String,
        /// The item.
        item: String,
        /// Why not.
        why: &'static str,
    },
    /// The work ended before its end.
    #[error("{objects} SealedSecrets in {files} files were not reached; they are as they were")]
    Unreached {
        /// How many objects.
        objects: usize,
        /// In how many files.
        files: usize,
    },
}

impl RotationError {
    /// What to do about it, where the message does not say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Edit(_) => Some("give each value a place of its own, or seal the object anew"),
            Self::TwoKinds { .. } => Some("remove the one that is not in use"),
            Self::Refused { .. } => Some(
                "it was sealed for another cluster, name, namespace or scope, or is damaged: \
                 seal decrypt --identity tells which",
            ),
            Self::OtherKey { .. } => Some(
                "fetch the cluster's current certificate with: seal keys fetch -w cert.pem; or \
                 name another cluster with --context",
            ),
            Self::StillNamed { .. } => {
                Some("fetch the new one, and put it in its place: seal keys fetch --recipients")
            }
            Self::WouldLose { .. } | Self::NotByController { .. } => {
                Some("seal it again with a private key that opens it: --identity FILE")
            }
            Self::Unlisted { .. } => Some(
                "name everybody who shall open it, with --recipient or in .seal.yaml; or give age up \
                 with --kind hybrid",
            ),
            Self::StillSeals { .. } => {
                Some("see in the controller's log why it does not publish the new one")
            }
            Self::Unreached { .. } => {
                Some("run the command again: what is done is not done a second time")
            }
        }
    }
}
