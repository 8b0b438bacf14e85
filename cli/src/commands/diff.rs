//! `seal diff`: two versions of sealed files in, what has changed out.

pub mod compare;
pub mod report;
pub mod text;
pub mod textconv;

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use clap::Args;
use seal_api::SealedSecret;
use seal_envelope::Identity;
use seal_manifest::{Reading, Stream};

use self::{
    compare::{Opening, Version, compare},
    report::DiffReport,
};
use crate::{
    error::{Answer, Error, Errors},
    git::{Content, GitError, Range, Store, WorkTree},
    identities,
    input::{self, Source, mentions},
    output::{self, ReportFormat},
    paths::is_manifest,
};

/// Tells what has changed in SealedSecrets, key by key.
///
/// Compares Git revisions, the index and the work tree as git diff does: without arguments HEAD with
/// the work tree, otherwise what REV, A B, A..B or A...B name; untracked files are left out. With
/// --no-index, or outside of a work tree, compares two files.
///
/// Sealed texts differ whenever something is sealed, even the same value. With the private keys
/// (--identity) it tells whether the value itself has changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Diff {
    /// A revision, two of them or a range, and files or Git's pathspecs
    #[arg(value_name = "REV|PATH")]
    arguments: Vec<OsString>,

    /// Files or Git's pathspecs that could be taken for a revision
    #[arg(value_name = "PATH", last = true)]
    paths: Vec<OsString>,

    /// Compare with the index instead of the work tree: what the next commit will hold
    #[arg(long, visible_alias = "cached")]
    staged: bool,

    /// Compare two files; - is standard input
    #[arg(long, conflicts_with = "staged")]
    no_index: bool,

    /// Private keys that tell whether values have changed: PEM, or key Secrets; may be repeated
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<Source>,

    /// Show the values that have changed, in plaintext
    #[arg(long, requires = "identities")]
    show_values: bool,

    /// Exit with status 1 when something differs, as git diff --exit-code
    #[arg(long)]
    exit_code: bool,

    /// How to tell
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,

    /// Be Git's external diff driver: the arguments are those that Git passes to one
    #[arg(long, conflicts_with_all = ["staged", "no_index", "textconv"])]
    external_diff: bool,

    /// Be Git's textconv filter: print one file with its sealed values shortened
    #[arg(long, conflicts_with_all = ["staged", "no_index", "identities"])]
    textconv: bool,
}

const EXAMPLES: &str = "\
Examples:
  What have I changed?
    seal diff
  What does this branch change, and which values are really new?
    seal diff main...HEAD --identity keys.yaml
  Two files:
    seal diff --no-index old.yaml new.yaml
  Let git diff and git log -p shorten sealed values:
    git config diff.seal.textconv 'seal diff --textconv'
    echo '*.sealed.yaml diff=seal' >> .gitattributes
  Let git diff tell what seal diff tells:
    git config diff.seal.command 'seal diff --external-diff'

Exit status: 0 compared, 1 something differs and --exit-code is given, 2 could not do it.";

impl Diff {
    /// Carries it out.
    ///
    /// # Errors
    /// What cannot be read; then nothing was printed.
    pub fn run(self) -> Result<Answer, Errors> {
        if self.textconv {
            return self.print_shortened();
        }
        let mut identities = Vec::new();
        for source in &self.identities {
            identities.extend(identities::read(source)?);
        }
        let (old, new) = self.versions()?;
        let report = self.report(&old, &new, &identities);
        self.output
            .print(&report, |out| text::write(&report, out))?;
        Ok(match report.objects.as_slice() {
            [_, ..] if self.exit_code => Answer::No,
            _ => Answer::Yes,
        })
    }

    fn report(&self, old: &[Version], new: &[Version], identities: &[Identity]) -> DiffReport {
        let opening = Opening {
            identities,
            show: self.show_values,
        };
        DiffReport {
            objects: compare(old, new, opening),
        }
    }

    fn print_shortened(&self) -> Result<Answer, Errors> {
        let [file] = self.given::<1>("--textconv")?;
        let bytes = Source::from(file.to_owned()).read()?;
        let name = file.to_string_lossy();
        output::print(&textconv::shortened(&name, &bytes))?;
        Ok(Answer::Yes)
    }

    fn versions(&self) -> Result<(Vec<Version>, Vec<Version>), Errors> {
        if self.external_diff {
            return self.of_external_diff();
        }
        if self.no_index {
            return self.of_two_files();
        }
        match WorkTree::find().map_err(Error::from)? {
            Some(tree) => of_git(&tree, &self.range(&tree).map_err(Error::from)?),
            None if self.arguments.len() + self.paths.len() == 2 => self.of_two_files(),
            None => Err(Error::from(GitError::NoWorkTree).into()),
        }
    }

    fn of_two_files(&self) -> Result<(Vec<Version>, Vec<Version>), Errors> {
        let [old, new] = self.given("--no-index")?;
        let sources = [old, new].map(|file| Source::from(file.to_owned()));
        input::expect_one_stdin(&sources)?;
        let [old, new] = &sources;
        let read = |source: &Source| versions(&source.to_string(), "", source.read()?.to_vec());
        both(read(old), read(new))
    }

