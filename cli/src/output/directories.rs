//! Directories for what is written into them.

use std::{fs, path::Path};

use super::OutputError;
use crate::{error::Error, undo::Undo, undo::uninterrupted};

/// Directories that were made. They go again when this is dropped, and when a signal ends the
/// program, unless they are kept.
#[derive(Debug, Default)]
pub struct Directories(Vec<Undo>);

impl Directories {
    /// Makes what is missing of the directories above a file.
    ///
    /// # Errors
    /// [`OutputError::Write`].
    pub fn make_for(&mut self, file: &Path) -> Result<(), Error> {
        let above = file.parent().unwrap_or(Path::new(""));
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let mut missing: Vec<_> = above.ancestors().take_while(is_missing).collect();
        while let Some(directory) = missing.pop() {
            let made = uninterrupted(|| {
                fs::create_dir(directory)?;
                let mine = directory.to_owned();
                Ok(Undo::new(move || {
                    // Not when somebody has put something there.
                    let _ = fs::remove_dir(mine);
                }))
            });
            self.0
                .push(made.map_err(OutputError::write(file.to_owned()))?);
        }
        Ok(())
    }

    /// Something stands in them now.
    pub fn keep(self) {
        let mut made = self;
        std::mem::take(&mut made.0)
            .into_iter()
            .for_each(Undo::forget);
    }
}

impl Drop for Directories {
    /// The deepest first.
    fn drop(&mut self) {
        while let Some(undo) = self.0.pop() {
            drop(undo);
        }
    }
}
