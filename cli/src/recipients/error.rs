use std::path::PathBuf;

use seal_envelope::KeyId;

/// Why it is not clear whom to seal for, or not possible.
#[derive(Debug, thiserror::Error)]
pub enum RecipientError {
    /// A certificate and age recipients.
    #[error("a value is sealed with one certificate or for age recipients, and both are named")]
    Both,
    /// Age envelopes are asked for, and nobody is named.
    #[error("nothing says for which age recipients to seal")]
    Nobody,
    /// A cluster that the file of the repository gives no recipients.
    #[error("{}: the cluster {cluster} has no age recipients", .config.display())]
    NoRecipients {
        /// The cluster.
        cluster: String,
        /// The `.seal.yaml`.
        config: PathBuf,
    },
    /// A cluster that the file of the repository gives no certificate.
    #[error("{}: the cluster {cluster} has no certificate", .config.display())]
    NoCertificate {
        /// The cluster.
        cluster: String,
        /// The `.seal.yaml`.
        config: PathBuf,
    },
    /// A cluster that publishes no recipients.
    #[error("the controller in {namespace} publishes no age recipient")]
    Unpublished {
        /// Where it was looked for.
        namespace: String,
    },
    /// Hybrid envelopes for several clusters.
    #[error(
        "{} is sealed for the clusters {}, and a hybrid value is for one RSA key",
        .file.display(),
        .clusters.join(", ")
    )]
    SeveralClusters {
        /// The file to be sealed.
        file: PathBuf,
        /// Their names.
        clusters: Vec<String>,
    },
    /// Hybrid envelopes where an escrow key is to open everything.
    #[error(
        "{}: what is sealed with a certificate does not open with the escrow keys that it names",
        .config.display()
    )]
    EscrowNeedsAge {
        /// The `.seal.yaml`.
        config: PathBuf,
    },
    /// A recipient that is not among those that may be sealed for.
    #[error(
        "{at}: its key {key} is none of those that {} pins for the cluster {cluster}; nothing is \
         sealed for it",
        .config.display()
    )]
    Unpinned {
        /// Where the recipient stands.
        at: String,
        /// Its key.
        key: KeyId,
        /// The cluster whose pins hold.
        cluster: String,
        /// The `.seal.yaml`.
        config: PathBuf,
    },
    /// Recipients from where something else is read.
    #[error("recipients are read from files and URLs here, not from standard input")]
    Stdin,
}

impl RecipientError {
    /// What to do about it, where the message does not say.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Both => {
                "leave one out (SEALED_SECRETS_CERT names a certificate, too), or say which with \
                 --kind age or --kind hybrid"
            }
            Self::Nobody => {
                "name them with --recipient or --recipients-file, name a cluster to ask with \
                 --context NAME, or give a cluster of .seal.yaml recipients"
            }
            Self::NoRecipients { .. } => {
                "give it recipients there: seal keys fetch --recipients -w recipients.txt"
            }
            Self::NoCertificate { .. } => {
                "give it one there: seal keys fetch -w cert.pem; or seal with --kind age"
            }
            Self::Unpublished { .. } => {
                "it makes age keys with --age-keys=x25519 or --age-keys=pq; Sealed Secrets' own \
                 controller has none"
            }
            Self::SeveralClusters { .. } => {
                "seal for age recipients, which each of the clusters needs: --kind age"
            }
            Self::EscrowNeedsAge { .. } => {
                "give the cluster age recipients, take the escrow out of the rules of such files, \
                 or seal without them: --no-config"
            }
            Self::Unpinned { .. } => {
                "make sure, in the cluster, that this is its key, and add it to the pins; if it is \
                 not, somebody wants to read what you seal"
            }
            Self::Stdin => "write them to a file first",
        })
    }
}
