//! What is found, as data: the same for people and for machines.

use clap::ValueEnum;
use schemars::JsonSchema;
use seal_manifest::Location;
use serde::Serialize;

/// What `seal check --output json` prints.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Whether no finding is an error.
    pub passed: bool,
    /// How many files were read.
    pub files: usize,
    /// How many SealedSecrets are in them.
    pub sealed_secrets: usize,
    /// Files that hold template actions (`{{ }}`) and no YAML, which were not checked.
    pub skipped: Vec<String>,
    /// What was found, in the order of the files and of the places in them.
    pub findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which rule found it. These names are stable.
    pub rule: Rule,
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong. No value stands in it.
    pub message: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The check fails.
    Error,
    /// Works today, but deserves attention.
    Warning,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The file is neither YAML nor JSON, or not text.
    Syntax,
    /// A key stands twice in one mapping.
    DuplicateKey,
    /// A plain scalar that readers of YAML take differently.
    AmbiguousYaml,
    /// A SealedSecret with a field of the wrong type, or with contradicting ones.
    Malformed,
    /// A field that no SealedSecret has.
    UnknownField,
    /// A SealedSecret from which nothing comes.
    NoData,
    /// The deprecated field spec.data.
    DeprecatedData,
    /// A name or namespace that is missing or that the API server refuses.
    Name,
    /// The template's name or namespace differs: the object may have been renamed after sealing.
    Renamed,
    /// A key that no Secret can have.
    KeyName,
    /// A sealed value that is not base64.
    Base64,
    /// A sealed value that is truncated or damaged so that it shows.
    Envelope,
    /// More data than a Secret may hold, or than the API server has room for.
    TooLarge,
    /// Annotations of the scope that contradict one another.
    Scope,
    /// Sealed for keys that are not those of .seal.yaml or --cert.
    Recipients,
    /// A Secret in plaintext.
    PlaintextSecret,
    /// An annotation that holds a copy of the Secret in plaintext.
    PlaintextAnnotation,
    /// A certificate that has expired.
    CertificateExpired,
    /// A certificate that expires soon.
    CertificateExpiring,
    /// The controller in the cluster cannot open it.
    DoesNotOpen,
}

impl Rule {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

impl Finding {
    /// Something for which the check fails.
    #[must_use]
    pub fn error(rule: Rule, at: Location, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: Severity::Error,
            file: at.source,
            line: at.line,
            column: at.column,
            message: message.into(),
        }
    }

    /// Something that deserves attention.
    #[must_use]
    pub fn warning(rule: Rule, at: Location, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(rule, at, message)
        }
    }
}
