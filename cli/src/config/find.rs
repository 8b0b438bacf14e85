//! Finding the `.seal.yaml` of a file.

use std::{
    collections::HashMap,
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Config, FILE_NAME, Settings};
use crate::{
    error::{Error, Errors},
    output::followed,
};

/// The `.seal.yaml` of every file of a run, each read once.
#[derive(Debug, Default)]
pub struct Configs {
    of_directories: HashMap<PathBuf, Option<Arc<Config>>>,
}

impl Configs {
    /// What holds for a file, which need not be there: the nearest `.seal.yaml` in its directory or
    /// one above it, up to the root of the Git repository (the directory with `.git`), or of the
    /// file system where there is none. No `.seal.yaml`, no settings. Of a symbolic link it is the file
    /// that it leads to: that one is read and written, and its pins hold.
    ///
    /// # Errors
    /// Everything that is wrong with that `.seal.yaml`, and what keeps it from being read.
    pub fn settings_of(&mut self, name: &Path) -> Result<Settings, Errors> {
        let file = followed(name).and_then(|file| resolved(&file));
        let file = file.map_err(|error| unreadable(name, error))?;
        let directory = file.parent().unwrap_or(Path::new("/"));
        let nearest = self.nearest(directory)?;
        Ok(nearest.map_or_else(Settings::default, |config| config.settings(&file)))
    }

    fn nearest(&mut self, directory: &Path) -> Result<Option<Arc<Config>>, Errors> {
        if let Some(known) = self.of_directories.get(directory) {
            return Ok(known.clone());
        }
        let file = directory.join(FILE_NAME);
        let found = match fs::symlink_metadata(&file) {
            Ok(_) => Some(Arc::new(Config::read(directory, &shown(&file))?)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unreadable(&file, error).into());
            }
            Err(_) if directory.join(".git").exists() => None,
            Err(_) => match directory.parent() {
                Some(above) => self.nearest(above)?,
                None => None,
            },
        };
        self.of_directories
            .insert(directory.to_owned(), found.clone());
        Ok(found)
    }
}

/// The absolute path without symbolic links before the file's name, of which the end need not be
/// there.
fn resolved(file: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(file)?;
    let name = absolute.file_name().unwrap_or_default();
    let mut missing = vec![name.to_owned()];
    let mut directory = absolute.parent().unwrap_or(&absolute);
    loop {
        match directory.canonicalize() {
            Ok(mut there) => {
                there.extend(missing.iter().rev());
                return Ok(there);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(error) => {
                let (Some(name), Some(above)) = (directory.file_name(), directory.parent()) else {
                    return Err(error);
                };
                missing.push(name.to_owned());
                directory = above;
            }
        }
    }
}

/// As people would call it from where they are.
fn shown(file: &Path) -> PathBuf {
    let here = env::current_dir().and_then(fs::canonicalize);
    let below = here.ok().and_then(|here| {
        let relative = file.strip_prefix(here).ok()?;
        Some(relative.to_owned())
    });
    below.unwrap_or_else(|| file.to_owned())
}

fn unreadable(file: &Path, error: io::Error) -> Error {
    Error::Read {
        from: file.display().to_string(),
        error,
    }
}
