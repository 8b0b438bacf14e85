//! What can go wrong, and the exit status that it gives.
//!
//! A message says where (`file:line:column`, or the object and the item) and what; the
//! [hint](Error::hint) says what to do next. Values never stand in either.

mod exit;
mod hint;
mod reason;
mod several;

use std::{io, path::PathBuf, time::Duration};

use jiff::Timestamp;
use seal_api::{DecodeError, Scope};
use seal_envelope::KeyId;
use seal_keyring::{CertificateError, IdentityError};
use seal_manifest::{EmitError, Location};
use seal_sealing::{SealError, SecretError};

pub use exit::{Answer, exit_code, exit_code_of_usage, tell};
pub(crate) use reason::{reason_of, reason_of_io, reason_of_kubeconfig};
pub use several::Errors;

use crate::{
    age_keys::AgeKeyError,
    backup::BackupError,
    commands::{encrypt::ValueError, rotate::RotationError},
    config::ConfigError,
    download::DownloadError,
    editing::EditingError,
    git::GitError,
    output::OutputError,
    recipients::RecipientError,
};

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An input cannot be read.
    #[error("cannot read {from}: {}", reason_of_io(.error))]
    Read {
        /// The input.
        from: String,
        /// Why.
        error: io::Error,
    },
    /// An input is longer than anything this program reads.
    #[error("{from}: longer than {} MiB", .most >> 20)]
    TooLong {
        /// The input.
        from: String,
        /// The limit in bytes.
        most: usize,
    },
    /// A directory or a pattern that leads to no manifest.
    #[error("{named}: no file there ends in .yaml, .yml or .json")]
    NoManifest {
        /// The directory or the pattern.
        named: String,
    },
    /// A pattern for files is malformed.
    #[error("the pattern {pattern:?} is malformed: {why}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        why: String,
    },
    /// A value is not what it should be.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Standard input is wanted more than once.
    #[error("standard input (-) can be read only once")]
    StdinTwice,
    /// An option takes so many arguments.
    #[error("{option} takes {wanted} arguments, but there are {found}")]
    Arguments {
        /// The option.
        option: &'static str,
        /// How many it takes.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Somebody was asked and did not agree.
    #[error("nothing was done")]
    Declined,
    /// Somebody would have to be asked, and nobody is there.
    #[error("{question} There is no terminal to ask")]
    NobodyToAsk {
        /// What would be asked.
        question: String,
    },
    /// Git does not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A result has no place to go to, or is not taken there.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A result cannot be put into YAML or JSON.
    #[error(transparent)]
    Emit(#[from] EmitError),

    /// A `.seal.yaml` is not what it should be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The YAML or JSON is not what it should be.
    #[error(transparent)]
    Manifest(#[from] seal_manifest::Error),
    /// Not a Secret, or a malformed one.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Not a SealedSecret, or a malformed one.
    #[error("{at}: {error}")]
    SealedSecret {
        /// Where it stands.
        at: Location,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// There is no object at all.
    #[error("{from}: holds no {expected}")]
    NoObject {
        /// The input.
        from: String,
        /// What was looked for.
        expected: &'static str,
    },
    /// A field that no Secret has.
    #[error("{at}: a Secret has no field {field:?}, so what stands there would be lost")]
    UnknownField {
        /// Where it stands.
        at: Location,
        /// Its name.
        field: String,
    },
    /// A field of a Secret has the wrong type.
    #[error("{at}: {field}: expected {expected}, found {found}")]
    FieldType {
        /// Where it stands.
        at: Location,
        /// Its name.
        field: String,
        /// What the field takes.
        expected: &'static str,
        /// The type of what stands there.
        found: &'static str,
    },
    /// A Secret without a single value.
    #[error("{at}: the Secret {called} holds no data")]
    EmptyData {
        /// Where it stands, or what it was made of.
        at: String,
        /// Its namespace and name.
        called: String,
    },
    /// More data than a Secret may hold.
    #[error("{at}: {bytes} bytes of data, but a Secret holds at most {most}")]
    TooMuchData {
        /// Where it stands: file, line and column, or the input.
        at: String,
        /// What there is.
        bytes: usize,
        /// The limit of the API server.
        most: usize,
    },
    /// A SealedSecret for which the API server has no room.
    #[error(
        "{at}: the SealedSecret {called} takes {bytes} bytes as the API server stores it, status and \
         bookkeeping included, but etcd takes at most {most} in a request"
    )]
    TooLarge {
        /// Where it stands, or the Secret that it is made from.
        at: String,
        /// Its namespace and name.
        called: String,
        /// What it takes.
        bytes: usize,
        /// The limit of etcd.
        most: usize,
    },
    /// An object without a name.
    #[error("{at}: metadata.name is missing")]
    NameMissing {
        /// Where it should stand.
        at: Location,
    },
    /// An object without a namespace, where its scope needs one.
    #[error("{at}: metadata.namespace is missing, and {scope} scope binds the values to it")]
    NamespaceMissing {
        /// Where it should stand.
        at: Location,
        /// The scope.
        scope: Scope,
    },
    /// The namespace asked for is another.
    #[error("{at}: the namespace is {found:?}, but --namespace says {wanted:?}")]
    NamespaceMismatch {
        /// Where it stands.
        at: Location,
        /// What stands there.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// One name for several objects.
    #[error("--name gives one name, but there are {objects} Secrets")]
    OneNameForMany {
        /// How many there are.
        objects: usize,
    },
    /// A value to be sealed alone lacks what its scope binds it to.
    #[error("{scope} scope needs --{missing}")]
    Unnamed {
        /// The scope.
        scope: Scope,
        /// The option that is missing.
        missing: &'static str,
    },
    /// Sealing failed.
    #[error("{at}: {error}")]
    Seal {
        /// Where the Secret stands, or the input.
        at: String,
        /// Why.
        error: SealError,
    },
    /// A sealed item does not open.
    #[error("{at}: SealedSecret {called}: {item}: {why}")]
    Unseal {
        /// Where the item stands.
        at: Location,
        /// Namespace and name of the object.
        called: String,
        /// The item.
        item: String,
        /// Why.
        why: String,
    },

    /// A sealed file is not edited.
    #[error(transparent)]
    Editing(#[from] EditingError),
    /// Values are not sealed again.
    #[error(transparent)]
    Rotation(#[from] RotationError),

    /// A certificate is unusable.
    #[error("{from}: {error}")]
    Certificate {
        /// Where it came from.
        from: String,
        /// Why.
        error: CertificateError,
    },
    /// A certificate's time is over.
    #[error("{from}: the certificate of key {key} expired on {not_after}")]
    Expired {
        /// Where it came from.
        from: String,
        /// Its key.
        key: KeyId,
        /// The last moment of its validity.
        not_after: Timestamp,
    },
    /// A backup of keys cannot be made or used.
    #[error(transparent)]
    Backup(#[from] BackupError),

    /// Age keys cannot be used.
    #[error(transparent)]
    AgeKey(#[from] AgeKeyError),
    /// It is not clear whom to seal for, or not possible.
    #[error(transparent)]
    Recipients(#[from] RecipientError),

    /// A private key is unusable.
    #[error("{from}: {error}")]
    Identity {
        /// Where it came from.
        from: String,
        /// Why.
        error: IdentityError,
    },
    /// A URL does not give what is to be read there.
    #[error("cannot get {what} from {url}: {error}")]
    Url {
        /// What was to be read there.
        what: &'static str,
        /// The URL.
        url: String,
        /// Why.
        error: DownloadError,
    },
    /// Nothing says with which certificate to seal.
    #[error("nothing says with which certificate to seal")]
    NoCertificate,
    /// The `.seal.yaml` does not say for which cluster.
    #[error(
        "{}: no rule says for which of the clusters {} is sealed",
        .config.display(),
        .file.display()
    )]
    Unassigned {
        /// The file to be sealed.
        file: PathBuf,
        /// The `.seal.yaml`.
        config: PathBuf,
    },
    /// A key that is not among those that may be sealed with.
    #[error(
        "{from}: its key {key} is none of those that {} pins for the cluster {cluster}; nothing is \
         sealed with it",
        .config.display()
    )]
    Unpinned {
        /// Where the certificate came from.
        from: String,
        /// Its key.
        key: KeyId,
        /// The cluster whose pins hold.
        cluster: String,
        /// The `.seal.yaml`.
        config: PathBuf,
    },
    /// The kubeconfig, or what the command line says instead of it, leads to no cluster.
    #[error("no cluster to ask: {why}")]
    Kubeconfig {
        /// Why.
        why: String,
    },
    /// The cluster does not answer, or with an error.
    #[error("cannot {what}: {why}")]
    Cluster {
        /// What was tried.
        what: String,
        /// Why it failed.
        why: String,
        /// The status of the answer, where there was one.
        status: Option<u16>,
    },
    /// The cluster denies what only key administrators may do.
    #[error("cannot {what}: {why}")]
    KeyAdministrator {
        /// What was tried.
        what: String,
        /// The cluster's words.
        why: String,
    },
    /// The controller neither lists its keys nor takes requests.
    #[error(
        "the controller in {namespace} does not list its keys and takes no requests for new ones"
    )]
    KeyDesk {
        /// Where it was looked for.
        namespace: String,
    },
    /// The controller has not answered a request.
    #[error("the controller has not met the request {id} within {patience:?}")]
    Unanswered {
        /// The request.
        id: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The controller does not do what was asked for.
    #[error("the controller refused: {why}")]
    Refused {
        /// In its words.
        why: String,
    },
}

impl Error {
    /// Whether nobody could be asked, rather than that the answer was no.
    #[must_use]
    pub fn is_of_the_network(&self) -> bool {
        match self {
            Self::Cluster { status, .. } => status.is_none_or(|status| status >= 500),
            Self::Url { error, .. } => match error {
                DownloadError::Network(_) => true,
                DownloadError::Status(status) => status.is_server_error(),
                DownloadError::TooLong => false,
            },
            _ => false,
        }
    }
}
