//! The age test vectors of the Community Cryptography Test Vectors project against the layer that
//! reads age files.

use std::{fs, io::Read, path::PathBuf};

use aws_lc_rs::digest;
use flate2::read::ZlibDecoder;

use super::*;

struct Vector {
    name: String,
    fields: Vec<(String, String)>,
    file: Vec<u8>,
}

impl Vector {
    fn parse(name: String, bytes: &[u8]) -> Self {
        let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap();
        let header = str::from_utf8(&bytes[..end]).unwrap();
        let field = |line: &str| {
            let (key, value) = line.split_once(": ").unwrap();
            (key.to_owned(), value.to_owned())
        };
        let fields: Vec<_> = header.lines().map(field).collect();
        let mut file = bytes[end + 2..].to_vec();
        if fields.contains(&("compressed".into(), "zlib".into())) {
            let mut inflated = Vec::new();
            ZlibDecoder::new(file.as_slice())
                .read_to_end(&mut inflated)
                .unwrap();
            file = inflated;
        }
        Self { name, fields, file }
    }

    fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.fields.iter().filter(move |(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    fn one<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// What the identities of the vector get out of its file: the first answer that is no
    /// [`DecryptError::NoMatch`].
    fn decrypt(&self) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let identities = self.all("identity").chain([
            // For vectors that have none: a key that no file is for.
            "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
        ]);
        let mut answers =
            identities.map(|text| decrypt(&Identity::parse(text).unwrap().0, &self.file));
        answers
            .find(|answer| !matches!(answer, Err(DecryptError::NoMatch)))
            .unwrap_or(Err(DecryptError::NoMatch))
    }
}

fn vectors() -> Vec<Vector> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/age");
    let mut vectors = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        vectors.push(Vector::parse(name, &fs::read(&path).unwrap()));
    }
    vectors.sort_by(|a, b| a.name.cmp(&b.name));
    vectors
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn age_files_are_read_as_the_public_vectors_say() {
    let mut opened = 0;
    let vectors = vectors();
    for vector in &vectors {
        let answer = vector.decrypt();
        let refused_here = vector.one("armored").is_some() || vector.one("passphrase").is_some();
        match vector.one("expect").unwrap() {
            "success" if !refused_here => {
                let payload = answer.unwrap_or_else(|error| panic!("{}: {error:?}", vector.name));
                let hash = digest::digest(&digest::SHA256, &payload);
                assert_eq!(
                    Some(hex(hash.as_ref()).as_str()),
                    vector.one("payload"),
                    "{}",
                    vector.name
                );
                opened += 1;
            }
            "no match" if !refused_here => {
                assert_eq!(answer.err(), Some(DecryptError::NoMatch), "{}", vector.name);
            }
            _ => assert!(answer.is_err(), "{}", vector.name),
        }
    }
    assert_eq!((vectors.len(), opened), (143, 18));
}
