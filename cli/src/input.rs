//! Where input comes from: files and standard input.

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, IsTerminal, Read},
    path::PathBuf,
};

use seal_manifest::{Document, Location, Node, Reading, Stream};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Errors},
    progress, report,
};

/// More than this is no manifest, no key and no value of a Secret.
const MOST_BYTES: usize = 64 << 20;

/// What standard input is called where a file's name matters, as to the rules of `.seal.yaml`.
pub const NO_FILE: &str = "stdin.yaml";

/// One input, and how messages call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input, `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl From<OsString> for Source {
    fn from(argument: OsString) -> Self {
        if argument == "-" {
            Self::Stdin
        } else {
            Self::File(argument.into())
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("<stdin>"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Source {
    /// All of it, wiped when dropped.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::TooLong`].
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let failed = |error| Error::Read {
            from: self.to_string(),
            error,
        };
        let bytes = match self {
            Self::Stdin => read_wiped(&mut io::stdin().lock(), 0),
            Self::File(path) => File::open(path).and_then(|mut file| {
                let length = file.metadata().map_or(0, |metadata| metadata.len());
                read_wiped(&mut file, usize::try_from(length).unwrap_or(0))
            }),
        };
        match bytes.map_err(failed)? {
            Some(bytes) => Ok(bytes),
            None => Err(Error::TooLong {
                from: self.to_string(),
                most: MOST_BYTES,
            }),
        }
    }

    /// The YAML or JSON documents in it.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`Error::Manifest`].
    pub fn parse(&self, reading: Reading) -> Result<Stream, Error> {
        let mut bytes = self.read()?;
        let bytes = std::mem::take(&mut *bytes);
        Ok(Stream::parse(&self.to_string(), bytes, reading)?)
    }

    /// Tells somebody who sits before a terminal what is waited for.
    pub fn announce(&self, what: &str) {
        if *self == Self::Stdin && io::stdin().is_terminal() {
            report::note(&format_args!(
                "reading {what} from the terminal; end with Ctrl-D"
            ));
        }
    }
}

/// A text without the byte-order mark that Windows' editors put before it.
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// Whether a text speaks of a kind of objects. One that was found, and does not, is of no concern, and
/// need not even be YAML.
#[must_use]
pub fn mentions(text: &[u8], kind: &str) -> bool {
    memchr::memmem::find(text, kind.as_bytes()).is_some()
}

/// Whether a text that is no YAML is a template of Helm, say: what it becomes can be read, but not what
/// it is.
#[must_use]
pub fn is_template(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"{{").is_some()
}

/// Tells of a template that was found among manifests and left alone.
pub fn tell_template(file: &dyn fmt::Display) {
    report::note(&format_args!(
        "{file}: passed over, for it is a template and no YAML"
    ));
}

/// Standard input when no input is named. It can be read only once.
///
/// # Errors
/// [`Error::StdinTwice`].
pub fn or_stdin(mut sources: Vec<Source>) -> Result<Vec<Source>, Error> {
    if sources.is_empty() {
        sources.push(Source::Stdin);
    }
    expect_one_stdin(&sources)?;
    Ok(sources)
}

/// Makes sure that standard input is asked for at most once.
///
/// # Errors
/// [`Error::StdinTwice`].
pub fn expect_one_stdin<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Result<(), Error> {
    let stdin = sources
        .into_iter()
        .filter(|source| **source == Source::Stdin);
    if stdin.count() > 1 {
        return Err(Error::StdinTwice);
    }
    Ok(())
}

/// Maps every object of every input, lists taken apart, in their order; on all cores. `doing` says on
/// terminals what takes long, such as `opening`.
///
/// # Errors
/// All errors of all objects: people want to see every bad document at once. An input without any
/// object is one, too ([`Error::NoObject`]).
pub fn map_objects<T: Send>(
    sources: &[Source],
    expected: &'static str,
    doing: &'static str,
    map: impl Fn(&Node<'_>) -> Result<T, Errors> + Sync,
) -> Result<Vec<T>, Errors> {
    let mut mapped = Vec::new();
    let mut errors = Errors::default();
    for source in sources {
        source.announce(&format!("{expected}s"));
        let Some(stream) = errors.ok(source.parse(Reading::Strict)) else {
            continue;
        };
        let documents: Vec<_> = stream.documents().iter().map(Document::objects).collect();
        let nodes: Vec<_> = documents.iter().flatten().flatten().copied().collect();
        if nodes.is_empty() && documents.iter().all(Result::is_ok) {
            errors.push(Error::NoObject {
                from: source.to_string(),
                expected,
            });
        }
        let mut results = progress::map(doing, &nodes, &map).into_iter();
        for document in documents {
            match document {
                Ok(nodes) => {
                    for result in results.by_ref().take(nodes.len()) {
                        errors.take(result, &mut mapped);
                    }
                }
                Err(error) => errors.push(error.into()),
            }
        }
    }
    errors.or(mapped)
}

/// Where a field stands, or the nearest that is there.
#[must_use]
pub fn place_of(node: &Node<'_>, path: &[&str]) -> Location {
    let mut place = *node;
    for field in path {
        match place.get(field) {
            Ok(Some(value)) => place = value,
            _ => break,
        }
    }
    place.location()
}

/// Reads to the end into a buffer that leaves no copies behind where it grows; `None` for more than
/// [`MOST_BYTES`].
pub(crate) fn read_wiped(
    reader: &mut impl Read,
    expected: usize,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let capacity = expected.min(MOST_BYTES) + 1;
    let mut bytes = Zeroizing::new(vec![0; capacity.max(8 << 10)]);
    let mut filled = 0;
    loop {
        if filled > MOST_BYTES {
            return Ok(None);
        }
        if filled == bytes.len() {
            let mut grown = Zeroizing::new(vec![0; filled * 2]);
            if let Some(start) = grown.get_mut(..filled) {
                start.copy_from_slice(&bytes);
            }
            bytes = grown;
        }
        let room = bytes.get_mut(filled..).unwrap_or_default();
        match reader.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_expected_is_read_to_its_end() {
        let text = vec![7; 100_000];
        for expected in [0, 10, 100_000, 200_000] {
            let read = read_wiped(&mut text.as_slice(), expected).unwrap().unwrap();
            assert_eq!(*read, text, "{expected}");
        }
    }

    #[test]
    fn endless_input_is_given_up() {
        assert!(read_wiped(&mut io::repeat(0), 0).unwrap().is_none());
    }
}
