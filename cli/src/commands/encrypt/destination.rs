//! Where what is sealed goes.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use super::{Manifest, Task};
use crate::{
    error::{Error, Errors},
    input::{NO_FILE, Source},
    output::OutputError,
    paths::Input,
};

/// What the command line says about outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// Standard output, everything one after the other.
    Print,
    /// One file for everything.
    File(PathBuf),
    /// A directory, in which every input gets a file of its own: called as the input, below
    /// directories called as those below the argument that led to it.
    Directory(PathBuf),
    /// `db.sealed.yaml` beside `db.yaml`.
    Beside,
    /// The inputs themselves.
    InPlace,
}

impl Destination {
    /// What `-w` names: a directory when it is one, or is written like one.
    pub(super) fn named(path: &Path) -> Self {
        let is_written_so = path.to_string_lossy().ends_with(std::path::is_separator);
        match path {
            _ if path == Path::new("-") => Self::Print,
            _ if is_written_so || path.is_dir() => Self::Directory(path.to_owned()),
            _ => Self::File(path.to_owned()),
        }
    }

    /// The file that one input leads to; `None` for standard output.
    ///
    /// # Errors
    /// [`OutputError::NoFileName`]: standard input has no place of its own.
    pub(super) fn of(&self, input: &Input) -> Result<Option<PathBuf>, Error> {
        match (self, &input.source) {
            (Self::Print, _) => Ok(None),
            (Self::File(file), _) => Ok(Some(file.clone())),
            (Self::Directory(directory), Source::File(_)) => {
                Ok(Some(directory.join(&input.relative)))
            }
            (Self::Beside, Source::File(path)) => Ok(Some(beside(path))),
            (Self::InPlace, Source::File(path)) => Ok(Some(path.clone())),
            // Its name is settled when it is read.
            (Self::Directory(directory), Source::Stdin) => Ok(Some(directory.join(NO_FILE))),
            (Self::Beside | Self::InPlace, Source::Stdin) => Err(OutputError::NoFileName.into()),
        }
    }

    /// The same task; what comes from standard input gets a file that is called as its only Secret.
    ///
    /// # Errors
    /// [`OutputError::NoFileName`].
    pub(super) fn settle(&self, mut task: Task, manifest: &Manifest) -> Result<Task, Error> {
        let Self::Directory(directory) = self else {
            return Ok(task);
        };
        if task.input.source == Source::Stdin {
            let name = manifest.only_name().ok_or(OutputError::NoFileName)?;
            task.output = Some(directory.join(format!("{name}.yaml")));
        }
        Ok(task)
    }

    /// Makes sure that no output is that of two inputs, or an input itself that nobody said should
    /// be replaced.
    ///
    /// # Errors
    /// [`OutputError::Collision`], [`OutputError::OverInput`]; all of them.
    pub(super) fn expect_distinct<'a>(
        &self,
        tasks: impl Iterator<Item = &'a Task> + Clone,
    ) -> Result<(), Errors> {
        if !matches!(self, Self::Directory(_) | Self::Beside) {
            return Ok(());
        }
        let inputs: HashSet<_> = tasks
            .clone()
            .filter_map(|task| match &task.input.source {
                Source::File(path) => Some(canonical(path)),
                Source::Stdin => None,
            })
            .collect();
        let mut known = HashMap::new();
        let mut errors = Errors::default();
        for task in tasks {
            let (source, Some(output)) = (&task.input.source, &task.output) else {
                continue;
            };
            let file = canonical(output);
            if inputs.contains(&file) {
                let to = output.to_owned();
                errors.push(OutputError::OverInput { to }.into());
            } else if let Some(first) = known.insert(file, source) {
                let collision = OutputError::Collision {
                    to: output.to_owned(),
                    first: first.to_string(),
                    second: source.to_string(),
                };
                errors.push(collision.into());
            }
        }
        errors.or(())
    }
}

/// The same file by whatever path, or the same path where there is none yet.
fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(".sealed");
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_a_file_its_name_says_that_it_is_sealed() {
        for (path, expected) in [
            ("a/db.yaml", "a/db.sealed.yaml"),
            ("db.secret.json", "db.secret.sealed.json"),
            ("db", "db.sealed"),
        ] {
            assert_eq!(beside(Path::new(path)), Path::new(expected));
        }
    }
}
