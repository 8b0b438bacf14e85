//! Git, asked through its own program: which files differ between two revisions, what they hold, and
//! which are tracked although they are ignored.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
};

use crate::error::reason_of_io;

/// Git refuses, or is not there.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program cannot be run.
    #[error("cannot run git: {}", reason_of_io(.0))]
    Run(io::Error),
    /// It ends with an error.
    #[error("git {command}: {why}")]
    Failed {
        /// Its subcommand.
        command: &'static str,
        /// What it says.
        why: String,
    },
    /// It prints something that is not understood.
    #[error("git {command}: its output is not understood")]
    Output {
        /// Its subcommand.
        command: &'static str,
    },
    /// There is no work tree here.
    #[error("not in a Git work tree")]
    NoWorkTree,
    /// An argument that names a revision and a file.
    #[error("{}: both a revision and a file", .0.display())]
    Ambiguous(PathBuf),
    /// More revisions than can be compared.
    #[error("{}: a revision too many; a range or two are compared, with --staged one", .0.display())]
    TooMany(PathBuf),
    /// An argument that names nothing.
    #[error("{}: neither a revision nor a file", .0.display())]
    Unknown(PathBuf),
    /// A file with conflicts that nobody has resolved.
    #[error("{}: has merge conflicts; resolve them first", .0.display())]
    Unmerged(PathBuf),
}

/// A work tree, from its root.
#[derive(Debug)]
pub struct WorkTree {
    root: PathBuf,
}

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct Range {
    /// Two revisions, one, or a range of them, as git spells them; nothing is `HEAD`.
    pub revisions: Vec<OsString>,
    /// The index instead of the work tree.
    pub staged: bool,
    /// Git's pathspecs, relative to the current directory; nothing is everything.
    pub paths: Vec<OsString>,
}

/// A regular file that differs.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path from the root of the work tree.
    pub path: PathBuf,
    /// What it held.
    pub old: Content,
    /// What it holds.
    pub new: Content,
}

/// Where the content of a file is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The file is not there.
    Absent,
    /// Under this name in Git's store.
    Blob(String),
    /// In the work tree.
    WorkTree,
}

impl WorkTree {
    /// The one around the current directory; `None` where there is none.
    ///
    /// # Errors
    /// [`GitError::Run`].
    pub fn find() -> Result<Option<Self>, GitError> {
        let output = run(["rev-parse", "--show-toplevel"])?;
        let root = output.stdout.strip_suffix(b"\n").unwrap_or_default();
        let found = output.status.success() && !root.is_empty();
        Ok(found.then(|| Self {
            root: PathBuf::from(os_string(root)),
        }))
    }

    /// How many revisions git takes this for: one, more for a range of them, or none.
    ///
    /// # Errors
    /// [`GitError::Run`].
    pub fn revisions_in(&self, text: &OsStr) -> Result<usize, GitError> {
        let arguments = [
            "rev-parse".as_ref(),
            "--quiet".as_ref(),
            "--revs-only".as_ref(),
            text,
        ];
        let output = run(arguments)?;
        let names = output.stdout.split(|byte| *byte == b'\n');
        let names = names.filter(|name| !name.trim_ascii().is_empty());
        Ok(if output.status.success() {
            names.count()
        } else {
            0
        })
    }

    /// The regular files that differ, in git's order. Renamed files are one removed and one added.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn changed(&self, range: &Range) -> Result<Vec<ChangedFile>, GitError> {
        const COMMAND: &str = "diff";
        let mut arguments: Vec<&OsStr> = [
            COMMAND,
            "--raw",
            "-z",
            "--no-renames",
            "--no-abbrev",
            "--no-ext-diff",
            "--ignore-submodules",
        ]
        .map(OsStr::new)
        .into();
        if range.staged {
            arguments.push("--cached".as_ref());
        }
        match range.revisions.as_slice() {
            [] => arguments.push("HEAD".as_ref()),
            revisions => arguments.extend(revisions.iter().map(OsString::as_os_str)),
        }
        arguments.push("--".as_ref());
        arguments.extend(range.paths.iter().map(OsString::as_os_str));
        let output = succeeded(COMMAND, run(arguments)?)?;
        let files = parse_raw(&output).ok_or(GitError::Output { command: COMMAND })??;
        self.expect_merged(&files)?;
        Ok(files)
    }

    /// Compared with a revision, a file of the work tree with conflicts looks like any other.
    fn expect_merged(&self, files: &[ChangedFile]) -> Result<(), GitError> {
        const COMMAND: &str = "diff";
        let files = files.iter().filter(|file| file.new == Content::WorkTree);
        let files: Vec<&Path> = files.map(|file| file.path.as_path()).collect();
        if files.is_empty() {
            return Ok(());
        }
        let arguments = [
            COMMAND,
            "--name-only",
            "-z",
            "--diff-filter=U",
            "--no-ext-diff",
        ];
        let output = succeeded(COMMAND, run(arguments)?)?;
        let mut unmerged = output.split(|byte| *byte == 0).map(os_string);
        match unmerged.find(|path| files.contains(&Path::new(path))) {
            Some(path) => Err(GitError::Unmerged(path.into())),
            None => Ok(()),
        }
    }

    /// The file at a path from the root.
    #[must_use]
    pub fn file(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }
}

