//! What can be wrong with a `.seal.yaml`.

use std::fmt;

use seal_manifest::Location;

/// What is wrong, and where. Always the fault of the file.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct ConfigError {
    /// Where.
    pub at: Location,
    /// What.
    pub problem: Problem,
}

/// What is wrong, without the place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More than one document.
    #[error("a second document; put everything into the first")]
    SecondDocument,
    /// A field that means nothing.
    #[error("unknown field {field:?}{}", Meant(.meant, .known))]
    UnknownField {
        /// Its name.
        field: String,
        /// What it may have been meant to be.
        meant: Option<String>,
        /// Every field that is known there.
        known: &'static [&'static str],
    },
    /// A field that is needed.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value of the wrong type, or an empty one.
    #[error("{field}: expected {expected}, found {found}")]
    Type {
        /// The field.
        field: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A text that is not what the field takes.
    #[error("{field}: {why}")]
    Value {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A cluster that is not described.
    #[error("there is no cluster {name:?} under clusters{}", DidYouMean(.meant))]
    UnknownCluster {
        /// Its name.
        name: String,
        /// What it may have been meant to be.
        meant: Option<String>,
    },
    /// A rule for several clusters, one of which has no age keys that anybody knows.
    #[error(
        "clusters: files for several clusters are sealed for age recipients, and {cluster:?} has \
         neither recipients nor a context with which it is asked for them"
    )]
    NoRecipients {
        /// The cluster.
        cluster: String,
    },
    /// A private key where a public one belongs.
    #[error("{field}: is an age identity, the private side of a key; give its recipient")]
    Identity {
        /// The field.
        field: &'static str,
    },
    /// A cluster whose keys are nowhere.
    #[error(
        "the cluster needs a certificate or recipients, or a context with which it is asked for them"
    )]
    NoKey,
}

struct DidYouMean<'a>(&'a Option<String>);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(meant) => write!(f, "; did you mean {meant:?}?"),
            None => Ok(()),
        }
    }
}

struct Meant<'a>(&'a Option<String>, &'a [&'static str]);

impl fmt::Display for Meant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(_) => DidYouMean(self.0).fmt(f),
            None => write!(f, "; known here: {}", self.1.join(", ")),
        }
    }
}
