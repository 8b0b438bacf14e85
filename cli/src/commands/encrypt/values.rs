//! Values without a manifest, as `kubectl create secret generic` takes them, so that no Secret in
//! plaintext need ever be on the disk.

use std::{
    convert::Infallible,
    env, fmt, fs,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};
use seal_envelope::Plaintext;
use seal_sealing::Secret;
use zeroize::Zeroizing;

use crate::{
    error::{Error, Errors},
    input::{Source, expect_one_stdin, without_mark},
    report,
};

/// The longest key of a Secret (`DNS1123SubdomainMaxLength`).
const LONGEST_KEY: usize = 253;

/// What a line that cannot be read may be a piece of.
const SEVERAL_LINES: &str =
    "values of several lines cannot stand in an env file: --from-file KEY=FILE takes them";

/// The values of a Secret that is in no manifest.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Values instead of a manifest",
    group(ArgGroup::new(VALUES).multiple(true))
)]
pub(super) struct Values {
    /// A value from a file, under the file's name or KEY; of a directory every file in it, each under a
    /// name that can be a key; - is standard input. May be repeated
    #[arg(long, value_name = "[KEY=]FILE", group = VALUES, requires = "name")]
    from_file: Vec<PathBuf>,

    /// Values from a file with lines KEY=VALUE, quotes included; a line KEY takes the value from the
    /// environment, where it must be set. May be repeated
    #[arg(long, value_name = "FILE", group = VALUES, requires = "name")]
    from_env_file: Vec<Source>,

    /// A value in plain sight: the shell's history and every process see it. May be repeated
    #[arg(
        long,
        value_name = "KEY=VALUE",
        group = VALUES,
        requires = "name",
        value_parser = Literal::parse
    )]
    from_literal: Vec<Literal>,

    /// The type of the Secret; Opaque when absent
    #[arg(long = "type", value_name = "TYPE", requires = VALUES)]
    type_: Option<String>,
}

/// The group of the options that give values.
pub(super) const VALUES: &str = "values";

/// `KEY=VALUE`, wiped when dropped.
#[derive(Clone)]
struct Literal(Zeroizing<String>);

impl Literal {
    /// Looked at later: what clap refuses, it quotes.
    #[expect(clippy::unnecessary_wraps, reason = "clap wants it so")]
    fn parse(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A value that cannot be taken. Nothing of it is in the message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A literal without `=`.
    #[error("--from-literal: expected KEY=VALUE, and this has no =")]
    Literal,
    /// `KEY=FILE` without one of the two.
    #[error("--from-file {0}: expected FILE or KEY=FILE")]
    File(String),
    /// Standard input without a name for it.
    #[error("--from-file -: what standard input gives needs a key: --from-file KEY=-")]
    Nameless,
    /// Nothing came: what should have written it may have failed.
    #[error(
        "--from-file {key}=-: standard input is empty; if the value shall be, say so: --from-file \
         {key}=/dev/null"
    )]
    Empty {
        /// The key.
        key: String,
    },
    /// A key that a Secret cannot have.
    #[error(
        "{from}: {key:?} cannot be a key of a Secret, which takes letters, digits, -, _ and ., and \
         at most {LONGEST_KEY} of them"
    )]
    Key {
        /// Where it came from.
        from: String,
        /// The key.
        key: String,
    },
    /// A literal that has no key before its first `=`. It may be a value that ends in one.
    #[error(
        "{from}: what stands before the = cannot be a key of a Secret, which takes letters, digits, \
         -, _ and ., and at most {LONGEST_KEY} of them"
    )]
    LiteralKey {
        /// Which literal.
        from: String,
    },
    /// A line that has no key before its first `=`. It may be the middle of a value.
    #[error(
        "{at}: what stands before the = cannot be a key here, which takes letters, digits, -, _ and \
         ., at most {LONGEST_KEY} of them and no digit first; {SEVERAL_LINES}"
    )]
    LineKey {
        /// File and line.
        at: String,
    },
    /// A key that is given twice.
    #[error("{from}: the key {key} is given already")]
    Twice {
        /// Where it came from.
        from: String,
        /// The key.
        key: String,
    },
    /// A line whose key is given already. It may be the middle of a value, too.
    #[error("{at}: the key of this line is given already; {SEVERAL_LINES}")]
    LineTwice {
        /// File and line.
        at: String,
    },
    /// A line that is no text.
    #[error("{at}: not UTF-8 text")]
    NotText {
        /// File and line.
        at: String,
    },
    /// A variable that is not set, or the middle of a value.
    #[error("{at}: no KEY=VALUE, nor a variable that is set; {SEVERAL_LINES}")]
    NotSet {
        /// File and line.
        at: String,
    },
    /// A directory without files.
    #[error("--from-file {0}: there is no file in this directory")]
    NoFile(String),
}

impl ValueError {
    /// The same of a literal, whose key may be a value that was to have one: base64 ends in `=`.
    fn of_literal(self) -> Self {
        match self {
            Self::Key { from, .. } => Self::LiteralKey { from },
            other => other,
        }
    }

    /// The same of a line, whose key may be a piece of a value.
    fn of_line(self) -> Self {
        match self {
            Self::Key { from: at, .. } => Self::LineKey { at },
            Self::Twice { from: at, .. } => Self::LineTwice { at },
            other => other,
        }
    }
}

impl Values {
    /// Whether there are any.
    pub(super) fn are_given(&self) -> bool {
        !(self.from_file.is_empty()
            && self.from_env_file.is_empty()
            && self.from_literal.is_empty())
    }

