//! Where results go: standard output, or a file that is replaced as a whole.

use std::{
    fs::{self, Permissions},
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use seal_manifest::{EmitError, to_json_pretty, to_yaml};
use serde::Serialize;
use tempfile::Builder;
use zeroize::Zeroizing;

use crate::error::Error;

/// Symbolic links that are followed before giving up, as Linux does.
const MOST_LINKS: usize = 40;

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
/// [`Error::Write`], [`Error::Print`].
pub fn write(file: Option<&Path>, bytes: &[u8], privacy: Privacy) -> Result<(), Error> {
    match file {
        Some(path) if path != Path::new("-") => write_file(path, bytes, privacy),
        _ => print(bytes),
    }
}

/// Writes to standard output.
///
/// # Errors
/// [`Error::Print`].
pub fn print(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(Error::Print)
}

/// Whether somebody looks at standard output.
#[must_use]
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Replaces the file in one step, so that nobody ever sees half of it. A symbolic link stays one:
/// what it points to is replaced. Devices and pipes are written to.
fn write_file(path: &Path, bytes: &[u8], privacy: Privacy) -> Result<(), Error> {
    let failed = || Error::write(path.to_owned());
    let permissions = match fs::metadata(path) {
        Ok(there) if there.is_dir() => {
            return Err(failed()(io::ErrorKind::IsADirectory.into()));
        }
        Ok(there) if !there.is_file() => return fs::write(path, bytes).map_err(failed()),
        // Renaming would go through, but somebody has said that this file must not change.
        Ok(there) if there.permissions().readonly() => {
            return Err(failed()(io::Error::other("the file is read-only")));
        }
        Ok(there) => Some(there.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed()(error)),
    };
    let target = followed(path).map_err(failed())?;
    replace(&target, bytes, permissions, privacy).map_err(failed())
}

fn replace(
    target: &Path,
    bytes: &[u8],
    permissions: Option<Permissions>,
    privacy: Privacy,
) -> io::Result<()> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(".seal-");
    if privacy == Privacy::Public {
        allow_what_umask_allows(&mut builder);
    }
    let mut file = builder.tempfile_in(directory).map_err(without_path)?;
    file.write_all(bytes)?;
    if let (Some(permissions), Privacy::Public) = (permissions, privacy) {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn allow_what_umask_allows(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn allow_what_umask_allows(_: &mut Builder<'_, '_>) {}

/// The name of a temporary file, which its error ends with, means nothing to anybody.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((reason, _)) => io::Error::new(error.kind(), reason),
        None => error,
    }
}

/// The file that a path leads to, which need not exist.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = path.parent().unwrap_or(Path::new("")).join(link),
            // No link (EINVAL), or nothing there yet.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}
