//! Files that are replaced together or not at all.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::Builder;
use zeroize::Zeroizing;

use super::{
    OutputError, Privacy, Scratch,
    exchange::{Move, put_in_place, take_back},
    is_stream, write_to_stream,
};
use crate::{error::Error, undo::uninterrupted};

/// Symbolic links that are followed before giving up, as Linux does.
const MOST_LINKS: usize = 40;

/// Files that are to be written. Everything that may fail for want of rights or space fails while
/// they are added; what was added is removed when the batch is dropped.
#[derive(Debug, Default)]
pub struct Batch<'a>(Vec<Staged<'a>>);

#[derive(Debug)]
struct Staged<'a> {
    /// How messages call it.
    shown: PathBuf,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    /// Takes the place of a file, in one step.
    Replacement {
        scratch: Scratch,
        target: PathBuf,
        /// What the file must hold until then.
        expected: Option<&'a [u8]>,
    },
    /// For a device or a pipe.
    Stream(Zeroizing<Vec<u8>>),
}

impl<'a> Batch<'a> {
    /// Adds a file that gets this content, whatever it holds now. A symbolic link stays one: what it
    /// points to is replaced. Devices and pipes are written to.
    ///
    /// # Errors
    /// [`OutputError::Write`]: a directory, a read-only file, no right to write there, no space.
    pub fn add(&mut self, path: &Path, bytes: &[u8], privacy: Privacy) -> Result<(), Error> {
        self.stage(path, bytes, privacy, None)
    }

    /// Adds a file that was read and gets this content only if it still holds what was read then.
    ///
    /// # Errors
    /// [`OutputError::Write`], as [`add`](Self::add).
    pub fn add_edited(&mut self, path: &Path, read: &'a [u8], bytes: &[u8]) -> Result<(), Error> {
        self.stage(path, bytes, Privacy::Public, Some(read))
    }

    /// Puts all of them in place. No signal comes between; when one of them fails, those before it
    /// are put back (on file systems that can exchange two files, as those of Linux do).
    ///
    /// # Errors
    /// [`OutputError::Write`], or [`OutputError::Changed`] when a file that was added as edited holds something
    /// else by now. Then every file is as it was.
    pub fn commit(self) -> Result<(), Error> {
        let (streams, files): (Vec<_>, Vec<_>) = self
            .0
            .into_iter()
            .partition(|staged| matches!(staged.content, Content::Stream(_)));
        uninterrupted(|| commit_files(files))?;
        for Staged { shown, content } in streams {
            if let Content::Stream(bytes) = content {
                write_to_stream(&shown, &bytes).map_err(OutputError::write(shown))?;
            }
        }
        Ok(())
    }

    fn stage(
        &mut self,
        path: &Path,
        bytes: &[u8],
        privacy: Privacy,
        expected: Option<&'a [u8]>,
    ) -> Result<(), Error> {
        let failed = || OutputError::write(path.to_owned());
        let there = match fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(failed()(io::ErrorKind::IsADirectory.into()).into());
            }
            Ok(_) if is_stream(path) => {
                let content = Content::Stream(Zeroizing::new(bytes.to_vec()));
                let shown = path.to_owned();
                self.0.push(Staged { shown, content });
                return Ok(());
            }
            // Renaming would go through, but somebody has said that this file must not change.
            Ok(there) if there.permissions().readonly() => {
                return Err(failed()(io::Error::other("the file is read-only")).into());
            }
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed()(error).into()),
        };
        let target = followed(path).map_err(failed())?;
        let scratch = written_beside(&target, bytes, there.as_ref(), privacy).map_err(failed())?;
        self.0.push(Staged {
            shown: path.to_owned(),
            content: Content::Replacement {
                scratch,
                target,
                expected,
            },
        });
        Ok(())
    }
}

fn commit_files(files: Vec<Staged<'_>>) -> Result<(), Error> {
    let mut moves = Vec::new();
    for Staged { shown, content } in &files {
        let Content::Replacement {
            scratch,
            target,
            expected,
        } = content
        else {
            continue;
        };
        match put_in_place(scratch.path(), target, *expected) {
            Ok(Some(how)) => moves.push((scratch.path(), target, how)),
            not_moved => {
                for (scratch, target, how) in moves.into_iter().rev() {
                    take_back(scratch, target, how);
                }
                let to = shown.clone();
                return Err(match not_moved {
                    Err(error) => OutputError::write(to)(error).into(),
                    Ok(_) => OutputError::Changed { to }.into(),
                });
            }
        }
    }
    let exchanged: Vec<bool> = moves
        .into_iter()
        .map(|(_, _, how)| how == Move::Exchanged)
        .collect();
    for (staged, exchanged) in files.into_iter().zip(exchanged) {
        // Where two files were exchanged, the old one stands there and goes.
        if let (Content::Replacement { scratch, .. }, false) = (staged.content, exchanged) {
            scratch.forget();
        }
    }
    Ok(())
}

