//! Where a new value comes from.

use std::io::{self, IsTerminal};

use clap::Args;
use zeroize::Zeroizing;

use super::{
    error::EditingError,
    password::{Alphabet, bits, generate},
};
use crate::{commands::encrypt::MOST_DATA, error::Error, input::Source, prompt, report};

/// The options that say where. None of them takes the value itself: the command line is seen by
/// other users and kept in the shell's history.
#[derive(Debug, Args)]
pub struct ValueOptions {
    /// The file with the value, taken byte for byte; - is standard input, which must not be empty
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    from_file: Option<Source>,

    /// Makes up a value that nobody ever sees
    #[arg(long)]
    generate: bool,

    /// How many characters to make up
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 32,
        requires = "generate",
        value_parser = clap::value_parser!(u32).range(1..=MOST_DATA as i64)
    )]
    length: u32,

    /// Of what characters
    #[arg(
        long,
        value_name = "ALPHABET",
        default_value = "alphanumeric",
        requires = "generate"
    )]
    alphabet: Alphabet,

    /// Of exactly these characters of ASCII, each of them once
    #[arg(
        long,
        value_name = "TEXT",
        requires = "generate",
        conflicts_with = "alphabet",
        value_parser = distinct
    )]
    characters: Option<String>,
}

impl ValueOptions {
    /// The value. Somebody at a terminal is asked for it, without echo.
    ///
    /// # Errors
    /// When it cannot be read or made, when it is more than a Secret holds, and when it is empty but
    /// for a file's.
    pub fn read(&self, key: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        if self.generate {
            return Ok(self.make_up()?);
        }
        read(self.from_file.as_ref(), key)
    }

    fn make_up(&self) -> Result<Zeroizing<Vec<u8>>, EditingError> {
        let characters = match &self.characters {
            Some(text) => text.as_bytes().to_vec(),
            None => self.alphabet.characters(),
        };
        let length = self.length as usize;
        let value = generate(length, &characters).map_err(EditingError::Random)?;
        report::note(&format_args!(
            "made up a value of {length} characters ({} bits)",
            bits(length, characters.len())
        ));
        Ok(value)
    }
}

/// A value from a file, from standard input or, where that is a terminal, from somebody who is
/// asked for it. Only a file may be empty: a pipe is, too, when what writes into it has failed.
///
/// # Errors
/// As [`ValueOptions::read`].
pub fn read(source: Option<&Source>, key: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let source = source.unwrap_or(&Source::Stdin);
    if *source == Source::Stdin && io::stdin().is_terminal() {
        return ask(key);
    }
    let value = source.read()?;
    if *source == Source::Stdin && value.is_empty() {
        return Err(EditingError::Empty {
            from: "standard input",
        }
        .into());
    }
    expect_size(source, &value)?;
    if ends_in_newline_by_accident(source, &value) {
        report::warning(&"the value ends with a newline, which is sealed with it");
    }
    Ok(value)
}

fn ask(key: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let hidden = |prompt: &str| prompt::hidden(prompt).map_err(EditingError::Terminal);
    let value = hidden(&format!("Value of {key}: "))?;
    if value.is_empty() {
        return Err(EditingError::Empty {
            from: "the terminal",
        }
        .into());
    }
    if *value != *hidden("The same again: ")? {
        return Err(EditingError::Mismatch.into());
    }
    Ok(value)
}

fn expect_size(source: &Source, value: &[u8]) -> Result<(), Error> {
    if value.len() <= MOST_DATA {
        return Ok(());
    }
    Err(Error::TooMuchData {
        at: source.to_string(),
        bytes: value.len(),
        most: MOST_DATA,
    })
}

/// `echo` adds one; a file of several lines is meant to end with one.
fn ends_in_newline_by_accident(source: &Source, value: &[u8]) -> bool {
    let breaks = value.iter().filter(|byte| **byte == b'\n').count();
    *source == Source::Stdin && value.ends_with(b"\n") && breaks == 1
}

/// A character that stands twice would be twice as likely.
fn distinct(text: &str) -> Result<String, String> {
    let mut seen = [false; 128];
    for byte in text.bytes() {
        match seen.get_mut(usize::from(byte)) {
            Some(seen) if *seen => return Err(format!("{:?} stands twice", char::from(byte))),
            Some(seen) => *seen = true,
            None => return Err("holds characters that are not ASCII".into()),
        }
    }
    match text.len() {
        0 | 1 => Err("at least two characters are needed".into()),
        _ => Ok(text.to_owned()),
    }
}
