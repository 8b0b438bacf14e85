//! A directory in memory, for a file in plaintext.

use std::{
    env,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::Builder;
use zeroize::Zeroizing;

use super::error::EditingError;
use crate::{
    input::Source,
    undo::{Undo, uninterrupted},
};

/// A directory that only its owner may look into. It is removed when it is dropped and when a
/// signal ends the program, with all that stands in it.
#[derive(Debug)]
pub struct PrivateDirectory {
    path: PathBuf,
    _undo: Undo,
}

impl PrivateDirectory {
    /// Makes one in a file system that lives in memory: below `$XDG_RUNTIME_DIR` or `/dev/shm`. On
    /// disk only where that is allowed.
    ///
    /// # Errors
    /// [`EditingError::NoMemory`], [`EditingError::Private`].
    pub fn create(allow_disk: bool) -> Result<Self, EditingError> {
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let shared = PathBuf::from("/dev/shm");
        let places = runtime.into_iter().chain([shared]);
        let mut in_memory = places.filter(|path| path.is_absolute() && is_in_memory(path));
        let mut failed = match in_memory.find_map(|path| Self::within(&path).ok()) {
            Some(made) => return Ok(made),
            None if allow_disk => Self::within(&env::temp_dir()),
            None => Err(EditingError::NoMemory),
        };
        if let Ok(made) = &mut failed {
            crate::report::warning(&format_args!(
                "editing in {}, which is on disk",
                made.path.display()
            ));
        }
        failed
    }

    /// A new file in it, with this content.
    ///
    /// # Errors
    /// [`EditingError::Private`].
    pub fn put(&self, name: &str, content: &str) -> Result<PathBuf, EditingError> {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(content.as_bytes()));
        written.map_err(|error| self.failed(error))?;
        Ok(path)
    }

    /// What a file in it holds now.
    ///
    /// # Errors
    /// [`EditingError::Private`], also for what is no file.
    pub fn read(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, EditingError> {
        let read = Source::File(path.to_owned()).read();
        read.map_err(|error| self.failed(io::Error::other(error.to_string())))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn within(parent: &Path) -> Result<Self, EditingError> {
        let made = uninterrupted(|| {
            let mut builder = Builder::new();
            builder.prefix("seal-edit-");
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let path = builder.tempdir_in(parent)?.keep();
            let mine = path.clone();
            let undo = Undo::new(move || {
                // There is nobody to tell when a signal came; otherwise it is seen in the directory.
                let _ = fs::remove_dir_all(mine);
            });
            Ok(Self { path, _undo: undo })
        });
        made.map_err(|error| EditingError::Private {
            path: parent.to_owned(),
            error,
        })
    }

    fn failed(&self, error: io::Error) -> EditingError {
        let path = self.path.clone();
        EditingError::Private { path, error }
    }
}

/// Whether the file system there is tmpfs or ramfs (statfs(2)).
#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    const TMPFS: u32 = 0x0102_1994;
    const RAMFS: u32 = 0x8584_58f6;
    // The type of the field differs between architectures; the magic numbers have 32 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the lower 32 bits are meant"
    )]
    let magic = |status: rustix::fs::StatFs| status.f_type as u32;
    rustix::fs::statfs(path).is_ok_and(|status| matches!(magic(status), TMPFS | RAMFS))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}
