use seal_envelope::{KeyError, RecipientsError};

/// Age keys that cannot be used. No text that may be private is in any of the messages.
#[derive(Debug, thiserror::Error)]
pub enum AgeKeyError {
    /// A line of a file, or an option, is no age key.
    #[error("{at}: {error}")]
    Key {
        /// Where it stands.
        at: String,
        /// What is wrong, without the text.
        error: KeyError,
    },
    /// A private key where a public one belongs.
    #[error("{at}: is an age identity, the private side of a key; nothing was done with it")]
    IdentityGiven {
        /// Where it stands.
        at: String,
    },
    /// A private key where the name of a file belongs.
    #[error("{option}: is an age identity, and not the name of a file")]
    NotAFile {
        /// The option.
        option: &'static str,
    },
    /// A file without any identity.
    #[error("{from}: holds no age identity")]
    NoIdentity {
        /// The file.
        from: String,
    },
    /// A file without any recipient.
    #[error("{from}: holds no age recipient")]
    NoRecipient {
        /// The file.
        from: String,
    },
    /// A file of age keys is no text.
    #[error("{from}: is no text")]
    NotText {
        /// The file.
        from: String,
    },
    /// The recipients do not go together.
    #[error("{}{error}", at_both(.places))]
    Together {
        /// Where the two stand that do not.
        places: Vec<String>,
        /// Why.
        error: RecipientsError,
    },
}

fn at_both(places: &[String]) -> String {
    match places.is_empty() {
        true => String::new(),
        false => format!("{}: ", places.join(" and ")),
    }
}

impl AgeKeyError {
    /// What to do about it, where the message does not say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::IdentityGiven { .. } => Some(
                "give its recipient, which age-keygen -y prints; an identity that others have seen \
                 protects nothing any more",
            ),
            Self::NotAFile { .. } => Some(
                "name a file; what was on the command line, other users and the shell's history \
                 have seen",
            ),
            Self::NoIdentity { .. } => {
                Some("an identity is a line that begins with AGE-SECRET-KEY-; age-keygen makes one")
            }
            Self::NoRecipient { .. } => Some(
                "a recipient is a line that begins with age1; age-keygen -y prints that of an \
                 identity",
            ),
            Self::Together {
                error: RecipientsError::PostQuantumWithOther { .. },
                ..
            } => Some(
                "the weaker key would undo the stronger: take recipients of one kind, which \
                 age-keygen -pq makes, or age-keygen without it",
            ),
            Self::Together {
                error: RecipientsError::TooMany { .. },
                ..
            } => Some("let clusters share a key, or seal for some of them in files of their own"),
            _ => None,
        }
    }
}
