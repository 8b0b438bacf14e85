//! age keys as people hand them over: recipients on the command line and in files, identities in
//! files, one a line, as `age-keygen` writes them.

mod error;

use std::ffi::{OsStr, OsString};

use clap::Args;
use seal_envelope::{Identity, Recipient, Recipients, RecipientsError};
use seal_keyring::{IdentityError, age_lines, identities_from_age};
use zeroize::Zeroizing;

use crate::{certificate::Place, cluster::Published, error::Error, input::Source};

pub use error::AgeKeyError;

/// What every age identity begins with, in capitals.
const IDENTITY: &str = "AGE-SECRET-KEY-";
/// What identities of plugins begin with.
const PLUGIN_IDENTITY: &str = "AGE-PLUGIN-";
/// What every recipient begins with.
const RECIPIENT: &str = "age1";

/// The options that name age recipients.
#[derive(Debug, Default, Args)]
#[group(id = "age-recipients", multiple = true)]
pub struct RecipientOptions {
    /// Who can open it: age1… or age1pq1… (post-quantum); may be repeated
    #[arg(short, long = "recipient", value_name = "RECIPIENT")]
    recipients: Vec<String>,

    /// Recipients from a file or a URL, one a line, as age takes them; may be repeated
    #[arg(short = 'R', long = "recipients-file", value_name = "FILE|URL")]
    recipients_files: Vec<OsString>,
}

/// A recipient, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What messages call the place.
    pub at: String,
    /// The key.
    pub recipient: Recipient,
}

impl RecipientOptions {
    /// Whether they name any.
    #[must_use]
    pub fn are_given(&self) -> bool {
        !(self.recipients.is_empty() && self.recipients_files.is_empty())
    }

    /// Whether one of the files is standard input.
    #[must_use]
    pub fn take_stdin(&self) -> bool {
        self.recipients_files.iter().any(|file| file == "-")
    }

    /// All that they name, those of the command line first.
    ///
    /// # Errors
    /// [`Error::AgeKey`] and those of reading.
    pub fn read(&self) -> Result<Vec<Found>, Error> {
        let mut all = Vec::new();
        for text in &self.recipients {
            let at = option(text);
            let recipient = recipient(&at, text)?;
            all.push(Found { at, recipient });
        }
        for file in &self.recipients_files {
            expect_no_identity("--recipients-file", file)?;
            let (from, bytes) = match Source::from(file.clone()) {
                Source::Stdin => (Source::Stdin.to_string(), Source::Stdin.read()?),
                Source::File(_) => Place::from(file.clone()).read(Published::Recipients)?,
            };
            all.extend(in_text(&from, &bytes)?);
        }
        Ok(all)
    }
}

/// The option, with its text only where that may be public: an identity may have been given in its
/// place.
fn option(text: &str) -> String {
    match text.starts_with(RECIPIENT) {
        true => format!("--recipient {text}"),
        false => "--recipient".to_owned(),
    }
}

/// The recipients of a text in age's format: one a line, with comments (`#`) and blank lines.
///
/// # Errors
/// [`Error::AgeKey`], also for a text without any.
pub fn in_text(from: &str, text: &[u8]) -> Result<Vec<Found>, Error> {
    let mut all = Vec::new();
    for (at, line) in lines(from, text)? {
        let recipient = recipient(&at, &line)?;
        all.push(Found { at, recipient });
    }
    match all.is_empty() {
        true => Err(AgeKeyError::NoRecipient { from: from.into() }.into()),
        false => Ok(all),
    }
}

/// Reads one recipient. Nothing is repeated that may be private.
///
/// # Errors
/// [`AgeKeyError`], which says what stands at `at` instead.
pub fn recipient(at: &str, text: &str) -> Result<Recipient, AgeKeyError> {
    let at = at.to_owned();
    match text.parse() {
        Ok(recipient) => Ok(recipient),
        Err(_) if is_identity(text) => Err(AgeKeyError::IdentityGiven { at }),
        Err(error) => Err(AgeKeyError::Key { at, error }),
    }
}

/// Whom a value is sealed for, if all of these can share it.
///
/// # Errors
/// [`AgeKeyError::Together`], which says where the two stand that cannot.
pub fn together(found: &[Found]) -> Result<Recipients, AgeKeyError> {
    let recipients = found.iter().map(|found| found.recipient.clone());
    Recipients::new(recipients).map_err(|error| {
        let places = match &error {
            RecipientsError::PostQuantumWithOther { first, other }
            | RecipientsError::SeveralWithRsa { first, other } => [first, other]
                .map(|id| found.iter().find(|it| it.recipient.id() == id))
                .into_iter()
                .flatten()
                .map(|found| found.at.clone())
                .collect(),
            _ => Vec::new(),
        };
        AgeKeyError::Together { places, error }
    })
}

/// The age identities of all files.
///
/// # Errors
/// [`Error::AgeKey`], also for a file without any, and those of reading.
pub fn identities(files: &[Source]) -> Result<Vec<Identity>, Error> {
    let mut all = Vec::new();
    for file in files {
        file.announce("age identities");
        if let Source::File(path) = file {
            expect_no_identity("--identity", path.as_os_str())?;
        }
        all.extend(identities_in_text(&file.to_string(), &file.read()?)?);
    }
    Ok(all)
}

/// The age identities of a text.
///
/// # Errors
/// [`AgeKeyError`], also for a text without any.
pub fn identities_in_text(from: &str, text: &[u8]) -> Result<Vec<Identity>, AgeKeyError> {
    identities_from_age(text).map_err(|error| match error {
        IdentityError::Age { line, error } => AgeKeyError::Key {
            at: format!("{from}:{line}"),
            error,
        },
        IdentityError::NotText => AgeKeyError::NotText { from: from.into() },
        _ => AgeKeyError::NoIdentity { from: from.into() },
    })
}

/// Whoever names an identity where a file with one belongs must not find it in a message.
///
/// # Errors
/// [`AgeKeyError::NotAFile`].
pub fn expect_no_identity(option: &'static str, file: &OsStr) -> Result<(), AgeKeyError> {
    match file.to_str().is_some_and(is_identity) {
        true => Err(AgeKeyError::NotAFile { option }),
        false => Ok(()),
    }
}

/// Whether a text begins as identities do, in any case as age and bech32 have it.
#[must_use]
pub fn is_identity(text: &str) -> bool {
    [IDENTITY, PLUGIN_IDENTITY].iter().any(|start| {
        let beginning = text.get(..start.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
    })
}

/// The lines that say something, and where they stand.
fn lines(from: &str, text: &[u8]) -> Result<Vec<(String, Zeroizing<String>)>, AgeKeyError> {
    let Ok(text) = std::str::from_utf8(text) else {
        return Err(AgeKeyError::NotText { from: from.into() });
    };
    Ok(age_lines(text)
        .map(|(at, line)| (format!("{from}:{at}"), Zeroizing::new(line.to_owned())))
        .collect())
}
