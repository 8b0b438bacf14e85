//! Files that nobody is meant to see yet.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
};

use crate::undo::{Undo, uninterrupted};

/// A file beside the one whose place it will take. It is removed when it is dropped, and when a
/// signal ends the program.
#[derive(Debug)]
pub struct Scratch {
    file: File,
    path: PathBuf,
    undo: Undo,
}

impl Scratch {
    /// Takes what `make` creates.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn create(make: impl FnOnce() -> io::Result<(File, PathBuf)>) -> io::Result<Self> {
        uninterrupted(|| {
            let (file, path) = make()?;
            let mine = path.clone();
            let undo = Undo::new(move || {
                // It may be gone already, and there is nobody to tell.
                let _ = fs::remove_file(mine);
            });
            Ok(Self { file, path, undo })
        })
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// It has moved to where it belongs: nothing is removed.
    pub fn forget(self) {
        self.undo.forget();
    }
}
