//! Where results go: standard output, or the file of `-w`.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use super::failure::{Failure, Outcome};
use crate::{
    output::{self, Scratch},
    undo::uninterrupted,
};

/// The open end of one run.
pub enum Sink {
    /// Standard output.
    Stdout,
    /// A device or a pipe, such as `/dev/stdout`. Upstream replaces it by a file where it may.
    Device(String),
    /// A file beside the one that it will replace, in one step and only when all is well. A symbolic
    /// link is replaced itself, and the new file is its owner's alone, as upstream has it.
    File {
        /// What it will replace.
        path: String,
        /// What it will be replaced with.
        pending: Scratch,
    },
}

impl Sink {
    /// Standard output when the path is empty.
    ///
    /// # Errors
    /// When no file can be made there.
    pub fn open(path: &str) -> Outcome<Self> {
        if path.is_empty() {
            return Ok(Self::Stdout);
        }
        if fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
            return Err(Failure::new(format!("open {path}: is a directory")));
        }
        if output::is_stream(Path::new(path)) {
            return Ok(Self::Device(path.to_owned()));
        }
        Ok(Self::File {
            path: path.to_owned(),
            pending: create_beside(path)?,
        })
    }

    /// Delivers everything at once. On a failure, `-w` is left as it was, while standard output gets
    /// the documents that came before the failing one: scripts see what upstream prints.
    ///
    /// # Errors
    /// The failure that came in, or that of writing.
    pub fn finish(self, text: &[u8], outcome: Outcome<()>) -> Outcome<()> {
        match self {
            Self::Stdout => {
                output::print(text)?;
                outcome
            }
            Self::Device(path) => {
                outcome?;
                output::write_to_stream(Path::new(&path), text)
                    .map_err(|error| Failure::of_path("write", &path, &error))
            }
            Self::File { path, pending } => {
                outcome?;
                let written = pending.file().write_all(text);
                let synced = written.and_then(|()| pending.file().sync_all());
                synced.map_err(|error| Failure::of_path("write", &path, &error))?;
                uninterrupted(|| {
                    fs::rename(pending.path(), &path)
                        .map_err(|error| Failure::of_path("rename", &path, &error))?;
                    pending.forget();
                    Ok(())
                })
            }
        }
    }
}

/// Called `.NAME` and digits, as upstream's error messages have it.
fn create_beside(path: &str) -> Outcome<Scratch> {
    let path = Path::new(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let digits = since.map_or(0, |time| time.as_nanos());
    let pending = path.with_file_name(format!(".{name}{digits}"));
    let shown = pending.display().to_string();
    Scratch::create(|| Ok((private(&pending)?, pending)))
        .map_err(|error| Failure::of_path("open", &shown, &error))
}

fn private(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
