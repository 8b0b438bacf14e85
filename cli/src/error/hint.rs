//! What to do about an error.

use seal_api::DecodeError;
use seal_keyring::CertificateError;
use seal_sealing::SecretError;

use super::Error;
use crate::{certificate::CLUSTER, git::GitError};

impl Error {
    /// What to do about it, where the message does not say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Secret(SecretError::NotASecret { found, .. }) if found.contains("Sealed") => {
                "it is sealed already; seal the Secret it was made from"
            }
            Self::Secret(SecretError::NotASecret { .. }) => {
                "take this document out, or name only files that hold Secrets"
            }
            Self::SealedSecret {
                error: DecodeError::NotASealedSecret { .. },
                ..
            } => "take this document out, or name only files that hold SealedSecrets",
            Self::NoManifest { .. } => {
                "what .gitignore excludes is passed over, and by all but seal check what is hidden; \
                 name such files one by one"
            }
            Self::UnknownField { .. } => {
                "correct its spelling, or remove it; values stand in data (base64) or stringData"
            }
            Self::FieldType {
                expected: "text", ..
            } => "quote the value",
            Self::NobodyToAsk { .. } => "if that is intended, add --yes",
            Self::Git(GitError::NoWorkTree) => {
                "go into one, or compare two files with: seal diff --no-index OLD NEW"
            }
            Self::Git(GitError::Ambiguous(_)) => "put -- before files, or behind revisions",
            Self::Git(GitError::Unknown(_)) => "put -- before files that are gone",
            Self::EmptyData { .. } => "if that is intended, add --allow-empty-data",
            Self::TooLarge { .. } => {
                "divide its values among several Secrets, or seal for fewer recipients: each takes \
                 0.1 KB of every value, a post-quantum one 2 KB"
            }
            Self::NameMissing { .. } => "add it to the manifest",
            Self::NamespaceMissing { .. } => {
                "add it to the manifest, or name it with --namespace; no kubeconfig is consulted"
            }
            Self::NamespaceMismatch { .. } => "correct one of the two, or leave --namespace out",
            Self::OneNameForMany { .. } => "seal them one by one, or name them in the manifests",
            Self::Unnamed { .. } => {
                "what it is bound to must be the same as in the SealedSecret that it goes into"
            }
            Self::Certificate { from, .. } if from == CLUSTER => {
                "what answers there is no Sealed Secrets controller; check --controller-name and \
                 --controller-namespace"
            }
            Self::Expired { from, .. } if from == CLUSTER => {
                "the controller has to make a new key; its log tells why it did not"
            }
            Self::Certificate {
                error: CertificateError::Missing,
                ..
            } => "fetch the cluster's certificate with: seal keys fetch -w cert.pem",
            Self::Certificate {
                error: CertificateError::Key(_),
                ..
            } => "use the certificate of a Sealed Secrets controller: seal keys fetch -w cert.pem",
            Self::NoCertificate => {
                "name it with --cert FILE, name a cluster to ask with --context NAME, or let seal \
                 init write a .seal.yaml"
            }
            Self::Unassigned { .. } => {
                "give it a rule there, or name the certificate with --cert FILE"
            }
            Self::Unpinned { .. } => {
                "make sure, in the cluster, that this is its key, and add it to the pins; if it is \
                 not, somebody wants to read what you seal"
            }
            Self::Expired { .. } => "fetch the current one with: seal keys fetch -w cert.pem",
            Self::Output(error) => return error.hint().map(str::to_owned),
            Self::Editing(error) => return error.hint().map(str::to_owned),
            Self::Rotation(error) => return error.hint().map(str::to_owned),
            Self::Backup(error) => return error.hint().map(str::to_owned),
            Self::AgeKey(error) => return error.hint().map(str::to_owned),
            Self::Recipients(error) => return error.hint().map(str::to_owned),
            Self::Kubeconfig { .. } => {
                "name a kubeconfig with --kubeconfig, or seal offline with --cert FILE"
            }
            Self::Cluster {
                status: Some(404), ..
            } => {
                "if the controller has another name or namespace, say so with --controller-name \
                 and --controller-namespace"
            }
            Self::Cluster {
                status: Some(401 | 403),
                ..
            } => "ask for that right, or for the certificate itself and pass it with --cert FILE",
            Self::Cluster {
                status: Some(429), ..
            } => "others ask it, too; try again in a minute",
            Self::Cluster {
                status: Some(502..=504),
                ..
            } => "the controller does not answer; see whether its Pod is ready, and try again",
            Self::Cluster { status: None, .. } => {
                "check --context and the network, or seal offline with --cert FILE"
            }
            Self::KeyAdministrator { .. } => {
                "have a cluster administrator bind the Role and the ClusterRole seal-key-admin to you"
            }
            Self::KeyDesk { .. } => {
                "check --controller-namespace; the controller may be another than seal's, or may \
                 not write ConfigMaps, which its log tells. SIGUSR1 makes it make a new key, too"
            }
            Self::Unanswered { id, .. } => {
                return Some(format!(
                    "the request stands: wait on with --request-id {id}, and see the controller's log"
                ));
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
