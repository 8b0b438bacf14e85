//! Certificates and recipients that were fetched, kept for the time when nobody can be asked.

use std::{env, fmt::Write, fs, io, path::PathBuf};

use jiff::Timestamp;

use crate::{
    cluster::Published,
    error::Error,
    output::{Batch, Privacy},
    report,
};

/// No file system takes longer names.
const LONGEST_NAME: usize = 255;

/// The place of one certificate, or of the recipients of one cluster: `$XDG_CACHE_HOME/seal/certificates`, by default below `~/.cache`,
/// and there a file for each cluster and controller, or for each URL. Its time of change tells when
/// it was fetched.
#[derive(Debug)]
pub struct Entry {
    what: Published,
    /// `None` where there is no home, or its name would be too long.
    file: Option<PathBuf>,
}

struct Kept {
    bytes: Vec<u8>,
    keys: String,
    at: Timestamp,
}

impl Entry {
    /// The place of what these words name; `of` is what the first of them is.
    #[must_use]
    pub fn new(what: Published, of: &str, words: &[&str]) -> Self {
        let name = words.iter().map(|word| escaped(word)).collect::<Vec<_>>();
        let name = format!("{of},{}.{}", name.join(","), what.extension());
        let file = directory().filter(|_| name.len() <= LONGEST_NAME);
        Self {
            what,
            file: file.map(|directory| directory.join(name)),
        }
    }

    /// Keeps what was fetched, and tells when it is another key than before. When nobody could be
    /// asked, gives what was kept, and tells that, too.
    ///
    /// # Errors
    /// Why nothing was fetched, when nothing was kept or the answer was no.
    pub fn through(&self, fetched: Result<Vec<u8>, Error>) -> Result<Vec<u8>, Error> {
        let kept = self.read();
        match (fetched, kept) {
            (Ok(bytes), kept) => {
                if let Some(keys) = self.what.keys(&bytes) {
                    if let Some(kept) = kept {
                        tell_of_change(&kept, &keys);
                    }
                    self.keep(&bytes);
                }
                Ok(bytes)
            }
            (Err(error), Some(kept)) if error.is_of_the_network() => {
                report::warning(&format_args!(
                    "{error}; sealing {} {} that was fetched on {}",
                    match self.what {
                        Published::Certificate => "with the certificate of key",
                        Published::Recipients => "for the recipient of key",
                    },
                    kept.keys,
                    kept.at.strftime("%F")
                ));
                Ok(kept.bytes)
            }
            (Err(error), _) => Err(error),
        }
    }

    fn read(&self) -> Option<Kept> {
        let file = self.file.as_ref()?;
        let bytes = fs::read(file).ok()?;
        let modified = fs::metadata(file).and_then(|it| it.modified()).ok()?;
        Some(Kept {
            keys: self.what.keys(&bytes)?,
            bytes,
            at: modified.try_into().ok()?,
        })
    }

    /// A cache that cannot be written is none; nobody has to hear of it.
    fn keep(&self, bytes: &[u8]) {
        let Some(file) = &self.file else { return };
        let Some(directory) = file.parent() else {
            return;
        };
        if create_private(directory).is_ok() {
            let mut batch = Batch::default();
            if batch.add(file, bytes, Privacy::Private).is_ok() {
                let _ = batch.commit();
            }
        }
    }
}

fn tell_of_change(kept: &Kept, now: &str) {
    let before = &kept.keys;
    if before != now {
        report::warning(&format_args!(
            "the key is {now} now; on {} it was {before}. Controllers make a new key every 30 days \
             unless told otherwise; pins in .seal.yaml refuse keys that nobody has looked at",
            kept.at.strftime("%F")
        ));
    }
}

fn directory() -> Option<PathBuf> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    // The specification has relative ones ignored.
    let cache = match named.filter(|path| path.is_absolute()) {
        Some(cache) => cache,
        None => env::home_dir()
            .filter(|home| home.is_absolute())?
            .join(".cache"),
    };
    Some(cache.join("seal/certificates"))
}

#[cfg(unix)]
fn create_private(directory: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

#[cfg(not(unix))]
fn create_private(directory: &std::path::Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// In letters, digits, `-`, `_` and `.`; all else as `%` and two digits.
fn escaped(word: &str) -> String {
    let mut escaped = String::new();
    for byte in word.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            escaped.push(byte.into());
        } else {
            // Writing to a String never fails.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_whatever_they_hold() {
        assert_eq!(escaped("arn:aws/x,y%"), "arn%3Aaws%2Fx%2Cy%25");
        assert_eq!(escaped("../.."), "..%2F..");
    }
}
