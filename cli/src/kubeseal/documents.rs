//! Streams of documents as upstream's readers take them.
//!
//! Upstream passes over what it cannot read and says nothing. Here an input of which nothing can be
//! read is empty, too; but where something is read, everything must be.

use seal_manifest::{Format, Node, Reading, Stream};
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};

/// What a document holds.
pub enum Held<T> {
    /// What is looked for.
    Found(T),
    /// Nothing of what such an object has.
    Nothing,
    /// Nothing that can be read.
    Broken(Failure),
    /// Something that is not right; upstream tells of it, too.
    Wrong(Failure),
}

/// All documents in which `read` finds something.
///
/// # Errors
/// The first thing that is wrong, unless nothing was found at all.
pub fn read<T>(
    name: &str,
    bytes: Zeroizing<Vec<u8>>,
    mut read: impl FnMut(&Node<'_>, Format) -> Result<Held<T>, seal_manifest::Error>,
) -> Outcome<Vec<T>> {
    let bytes = from_utf16(bytes);
    let stream = match Stream::parse(name, bytes.to_vec(), Reading::Kubernetes) {
        Ok(stream) => stream,
        Err(error) if any_part_holds(&bytes, &mut read) => return Err(error.into()),
        Err(_) => return Ok(Vec::new()),
    };
    let mut found = Vec::new();
    let mut broken = None;
    for document in stream.documents() {
        let root = document.root();
        let read = match root.is_mapping() {
            true => {
                read(&root, document.format()).unwrap_or_else(|error| Held::Broken(error.into()))
            }
            false => Held::Broken(Failure::new(format!(
                "{}: expected an object, found {}",
                root.location(),
                root.type_name()
            ))),
        };
        match read {
            Held::Found(object) => found.push(object),
            Held::Nothing => {}
            Held::Broken(error) => broken = broken.or(Some(error)),
            Held::Wrong(error) => return Err(error),
        }
    }
    match broken {
        Some(error) if !found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// Whether anything would be lost if the whole input were passed over.
fn any_part_holds<T>(
    bytes: &[u8],
    read: &mut impl FnMut(&Node<'_>, Format) -> Result<Held<T>, seal_manifest::Error>,
) -> bool {
    let mut holds = |part: &[u8]| {
        let Ok(stream) = Stream::parse("", part.to_vec(), Reading::Kubernetes) else {
            return false;
        };
        stream.documents().iter().any(|document| {
            let root = document.root();
            root.is_mapping()
                && matches!(
                    read(&root, document.format()),
                    Ok(Held::Found(_) | Held::Wrong(_))
                )
        })
    };
    let mut objects =
        serde_json::Deserializer::from_slice(bytes).into_iter::<serde::de::IgnoredAny>();
    if objects.next().is_some_and(|object| object.is_ok()) {
        let end = objects.byte_offset();
        return holds(bytes.get(..end).unwrap_or_default());
    }
    let ends = |line: &[u8]| line.starts_with(b"---") || line.starts_with(b"...");
    let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    lines
        .split(|line| ends(line))
        .any(|part| holds(&Zeroizing::new(part.concat())))
}

/// yaml.v2 knows UTF-16 by its byte-order mark. The little-endian one does not get through the line
/// reader before it.
fn from_utf16(bytes: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let Some(rest) = bytes.strip_prefix(&[0xfe, 0xff]) else {
        return bytes;
    };
    let units = rest.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => u16::MAX,
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) => Zeroizing::new(text.into_bytes()),
        Err(_) => bytes,
    }
}
