//! The work itself: files are read, sealed again and written, some at a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    panic,
    path::Path,
    thread::{self, ScopedJoinHandle},
};

use seal_envelope::KeyId;

use super::{
    Reseal, RotationError,
    report::{ChangedFile, Failure, RotateReport, UNKNOWN},
    tree::{Candidate, File, Object, Read, Resealed},
};
use crate::{
    error::{Error, Errors},
    parallel,
    progress::Progress,
};

/// So many files are read and sealed again while those before them are written.
const FILES_AT_ONCE: usize = 64;

/// What is to be done, and what has come of it so far.
pub(super) struct Rotation<'a> {
    /// The namespace of SealedSecrets that name none.
    namespace: Option<&'a str>,
    dry_run: bool,
    /// Where the SealedSecrets stand that are meant; all of them when absent.
    only: Option<&'a HashSet<String>>,
    report: RotateReport,
    errors: Errors,
}

/// A file, and the new values of its objects by their places in it.
struct Done<'a> {
    file: File<'a>,
    resealed: Vec<(usize, Resealed)>,
}

/// What became of a file on the disk.
type Written<'a> = Vec<(Done<'a>, Result<(), Error>)>;

impl<'a> Rotation<'a> {
    pub(super) fn new(namespace: Option<&'a str>, dry_run: bool) -> Self {
        Self {
            namespace,
            dry_run,
            only: None,
            report: RotateReport {
                dry_run,
                ..RotateReport::default()
            },
            errors: Errors::default(),
        }
    }

    /// The same for the SealedSecrets alone that stand at these places.
    pub(super) fn only(mut self, places: &'a HashSet<String>) -> Self {
        self.only = Some(places);
        self
    }

    /// Does all of it. While the disk takes the files that are done, the next ones are sealed.
    pub(super) fn run(
        mut self,
        candidates: &[Candidate],
        resealer: &mut (dyn Reseal + '_),
    ) -> (RotateReport, Errors) {
        let progress = Progress::new("sealing again", candidates.len());
        let dry_run = self.dry_run;
        let mut unreached_files = 0;
        thread::scope(|scope| {
            let mut writing: Option<ScopedJoinHandle<'_, Written<'_>>> = None;
            for chunk in candidates.chunks(FILES_AT_ONCE) {
                let (done, unreached) = self.sealed_again(chunk, resealer);
                unreached_files += unreached;
                if let Some(before) = writing.take() {
                    self.note(joined(before));
                }
                writing = Some(scope.spawn(move || written(done, dry_run)));
                chunk.iter().for_each(|_| progress.step());
            }
            if let Some(last) = writing {
                self.note(joined(last));
            }
        });
        drop(progress);
        let (objects, why) = resealer.unreached();
        self.failed(None, why);
        if objects > 0 {
            let files = unreached_files;
            let error = RotationError::Unreached { objects, files };
            self.failed(None, Error::from(error).into());
        }
        self.report.unreached = objects;
        (self.report, self.errors)
    }

    /// Reads some files and seals their values again. The number is of the files that hold something
    /// that was not reached.
    fn sealed_again<'c>(
        &mut self,
        candidates: &'c [Candidate],
        resealer: &mut (dyn Reseal + '_),
    ) -> (Vec<Done<'c>>, usize) {
        let read = parallel::map(candidates, |it| it.read(self.namespace));
        let mut files = Vec::new();
        for (candidate, read) in candidates.iter().zip(read) {
            match read {
                Ok(Read::File(mut file)) => {
                    file.objects.retain(|object| self.is_meant(object));
                    if !file.objects.is_empty() {
                        files.push(file);
                    }
                }
                Ok(Read::Template) => {
                    let path = candidate.path.display().to_string();
                    self.report.skipped.push(path);
                }
                Err(errors) => self.failed(Some(&candidate.path), errors),
            }
        }
        let objects: Vec<&Object<'_>> = files.iter().flat_map(|file| &file.objects).collect();
        let mut answers = resealer.reseal(&objects).into_iter();
        let mut unreached = 0;
        let mut done = Vec::new();
        for file in files {
            let mut resealed = Vec::new();
            let mut is_reached = true;
            for (index, answer) in answers.by_ref().take(file.objects.len()).enumerate() {
                match answer {
                    Ok(answer) => resealed.push((index, answer)),
                    Err(errors) => {
                        is_reached &= !errors.is_empty();
                        self.failed(Some(file.path), errors);
                    }
                }
            }
            unreached += usize::from(!is_reached);
            done.push(Done { file, resealed });
        }
        (done, unreached)
    }

    fn is_meant(&self, object: &Object<'_>) -> bool {
        let is_among = |places: &HashSet<String>| places.contains(&object.at.to_string());
        self.only.is_none_or(is_among)
    }

    fn note(&mut self, written: Written<'_>) {
        for (Done { file, resealed }, written) in written {
            self.report.files += 1;
            self.report.sealed_secrets += file.objects.len();
            if let Err(error) = written {
                self.failed(Some(file.path), error.into());
                continue;
            }
            let mut from: BTreeMap<String, usize> = BTreeMap::new();
            let mut to = BTreeSet::new();
            for (index, resealed) in &resealed {
                let Some(object) = file.objects.get(*index) else {
                    continue;
                };
                let moved: usize = resealed.from.values().sum();
                self.report.current += object.values().len() - moved;
                if moved > 0 || object.changes_hint() {
                    to.extend(object.wanted.iter().cloned());
                }
                for (key, values) in &resealed.from {
                    let key = key.as_ref().map_or(UNKNOWN, KeyId::as_str);
                    *from.entry(key.to_owned()).or_default() += values;
                }
            }
            if !to.is_empty() {
                self.report.changed.push(ChangedFile {
                    file: file.path.display().to_string(),
                    from,
                    to: to.iter().map(ToString::to_string).collect(),
                });
            }
        }
    }

    fn failed(&mut self, file: Option<&Path>, errors: Errors) {
        let failure = |error: &Error| Failure {
            file: file.map(|path| path.display().to_string()),
            message: error.to_string(),
        };
        self.report.failures.extend(errors.iter().map(failure));
        self.errors.extend(errors);
    }
}

/// Writes the files, several at a time: each waits for the disk.
fn written(done: Vec<Done<'_>>, dry_run: bool) -> Written<'_> {
    let outcomes = parallel::map(&done, |Done { file, resealed }| match dry_run {
        true => Ok(()),
        false => file.write(resealed),
    });
    done.into_iter().zip(outcomes).collect()
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|why| panic::resume_unwind(why))
}
