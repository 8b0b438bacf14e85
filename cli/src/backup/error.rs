use seal_envelope::Kind;

/// A backup of keys that cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file is encrypted, and there is nothing to open it with.
    #[error("{from}: is encrypted, and no identity is given")]
    Locked {
        /// The file.
        from: String,
    },
    /// None of the identities opens it.
    #[error("{from}: is encrypted to other recipients than the given identities")]
    OtherRecipients {
        /// The file.
        from: String,
    },
    /// An age file that is not as it was made.
    #[error("{from}: the age file is damaged or cut off")]
    Damaged {
        /// The file.
        from: String,
    },
    /// An age file as text.
    #[error("{from}: an armored age file is not read")]
    Armored {
        /// The file.
        from: String,
    },
    /// There is no usable key in it.
    #[error("{from}: holds no key{}", why_not(.unusable))]
    NoKey {
        /// The file.
        from: String,
        /// What is wrong with the key Secrets that it holds.
        unusable: Vec<String>,
    },
    /// The system's random generator failed.
    #[error("the backup could not be encrypted")]
    Encrypt,
    /// Bytes that would garble a terminal.
    #[error("an encrypted backup is not written to a terminal")]
    Terminal,
    /// No key with this id or of a Secret with this name.
    #[error("there is no key {named} in {namespace}")]
    NoSuchKey {
        /// What was asked for.
        named: String,
        /// Where.
        namespace: String,
    },
    /// The cluster has no key.
    #[error("there is no key in {namespace}")]
    NoKeys {
        /// Where.
        namespace: String,
    },
    /// Restoring would overwrite something.
    #[error("{}; nothing was restored", .conflicts.join("; "))]
    Conflicts {
        /// What is in the way, one sentence each.
        conflicts: Vec<String>,
    },
    /// The key that seals is not taken out of use.
    #[error("the key {id} is the current one: it seals")]
    Current {
        /// Its id.
        id: String,
        /// What it seals.
        kind: Kind,
    },
    /// A key is not deleted that is kept nowhere else.
    #[error("the backup does not hold the key {id}; nothing was done")]
    NotHeld {
        /// Its id.
        id: String,
    },
    /// Somebody may not read or write key Secrets.
    #[error("cannot {what}: {why}")]
    Denied {
        /// What was tried.
        what: String,
        /// The cluster's words.
        why: String,
    },
}

fn why_not(unusable: &[String]) -> String {
    match unusable {
        [] => String::new(),
        some => format!(": {}", some.join("; ")),
    }
}

impl BackupError {
    /// What to do about it, where the message does not say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Locked { .. } => Some("name the file with the age identity: --identity FILE"),
            Self::OtherRecipients { .. } => {
                Some("name the identity of one of the recipients that it was made for")
            }
            Self::Armored { .. } => {
                Some("decrypt it with age and hand the result on: age -d -i FILE BACKUP | seal … -")
            }
            Self::NoKey { .. } => {
                Some("key Secrets have the label sealedsecrets.bitnami.com/sealed-secrets-key")
            }
            Self::Terminal => Some("name a file: -w FILE"),
            Self::NoSuchKey { .. } | Self::NoKeys { .. } => {
                Some("see which there are: seal keys list; check --controller-namespace")
            }
            Self::Conflicts { .. } => Some(
                "find out which of the two is right; a Secret that is in the way must be deleted or \
                 renamed by hand",
            ),
            Self::Current {
                kind: Kind::Hybrid, ..
            } => Some("make a new one first: seal keys rotate"),
            Self::Current {
                kind: Kind::Age, ..
            } => Some(
                "make a new one first: seal keys rotate --kind age; the last one is given up with \
                 --last, once the controller has --age-keys=off",
            ),
            Self::NotHeld { .. } => Some("back it up: seal keys backup; or name another file"),
            Self::Denied { .. } => Some(
                "have a cluster administrator bind the Role seal-key-backup to you: whoever has it \
                 reads everything that is sealed",
            ),
            _ => None,
        }
    }
}