    /// A Secret of them, without a name.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(super) fn secret(&self) -> Result<Secret, Errors> {
        let mut collected = Collected::default();
        let mut errors = Errors::default();
        let files = self.from_file.iter().map(|it| named_file(it));
        let files: Vec<_> = files.filter_map(|it| errors.ok(it)).collect();
        let sources = files.iter().map(|(_, source)| source);
        expect_one_stdin(sources.chain(&self.from_env_file))?;
        for (key, source) in &files {
            errors.ok(collected.add_file(key.as_deref(), source));
        }
        for source in &self.from_env_file {
            errors.ok(collected.add_lines(source));
        }
        for (Literal(text), number) in self.from_literal.iter().zip(1..) {
            let from = match self.from_literal.len() {
                1 => "--from-literal".to_owned(),
                _ => format!("--from-literal, number {number}"),
            };
            errors.ok(collected.add_literal(&from, text).map_err(Error::from));
        }
        if !self.from_literal.is_empty() {
            report::warning(
                &"a value on the command line stays in the shell's history, and every process sees \
                  it; --from-file KEY=- takes it from standard input",
            );
        }
        errors.or(Secret {
            type_: self.type_.clone(),
            data: collected.0,
            ..Secret::default()
        })
    }
}

#[derive(Default)]
struct Collected(std::collections::BTreeMap<String, Plaintext>);

impl Collected {
    fn add(&mut self, from: &str, key: &str, value: Plaintext) -> Result<(), ValueError> {
        let (from, key) = (from.to_owned(), key.to_owned());
        if !is_key(&key) {
            return Err(ValueError::Key { from, key });
        }
        if self.0.contains_key(&key) {
            return Err(ValueError::Twice { from, key });
        }
        self.0.insert(key, value);
        Ok(())
    }

    fn add_literal(&mut self, from: &str, text: &str) -> Result<(), ValueError> {
        let (key, value) = text.split_once('=').ok_or(ValueError::Literal)?;
        let value = Plaintext::new(value.as_bytes().to_vec());
        let added = self.add(from, key, value);
        added.map_err(ValueError::of_literal)
    }

    fn add_file(&mut self, key: Option<&str>, source: &Source) -> Result<(), Error> {
        let from = format!("--from-file {source}");
        if let (None, Source::File(path)) = (key, source)
            && path.is_dir()
        {
            return self.add_directory(path);
        }
        let key = match (key, source) {
            (Some(key), _) => key.to_owned(),
            (None, Source::File(path)) => name_of(path),
            (None, Source::Stdin) => return Err(ValueError::Nameless.into()),
        };
        source.announce(&format!("the value of {key}"));
        let value = source.read()?;
        if *source == Source::Stdin && value.is_empty() {
            return Err(ValueError::Empty { key }.into());
        }
        Ok(self.add(&from, &key, value.into())?)
    }

    /// Directories and links are passed over, as kubectl does: a mounted volume is full of them. A file
    /// whose name cannot be a key is an error, for a Secret would lack it.
    fn add_directory(&mut self, directory: &Path) -> Result<(), Error> {
        let shown = directory.display().to_string();
        let unreadable = |error| Error::Read {
            from: directory.display().to_string(),
            error,
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.file_type().map_err(unreadable)?.is_file() {
                files.push(entry.path());
            }
        }
        if files.is_empty() {
            return Err(ValueError::NoFile(shown).into());
        }
        files.sort();
        for file in files {
            self.add_file(None, &Source::File(file))?;
        }
        Ok(())
    }

    /// Blank lines and those that begin with `#` mean nothing; what follows the first `=` is the
    /// value as it stands, quotes included.
    fn add_lines(&mut self, source: &Source) -> Result<(), Error> {
        source.announce("lines KEY=VALUE");
        let bytes = source.read()?;
        let lines = without_mark(&bytes);
        for (number, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            let at = format!("{source}:{}", number + 1);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Ok(line) = std::str::from_utf8(line) else {
                return Err(ValueError::NotText { at }.into());
            };
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = match line.split_once('=') {
                Some((key, value)) => (key, Zeroizing::new(value.to_owned())),
                None => (line, of_the_environment(line, &at)?),
            };
            // Names of variables, as kubectl has it.
            if key.starts_with(|first: char| first.is_ascii_digit()) {
                return Err(ValueError::LineKey { at }.into());
            }
            let added = self.add(&at, key, Plaintext::new(value.as_bytes().to_vec()));
            added.map_err(ValueError::of_line)?;
        }
        Ok(())
    }
}

fn of_the_environment(key: &str, at: &str) -> Result<Zeroizing<String>, ValueError> {
    // An empty name and one with a NUL are none.
    let value = is_key(key).then(|| env::var(key).ok()).flatten();
    value
        .map(Zeroizing::new)
        .ok_or_else(|| ValueError::NotSet { at: at.to_owned() })
}

/// `[KEY=]FILE`.
fn named_file(argument: &Path) -> Result<(Option<String>, Source), Error> {
    let malformed = || ValueError::File(argument.display().to_string());
    let Some(text) = argument.to_str() else {
        return Ok((None, Source::File(argument.to_owned())));
    };
    match text.split_once('=') {
        None => Ok((None, Source::from(argument.as_os_str().to_owned()))),
        Some(("", _) | (_, "")) => Err(malformed().into()),
        Some((key, file)) => Ok((
            Some(key.to_owned()),
            Source::from(std::ffi::OsString::from(file)),
        )),
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// As the API server has it (`IsConfigMapKey`).
fn is_key(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty()
        && text.len() <= LONGEST_KEY
        && text.bytes().all(is_allowed)
        && text != "."
        && !text.starts_with("..")
}