/// The files in a directory and below, by their paths from there, that are tracked although Git is told
/// to ignore them. There are none where there is no repository.
///
/// # Errors
/// [`GitError::Run`], [`GitError::Failed`].
pub fn tracked_although_ignored(directory: &Path) -> Result<Vec<PathBuf>, GitError> {
    const COMMAND: &str = "ls-files";
    let there = directory.canonicalize().map_err(GitError::Run)?;
    if !there.ancestors().any(|it| it.join(".git").exists()) {
        return Ok(Vec::new());
    }
    let arguments = [COMMAND, "-z", "--cached", "--ignored", "--exclude-standard"];
    let mut command = git(arguments);
    // What a hook inherits is relative to where it began.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command.current_dir(there).stdin(Stdio::null());
    let output = succeeded(COMMAND, command.output().map_err(GitError::Run)?)?;
    let paths = output.split(|byte| *byte == 0).filter(|it| !it.is_empty());
    Ok(paths.map(|path| os_string(path).into()).collect())
}

/// Git's store, read through one process for all files.
#[derive(Debug)]
pub struct Store {
    child: Child,
    requests: ChildStdin,
    answers: io::BufReader<ChildStdout>,
}

impl Store {
    const COMMAND: &str = "cat-file";

    /// Opens the store of the current directory.
    ///
    /// # Errors
    /// [`GitError::Run`].
    pub fn open() -> Result<Self, GitError> {
        let mut child = git([Self::COMMAND, "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(GitError::Run)?;
        let (Some(requests), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GitError::Run(io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self {
            child,
            requests,
            answers: io::BufReader::new(answers),
        })
    }

    /// What is stored under this name.
    ///
    /// # Errors
    /// [`GitError::Output`] when there is nothing.
    pub fn read(&mut self, blob: &str) -> Result<Vec<u8>, GitError> {
        let misunderstood = || GitError::Output {
            command: Self::COMMAND,
        };
        writeln!(self.requests, "{blob}").map_err(GitError::Run)?;
        self.requests.flush().map_err(GitError::Run)?;
        let mut header = String::new();
        io::BufRead::read_line(&mut self.answers, &mut header).map_err(GitError::Run)?;
        // NAME SP blob SP SIZE LF CONTENT LF
        let size = header
            .trim_end()
            .strip_prefix(blob)
            .and_then(|rest| rest.strip_prefix(" blob "))
            .and_then(|size| size.parse::<usize>().ok())
            .ok_or_else(misunderstood)?;
        let mut content = vec![0; size + 1];
        self.answers
            .read_exact(&mut content)
            .map_err(GitError::Run)?;
        content.truncate(size);
        Ok(content)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It only reads, and nobody waits for its answer any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn git<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env_remove("GIT_EXTERNAL_DIFF");
    command
}

fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Output, GitError> {
    let mut command = git(arguments);
    command.stdin(Stdio::null()).output().map_err(GitError::Run)
}

fn succeeded(command: &'static str, output: Output) -> Result<Vec<u8>, GitError> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text.lines().next().unwrap_or_default();
    let why = first.strip_prefix("fatal: ").unwrap_or(first);
    Err(GitError::Failed {
        command,
        why: why.to_owned(),
    })
}

/// `:OLDMODE NEWMODE OLDNAME NEWNAME STATUS NUL PATH NUL`, repeated (gitdiffcore, "raw output format").
fn parse_raw(output: &[u8]) -> Option<Result<Vec<ChangedFile>, GitError>> {
    let mut parts = output.split(|byte| *byte == 0);
    let mut files = Vec::new();
    while let Some(header) = parts.next().filter(|header| !header.is_empty()) {
        let path = PathBuf::from(os_string(parts.next()?));
        let header = std::str::from_utf8(header).ok()?.strip_prefix(':')?;
        let fields: Vec<_> = header.split(' ').collect();
        let [old_mode, new_mode, old, new, status] = fields.as_slice() else {
            return None;
        };
        if *status == "U" {
            return Some(Err(GitError::Unmerged(path)));
        }
        let old = content(old_mode, old);
        let new = content(new_mode, new);
        if old != Content::Absent || new != Content::Absent {
            files.push(ChangedFile { path, old, new });
        }
    }
    Some(Ok(files))
}

/// Symbolic links and submodules hold no manifest. A name of zeros is that of a file which git has
/// not read yet.
fn content(mode: &str, name: &str) -> Content {
    let is_regular = mode.starts_with("100");
    match name.bytes().all(|byte| byte == b'0') {
        _ if !is_regular => Content::Absent,
        true => Content::WorkTree,
        false => Content::Blob(name.to_owned()),
    }
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_submodules_are_no_files() {
        let zeros = "0".repeat(40);
        let raw = format!(
            ":100644 100755 {a} {zeros} M\0a b.yaml\0:120000 120000 {a} {b} M\0link\0\
             :000000 100644 {zeros} {b} A\0new.yaml\0:100644 120000 {a} {b} T\0was.yaml\0",
            a = "a".repeat(40),
            b = "b".repeat(40),
        );
        let file = |path: &str, old, new| ChangedFile {
            path: path.into(),
            old,
            new,
        };
        let blob = |letter: &str| Content::Blob(letter.repeat(40));
        assert_eq!(
            parse_raw(raw.as_bytes()).unwrap().unwrap(),
            [
                file("a b.yaml", blob("a"), Content::WorkTree),
                file("new.yaml", Content::Absent, blob("b")),
                file("was.yaml", blob("a"), Content::Absent),
            ]
        );
    }

    #[test]
    fn a_file_with_conflicts_is_refused() {
        let zeros = "0".repeat(40);
        let raw = format!(":000000 000000 {zeros} {zeros} U\0a.yaml\0");
        let error = parse_raw(raw.as_bytes()).unwrap().unwrap_err();
        assert!(matches!(error, GitError::Unmerged(_)));
    }
}
