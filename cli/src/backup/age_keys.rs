//! Files of age recipients and identities, one a line, as `age-keygen` writes them.

use seal_envelope::{Identity, KeyError, Recipient, Recipients};
use zeroize::Zeroizing;

use super::BackupError;
use crate::{error::Error, input::Source};

/// All recipients, those of the command line first.
///
/// # Errors
/// [`Error::Backup`] and those of reading.
pub fn recipients(named: &[String], files: &[Source]) -> Result<Recipients, Error> {
    let mut all = Vec::new();
    for text in named {
        let recipient: Result<Recipient, _> = text.parse();
        all.push(recipient.map_err(|error| malformed(option(text), error))?);
    }
    for file in files {
        for (at, line) in lines(file)? {
            all.push(line.parse().map_err(|error| malformed(at, error))?);
        }
    }
    Recipients::new(all).map_err(|error| BackupError::Recipients { error }.into())
}

/// The age identities of all files.
///
/// # Errors
/// [`Error::Backup`], also for a file without any, and those of reading.
pub fn identities(files: &[Source]) -> Result<Vec<Identity>, Error> {
    let mut all = Vec::new();
    for file in files {
        file.announce("age identities");
        let found = all.len();
        for (at, line) in lines(file)? {
            all.push(Identity::from_age(&line).map_err(|error| malformed(at, error))?);
        }
        if all.len() == found {
            let from = file.to_string();
            return Err(BackupError::NoIdentity { from }.into());
        }
    }
    Ok(all)
}

/// The option, with its text only where that may be public: an identity may have been given in its
/// place.
fn option(text: &str) -> String {
    match text.starts_with("age1") {
        true => format!("--recipient {text}"),
        false => "--recipient".to_owned(),
    }
}

fn malformed(at: String, error: KeyError) -> BackupError {
    BackupError::AgeKey { at, error }
}

/// The lines that say something, and where they stand.
fn lines(file: &Source) -> Result<Vec<(String, Zeroizing<String>)>, Error> {
    let bytes = file.read()?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let from = file.to_string();
        return Err(BackupError::NotText { from }.into());
    };
    let lines = text.lines().zip(1..).map(|(line, at)| (at, line.trim()));
    let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    Ok(said
        .map(|(at, line)| (format!("{file}:{at}"), Zeroizing::new(line.to_owned())))
        .collect())
}
