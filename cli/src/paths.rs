//! From what people name on the command line to the files that are read.
//!
//! A file counts whatever it is called. A directory stands for the manifests in it and below, as
//! Git sees them: hidden files and what `.gitignore` excludes are left out, symbolic links are not
//! followed. To `seal check` it stands for more: whatever of it may be in a Git repository. A pattern that the shell has not expanded stands for the manifests that match it;
//! like a shell's, it passes over hidden files alone. `-` is standard input.

use std::{
    collections::HashSet,
    error::Error as _,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;

use crate::{
    error::{Error, Errors, reason_of},
    git,
    input::{NO_FILE, Source, or_stdin},
    report::note,
};

/// The endings of manifests, without regard to case.
pub const MANIFESTS: [&str; 3] = ["yaml", "yml", "json"];

/// One input, and what it is called below the directory or the pattern that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Where it is read.
    pub source: Source,
    /// Its path below what was named: `prod/db.yaml` of `apps/prod/db.yaml` when `apps` was named,
    /// the file's name alone when it was named itself. Never absolute, and free of `..`.
    pub relative: PathBuf,
    /// Whether an argument named it, rather than a directory or a pattern.
    pub is_named: bool,
}

/// All inputs that the arguments stand for; standard input when there are none. The arguments'
/// order is kept, what one argument stands for is sorted by path, and no file comes twice.
///
/// # Errors
/// Everything that is missing or cannot be read, at once: [`Error::Read`], [`Error::Pattern`],
/// [`Error::NoManifest`], [`Error::StdinTwice`].
pub fn expand(arguments: &[Source]) -> Result<Vec<Input>, Errors> {
    expand_by(arguments, |directory| {
        below(directory, Passed::Both, |_| true)
    })
}

/// The same with all that may be committed: in directories hidden files count, too, and what Git
/// tracks although `.gitignore` excludes it. Where Git cannot tell that, it is said on standard error.
///
/// # Errors
/// As [`expand`].
pub fn expand_committable(arguments: &[Source]) -> Result<Vec<Input>, Errors> {
    expand_by(arguments, |directory| {
        let mut inputs = below(directory, Passed::Ignored, |_| true)?;
        inputs.extend(tracked(directory));
        inputs.sort_by(|one, other| one.relative.cmp(&other.relative));
        Ok(inputs)
    })
}

fn expand_by(
    arguments: &[Source],
    walk: impl Fn(&Path) -> Result<Vec<Input>, Errors>,
) -> Result<Vec<Input>, Errors> {
    let mut inputs = Vec::new();
    let mut errors = Errors::default();
    for argument in or_stdin(arguments.to_vec())? {
        match inputs_of(argument, &walk) {
            Ok(found) => inputs.extend(found),
            Err(found) => errors.extend(found),
        }
    }
    let mut known = HashSet::new();
    inputs.retain(|input: &Input| match &input.source {
        Source::Stdin => true,
        Source::File(path) => known.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())),
    });
    errors.or(inputs)
}

fn inputs_of(
    argument: Source,
    walk: &impl Fn(&Path) -> Result<Vec<Input>, Errors>,
) -> Result<Vec<Input>, Errors> {
    let Source::File(path) = argument else {
        return Ok(vec![Input {
            source: Source::Stdin,
            relative: PathBuf::from(NO_FILE),
            is_named: true,
        }]);
    };
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => expect_some(&path.display(), walk(&path)?),
        Ok(_) => Ok(vec![Input::named(path)]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match Pattern::parse(&path)? {
            Some(pattern) => expect_some(pattern.matcher.glob(), pattern.inputs()?),
            None => Err(unreadable(&path, error).into()),
        },
        Err(error) => Err(unreadable(&path, error).into()),
    }
}

impl Input {
    fn named(path: PathBuf) -> Self {
        Self {
            relative: path.file_name().map(PathBuf::from).unwrap_or_default(),
            source: Source::File(path),
            is_named: true,
        }
    }
}

/// A pattern in the notation of shells, `**` for any number of directories included.
struct Pattern {
    matcher: GlobMatcher,
    /// The directory before the first component with a wildcard.
    base: PathBuf,
    passed: Passed,
}

