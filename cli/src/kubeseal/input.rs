//! Where input comes from: the file of `-f`, or standard input.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
};

use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};
use crate::input::read_wiped;

/// An open input.
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file and how it was called.
    File(String, File),
}

impl Input {
    /// Opens it. An empty path, and only that, is standard input.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &str) -> Outcome<Self> {
        if path.is_empty() {
            return Ok(Self::Stdin);
        }
        match File::open(path) {
            Ok(file) => Ok(Self::File(path.to_owned(), file)),
            Err(_) => Err(Failure::new(
                "Could not read file specified with --secret-file",
            )),
        }
    }

    /// How messages call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "<stdin>".into(),
            Self::File(path, _) => path.clone(),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than any manifest.
    pub fn read(&mut self) -> Outcome<Zeroizing<Vec<u8>>> {
        match self {
            Self::Stdin => bounded("/dev/stdin", &mut io::stdin().lock()),
            Self::File(path, file) => bounded(path, file),
        }
    }

    /// Tells somebody who sits before a terminal what is waited for.
    pub fn announce(&self, what: &str) {
        if matches!(self, Self::Stdin) && io::stdin().is_terminal() {
            crate::report::note(&format_args!("(tty detected: expecting {what} in stdin)"));
        }
    }
}

/// All of a file.
///
/// # Errors
/// When it cannot be read, or is longer than any manifest.
pub fn read_file(path: &str) -> Outcome<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path).map_err(|error| Failure::of_path("open", path, &error))?;
    bounded(path, &mut file)
}

fn bounded(name: &str, reader: &mut impl Read) -> Outcome<Zeroizing<Vec<u8>>> {
    match read_wiped(reader, 0) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Failure::new(format!(
            "read {name}: longer than any manifest"
        ))),
        Err(error) => Err(Failure::of_path("read", name, &error)),
    }
}