/// A new file beside the target, complete and on the disk, with its permissions.
fn written_beside(
    target: &Path,
    bytes: &[u8],
    there: Option<&fs::Metadata>,
    privacy: Privacy,
) -> io::Result<Scratch> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(".seal-");
    if privacy == Privacy::Public {
        allow_what_umask_allows(&mut builder);
    }
    let scratch = Scratch::create(|| {
        let made = builder.tempfile_in(directory).map_err(without_path)?;
        made.keep().map_err(|error| error.error)
    })?;
    let mut file = scratch.file();
    file.write_all(bytes)?;
    if let (Some(there), Privacy::Public) = (there, privacy) {
        keep_owner(file, there);
        file.set_permissions(there.permissions())?;
    }
    file.sync_all()?;
    Ok(scratch)
}

#[cfg(unix)]
fn allow_what_umask_allows(builder: &mut Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn allow_what_umask_allows(_: &mut Builder<'_, '_>) {}

/// So far as we may: somebody who writes into another's file leaves it theirs.
#[cfg(unix)]
fn keep_owner(file: &File, there: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let Ok(made) = file.metadata() else { return };
    if made.uid() != there.uid() {
        let _ = fchown(file, Some(there.uid()), None);
    }
    if made.gid() != there.gid() {
        let _ = fchown(file, None, Some(there.gid()));
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) {}

/// The name of a temporary file, which its error ends with, means nothing to anybody.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((reason, _)) => io::Error::new(error.kind(), reason),
        None => error,
    }
}

/// The file that a path leads to, which need not exist: what is written in its place.
///
/// # Errors
/// Links that lead nowhere but to one another.
pub fn followed(path: &Path) -> io::Result<PathBuf> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tempfile::TempDir;

    use super::*;

    fn content(directory: &TempDir) -> BTreeMap<String, Option<String>> {
        let entries = fs::read_dir(directory.path()).unwrap();
        let named = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).ok())
        };
        entries.map(named).collect()
    }

    /// `old` is to be replaced and `new` to be made, before what the test adds.
    fn batch(directory: &TempDir) -> Batch<'static> {
        let mut batch = Batch::default();
        for name in ["old", "new"] {
            let path = directory.path().join(name);
            batch.add(&path, b"content", Privacy::Public).unwrap();
        }
        batch
    }

    fn furnished() -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in ["old", "edited"] {
            fs::write(directory.path().join(name), "as it was").unwrap();
        }
        directory
    }

    #[test]
    fn all_files_are_in_place_after_the_commit_and_no_others() {
        let directory = furnished();
        let mut batch = batch(&directory);
        let edited = directory.path().join("edited");
        batch.add_edited(&edited, b"as it was", b"edited").unwrap();
        batch.commit().unwrap();
        let names = ["edited", "new", "old"].map(str::to_owned);
        let texts = ["edited", "content", "content"].map(|text| Some(text.to_owned()));
        assert_eq!(content(&directory), names.into_iter().zip(texts).collect());
    }

    #[test]
    fn a_batch_that_is_dropped_leaves_nothing() {
        let directory = furnished();
        let before = content(&directory);
        drop(batch(&directory));
        assert_eq!(content(&directory), before);
    }

    #[test]
    fn a_file_that_changed_meanwhile_stays_and_so_do_all_others() {
        for change in ["is longer now", "has been!", ""] {
            let directory = furnished();
            let mut batch = batch(&directory);
            let edited = directory.path().join("edited");
            batch.add_edited(&edited, b"as it was", b"edited").unwrap();
            fs::write(&edited, change).unwrap();
            let before_commit = content(&directory);
            let error = batch.commit().unwrap_err();
            let changed = matches!(error, Error::Output(OutputError::Changed { .. }));
            assert!(changed, "{error}");
            let after = content(&directory);
            assert_eq!(after["edited"].as_deref(), Some(change));
            assert_eq!(after["old"].as_deref(), Some("as it was"));
            assert_eq!(after.len(), 2, "{before_commit:?} became {after:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_put_in_place_brings_the_others_back() {
        let directory = furnished();
        let mut batch = batch(&directory);
        let late = directory.path().join("late");
        batch.add(&late, b"content", Privacy::Public).unwrap();
        fs::create_dir(&late).unwrap();
        let error = batch.commit().unwrap_err();
        let unwritten = matches!(error, Error::Output(OutputError::Write { .. }));
        assert!(unwritten, "{error}");
        let after = content(&directory);
        assert_eq!(after["old"].as_deref(), Some("as it was"));
        assert_eq!(after.len(), 3, "{after:?}");
    }
}