impl Pattern {
    /// `None` for a path without wildcards.
    fn parse(path: &Path) -> Result<Option<Self>, Error> {
        let is_wild = |part: &str| part.contains(['*', '?', '[', '{']);
        let Some(text) = path.to_str().filter(|text| is_wild(text)) else {
            return Ok(None);
        };
        let base: PathBuf = path
            .components()
            .take_while(|part| !is_wild(&part.as_os_str().to_string_lossy()))
            .collect();
        let names_hidden = path
            .components()
            .skip(base.components().count())
            .any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
        let matcher = GlobBuilder::new(text.strip_prefix("./").unwrap_or(text))
            .literal_separator(true)
            .build()
            .map_err(|error| Error::Pattern {
                pattern: text.to_owned(),
                why: error.kind().to_string(),
            })?
            .compile_matcher();
        Ok(Some(Self {
            matcher,
            base,
            passed: if names_hidden {
                Passed::Neither
            } else {
                Passed::Hidden
            },
        }))
    }

    fn inputs(&self) -> Result<Vec<Input>, Errors> {
        if !self.base.as_os_str().is_empty() && !self.base.exists() {
            return Ok(Vec::new());
        }
        below(&self.base, self.passed, |path| self.matcher.is_match(path))
    }
}

/// What a walk passes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passed {
    /// Hidden files, and those that Git ignores.
    Both,
    Hidden,
    Ignored,
    Neither,
}

/// The manifests in a directory and below that are wanted, sorted by path.
fn below(
    directory: &Path,
    passed: Passed,
    is_wanted: impl Fn(&Path) -> bool,
) -> Result<Vec<Input>, Errors> {
    let base = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    let git = matches!(passed, Passed::Both | Passed::Ignored);
    let walk = WalkBuilder::new(base)
        .hidden(matches!(passed, Passed::Both | Passed::Hidden))
        .ignore(false)
        .parents(git)
        .git_ignore(git)
        .git_global(git)
        .git_exclude(git)
        // A tree that was exported from Git is read as the one in it.
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(Ord::cmp)
        .build();
    let mut inputs = Vec::new();
    let mut errors = Errors::default();
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|it| it.is_file()) => {
                let path = entry.path();
                let relative = path.strip_prefix(base).unwrap_or(path);
                let path = path.strip_prefix("./").unwrap_or(path);
                if is_manifest(path) && is_wanted(path) {
                    inputs.push(Input {
                        source: Source::File(path.to_owned()),
                        relative: relative.to_owned(),
                        is_named: false,
                    });
                }
            }
            Ok(_) => {}
            Err(error) => errors.push(unwalkable(base, error)),
        }
    }
    errors.or(inputs)
}

/// The manifests in a directory and below that Git tracks although it is told to ignore them.
fn tracked(directory: &Path) -> Vec<Input> {
    let files = git::tracked_although_ignored(directory).unwrap_or_else(|error| {
        note(&format_args!(
            "{}: not looked for ignored files that are tracked: {error}",
            directory.display()
        ));
        Vec::new()
    });
    let files = files.into_iter().map(|relative| {
        let path = directory.join(&relative);
        Input {
            source: Source::File(path.strip_prefix("./").map_or(path.clone(), Path::to_owned)),
            relative,
            is_named: false,
        }
    });
    let is_file = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
    let counts = |input: &Input| {
        is_manifest(&input.relative) && matches!(&input.source, Source::File(path) if is_file(path))
    };
    files.filter(counts).collect()
}

fn expect_some(named: &dyn fmt::Display, inputs: Vec<Input>) -> Result<Vec<Input>, Errors> {
    if inputs.is_empty() {
        let named = named.to_string();
        return Err(Error::NoManifest { named }.into());
    }
    Ok(inputs)
}

/// Whether a file counts in a directory.
#[must_use]
pub fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    MANIFESTS.iter().any(|it| ending.eq_ignore_ascii_case(it))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::Read {
        from: path.display().to_string(),
        error,
    }
}

fn unwalkable(base: &Path, mut error: ignore::Error) -> Error {
    let mut place = base.to_owned();
    loop {
        error = match error {
            ignore::Error::WithDepth { err, .. } => *err,
            ignore::Error::WithPath { path, err } => {
                place = path;
                *err
            }
            ignore::Error::Io(error) => {
                // What walked names the place once more; its cause is the system's word alone.
                let reason = error.source().map(ToString::to_string);
                return unreadable(&place, reason.map_or(error, io::Error::other));
            }
            error => return unreadable(&place, io::Error::other(reason_of(&error))),
        }
    }
}