    /// `PATH OLD-FILE OLD-HEX OLD-MODE NEW-FILE NEW-HEX NEW-MODE`, and two more for a renamed file
    /// (`GIT_EXTERNAL_DIFF`, git(1)).
    fn of_external_diff(&self) -> Result<(Vec<Version>, Vec<Version>), Errors> {
        let (path, old, new) = match self.arguments.as_slice() {
            [path, old, _, _, new, _, _, ..] => (path, old, new),
            found => {
                return Err(Error::Arguments {
                    option: "--external-diff",
                    wanted: 7,
                    found: found.len(),
                }
                .into());
            }
        };
        let name = path.to_string_lossy();
        let read = |file: &OsString| {
            // What is not there is /dev/null.
            let bytes = Source::File(file.into()).read()?;
            versions(&name, &name, bytes.to_vec())
        };
        both(read(old), read(new))
    }

    fn given<const N: usize>(&self, option: &'static str) -> Result<[&OsStr; N], Error> {
        let given = self.arguments.iter().chain(&self.paths);
        let given: Vec<_> = given.map(OsString::as_os_str).collect();
        let found = given.len();
        given.try_into().map_err(|_| Error::Arguments {
            option,
            wanted: N,
            found,
        })
    }

    /// As Git tells revisions and paths apart: the first arguments may be either, and not both; from
    /// the first path on they have to be there.
    fn range(&self, tree: &WorkTree) -> Result<Range, GitError> {
        let most = if self.staged { 1 } else { 2 };
        let (mut revisions, mut named) = (Vec::new(), 0);
        for argument in &self.arguments {
            let names = match tree.revisions_in(argument)? {
                0 => break,
                // A range is two revisions, of which `A...B` names a third.
                names => names.min(2),
            };
            if is_path(argument) {
                return Err(GitError::Ambiguous(argument.into()));
            }
            named += names;
            if named > most {
                return Err(GitError::TooMany(argument.into()));
            }
            revisions.push(argument.clone());
        }
        let paths = self.arguments.iter().skip(revisions.len());
        let mut paths: Vec<_> = paths.cloned().collect();
        if let Some(path) = paths.iter().find(|path| !is_path(path)) {
            return Err(GitError::Unknown(path.into()));
        }
        paths.extend(self.paths.iter().cloned());
        Ok(Range {
            revisions,
            staged: self.staged,
            paths,
        })
    }
}

/// A file, or a pathspec that may match something (gitglossary(7)).
fn is_path(text: &OsStr) -> bool {
    let bytes = text.as_encoded_bytes();
    let is_pattern = bytes.starts_with(b":") || bytes.iter().any(|byte| b"*?[".contains(byte));
    is_pattern || Path::new(text).symlink_metadata().is_ok()
}

fn of_git(tree: &WorkTree, range: &Range) -> Result<(Vec<Version>, Vec<Version>), Errors> {
    let changed = tree.changed(range).map_err(Error::from)?;
    let mut store = Store::open().map_err(Error::from)?;
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let mut errors = Errors::default();
    for file in changed.iter().filter(|file| is_manifest(&file.path)) {
        for (content, into, is_old) in [(&file.old, &mut old, true), (&file.new, &mut new, false)] {
            let read = content_of(tree, &mut store, &file.path, content, is_old);
            errors.take(read, into);
        }
    }
    errors.or((flat(old), flat(new)))
}

fn content_of(
    tree: &WorkTree,
    store: &mut Store,
    path: &Path,
    content: &Content,
    is_old: bool,
) -> Result<Vec<Version>, Errors> {
    let file = path.display().to_string();
    let bytes = match content {
        Content::Absent => return Ok(Vec::new()),
        Content::Blob(blob) => store.read(blob).map_err(Error::from)?,
        Content::WorkTree => Source::File(tree.file(path)).read()?.to_vec(),
    };
    let name = if is_old {
        format!("{file} (old)")
    } else {
        file.clone()
    };
    versions(&name, &file, bytes)
}

fn both(
    old: Result<Vec<Version>, Errors>,
    new: Result<Vec<Version>, Errors>,
) -> Result<(Vec<Version>, Vec<Version>), Errors> {
    let mut errors = Errors::default();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    errors.take(old, &mut left);
    errors.take(new, &mut right);
    errors.or((flat(left), flat(right)))
}

fn flat(versions: Vec<Vec<Version>>) -> Vec<Version> {
    versions.into_iter().flatten().collect()
}

/// The SealedSecrets of a file; a file that does not even mention one need not be readable.
fn versions(name: &str, file: &str, bytes: Vec<u8>) -> Result<Vec<Version>, Errors> {
    if !mentions(&bytes, "SealedSecret") {
        return Ok(Vec::new());
    }
    let stream = Stream::parse(name, bytes, Reading::Kubernetes)?;
    let mut versions = Vec::new();
    for document in stream.documents() {
        for object in document.objects()? {
            if object.kind().as_deref() != Some("SealedSecret") {
                continue;
            }
            let at = object.location();
            let json = object.to_json()?;
            let sealed = SealedSecret::decode(json.clone()).map_err(|error| {
                let at = at.clone();
                Error::SealedSecret { at, error }
            })?;
            versions.push(Version {
                file: file.to_owned(),
                at,
                sealed,
                json,
            });
        }
    }
    Ok(versions)
}
