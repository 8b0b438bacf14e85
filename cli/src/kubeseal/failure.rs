//! What kubeseal says when it cannot do something.

use std::io;

use crate::error::reason_of_io;

/// One line, or a few, for standard error, in upstream's words where it has any. It never quotes a
/// value. The program ends with status 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(String);

/// What has been made, or why not.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// With this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A call of the system that failed, as Go's `fs.PathError` prints it.
    #[must_use]
    pub fn of_path(call: &str, path: &str, error: &io::Error) -> Self {
        Self(format!("{call} {path}: {}", reason_of_system(error)))
    }
}

/// The system's words as Go spells them, beginning in lower case.
#[must_use]
pub fn reason_of_system(error: &io::Error) -> String {
    let text = reason_of_io(error);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => text,
    }
}

impl From<seal_manifest::Error> for Failure {
    fn from(error: seal_manifest::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<seal_manifest::EditError> for Failure {
    fn from(error: seal_manifest::EditError) -> Self {
        Self(error.to_string())
    }
}

impl From<seal_manifest::EmitError> for Failure {
    fn from(error: seal_manifest::EmitError) -> Self {
        Self(error.to_string())
    }
}

impl From<crate::error::Error> for Failure {
    fn from(error: crate::error::Error) -> Self {
        Self(error.to_string())
    }
}
