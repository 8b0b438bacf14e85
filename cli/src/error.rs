//! What can go wrong, and the exit status that it gives.
//!
//! A message says where (`file:line:column`, or the object and the item) and what; the hint says
//! what to do next. Values never stand in either.

use std::{fmt, io, path::PathBuf, process::ExitCode, time::Duration};

use jiff::Timestamp;
use seal_api::{DecodeError, Scope};
use seal_envelope::KeyId;
use seal_keyring::{CertificateError, IdentityError};
use seal_manifest::{EmitError, Location};
use seal_sealing::{SealError, SecretError};

use crate::{
    backup::BackupError,
    certificate::CLUSTER,
    commands::{encrypt::ValueError, rotate::RotationError},
    config::ConfigError,
    download::DownloadError,
    editing::EditingError,
    git::GitError,
    report,
};

/// What a command answers that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// All is well; what commands answer that are asked no question.
    Yes,
    /// It was found out, and the answer is no.
    No,
}

/// Tells what went wrong and gives the exit status: 0 good, 1 the answer is no, 2 could not do it.
#[must_use]
pub fn exit_code(outcome: Result<Answer, Errors>) -> ExitCode {
    match outcome {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => NO.into(),
        Err(errors) => {
            tell(&errors);
            COULD_NOT.into()
        }
    }
}

/// Tells what is wrong, and what to do about it.
pub fn tell(errors: &Errors) {
    for error in &errors.0 {
        report::error(error, error.hint().as_deref());
    }
}

/// Prints help or version with status 0, or what is wrong with the arguments with status 2.
#[must_use]
pub fn exit_code_of_usage(usage: &clap::Error) -> ExitCode {
    match usage.print() {
        Ok(()) if !usage.use_stderr() => ExitCode::SUCCESS,
        _ => COULD_NOT.into(),
    }
}

const NO: u8 = 1;
const COULD_NOT: u8 = 2;

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
        /// Where it stands.
        at: Location,
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

    /// A private key is unusable.
    #[error("{from}: {error}")]
    Identity {
        /// Where it came from.
        from: String,
        /// Why.
        error: IdentityError,
    },
    /// A URL does not give a certificate.
    #[error("cannot get the certificate from {url}: {error}")]
    Url {
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
            Self::NoFileName => "write it to a file: -w FILE",
            Self::Collision { .. } => {
                "name the directory above them, or write them to directories of their own"
            }
            Self::OverInput { .. } => "name another directory, or replace the inputs: --in-place",
            Self::Exists { .. } => "edit it, or remove it first",
            Self::NoManifest { .. } => {
                "what .gitignore excludes and what is hidden is passed over; name such files one \
                 by one"
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
            Self::Editing(error) => return error.hint().map(str::to_owned),
            Self::Rotation(error) => return error.hint().map(str::to_owned),
            Self::Backup(error) => return error.hint().map(str::to_owned),
            Self::Changed { .. } => "look at what changed, and run the command again",
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
                status: Some(502..=504),
                ..
            } => "the controller does not answer; see whether its Pod is ready, and try again",
            Self::Cluster { .. } => {
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

    /// An output that cannot be written.
    pub(crate) fn write(to: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Write {
            to: to.display().to_string(),
            error,
        }
    }
}

/// Everything that is wrong, in the order of the input. Empty only while it is collected.
#[derive(Debug, Default)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// Adds one.
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, or nothing where it is wrong, which is added.
    pub fn ok<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Keeps the value, or adds what is wrong with it.
    pub fn take<T>(&mut self, result: Result<T, Errors>, values: &mut Vec<T>) {
        match result {
            Ok(value) => values.push(value),
            Err(errors) => self.0.extend(errors.0),
        }
    }

    /// The values, when nothing was wrong.
    ///
    /// # Errors
    /// Itself, unless it is empty.
    pub fn or<T>(self, values: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(values)
        } else {
            Err(self)
        }
    }
}

impl<E: Into<Error>> From<E> for Errors {
    fn from(error: E) -> Self {
        Self(vec![error.into()])
    }
}

impl FromIterator<Error> for Errors {
    fn from_iter<I: IntoIterator<Item = Error>>(errors: I) -> Self {
        Self(errors.into_iter().collect())
    }
}

/// The system's words, without its number.
pub(crate) fn reason_of_io(error: &io::Error) -> String {
    without_number(error.to_string())
}

fn without_number(text: String) -> String {
    match text.rfind(" (os error ") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// An error with its causes, each told once.
pub(crate) fn reason_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            let separator = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{separator}{part}");
        }
        next = error.source();
    }
    without_number(text)
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| writeln!(f, "{error}"))
    }
}
