//! Where results go: standard output, or files that are replaced as a whole and together.

mod batch;
mod directories;
mod error;
mod exchange;
mod scratch;

use std::{
    fs::{self, OpenOptions},
    io::{self, IsTerminal, Write},
    path::Path,
};

pub use batch::{Batch, followed};
pub use directories::Directories;
pub use error::OutputError;
pub use scratch::Scratch;

use seal_manifest::{EmitError, to_json_pretty, to_yaml};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::Error;

/// How objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One document each, with `---` before it.
    Yaml,
    /// One pretty-printed document after the other.
    Json,
}

impl Format {
    /// What was asked for, else what the file's name says, else YAML.
    #[must_use]
    pub fn choose(asked: Option<Self>, file: Option<&Path>) -> Self {
        let is_json = |path: &Path| path.extension().is_some_and(|it| it == "json");
        match asked {
            Some(format) => format,
            None if file.is_some_and(is_json) => Self::Json,
            None => Self::Yaml,
        }
    }

    /// All objects as one text, wiped when dropped.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn write<T: Serialize>(self, objects: &[T]) -> Result<Zeroizing<String>, EmitError> {
        let mut parts = Vec::with_capacity(objects.len());
        for object in objects {
            parts.push(match self {
                Self::Yaml => to_yaml(object)?,
                Self::Json => to_json_pretty(object)?,
            });
        }
        let start = match self {
            Self::Yaml => "---\n",
            Self::Json => "",
        };
        let length = parts.iter().map(|part| start.len() + part.len()).sum();
        let mut text = Zeroizing::new(String::with_capacity(length));
        for part in parts {
            text.push_str(start);
            text.push_str(&part);
        }
        Ok(text)
    }
}

/// How a result is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Text,
    /// One JSON document; docs/machine-output.md has its schema.
    Json,
}

impl ReportFormat {
    /// Prints a result: what `text` writes of it, or the result itself.
    ///
    /// # Errors
    /// [`OutputError::Print`], [`EmitError`].
    pub fn print<T: Serialize>(
        self,
        result: &T,
        text: impl FnOnce(&mut Styled) -> io::Result<()>,
    ) -> Result<(), Error> {
        match self {
            Self::Text => print_styled(text),
            Self::Json => print_json(result),
        }
    }
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Everybody whom the umask allows; a file that is there keeps its permissions.
    Public,
    /// The owner alone, whatever the file allowed before.
    Private,
}

/// Writes to `file`, or to standard output when there is none or it is `-`.
///
/// # Errors
/// [`OutputError::Write`], [`OutputError::Print`].
pub fn write(file: Option<&Path>, bytes: &[u8], privacy: Privacy) -> Result<(), Error> {
    match file {
        Some(path) if path != Path::new("-") => {
            let mut batch = Batch::default();
            batch.add(path, bytes, privacy)?;
            batch.commit()
        }
        _ => print(bytes),
    }
}

/// Whether what stands there is written to and not replaced: a device, a pipe, or a file that this
/// process has open, by a name such as `/dev/stdout`.
#[must_use]
pub fn is_stream(path: &Path) -> bool {
    const OPEN: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    let is_open = OPEN.iter().any(|it| path.starts_with(it));
    fs::metadata(path).is_ok_and(|there| !there.is_dir() && (is_open || !there.is_file()))
}

/// Writes behind what a stream holds.
///
/// # Errors
/// Those of the system.
pub fn write_to_stream(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(bytes)
}

/// Writes to standard output.
///
/// # Errors
/// [`OutputError::Print`].
pub fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(OutputError::Print)?;
    Ok(())
}

/// Writes to standard output what machines read.
///
/// # Errors
/// [`OutputError::Print`], [`EmitError`].
pub fn print_json<T: Serialize>(result: &T) -> Result<(), Error> {
    print(to_json_pretty(result)?.as_bytes())
}

/// Standard output with colours, or without.
pub type Styled = anstream::AutoStream<io::StdoutLock<'static>>;

/// Writes to standard output what may hold colours, which are left out where nobody sees them and
/// with `NO_COLOR`.
///
/// # Errors
/// [`OutputError::Print`].
pub fn print_styled(write: impl FnOnce(&mut Styled) -> io::Result<()>) -> Result<(), Error> {
    let mut stdout = anstream::AutoStream::auto(io::stdout().lock());
    write(&mut stdout)
        .and_then(|()| stdout.flush())
        .map_err(OutputError::Print)?;
    Ok(())
}

/// Whether somebody looks at standard output.
#[must_use]
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}
