//! What Git compares in place of a sealed file (`diff.*.textconv`, gitattributes(5)).

use std::ops::Range;

use seal_manifest::{Error, Node, Reading, ScalarStyle, Stream};

/// The first letters tell the kind of envelope.
const HEAD: usize = 4;
/// The last ones tell one sealed text from another: they hold the authentication tag.
const TAIL: usize = 16;

/// The text of a file with every sealed value shortened and everything else as it stands, comments
/// too. Never fails for what it does not understand: Git shows the file as it is, then.
#[must_use]
pub fn shortened(name: &str, bytes: &[u8]) -> Vec<u8> {
    let ranges = match Stream::parse(name, bytes, Reading::Kubernetes) {
        Ok(stream) => sealed_values(&stream).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let mut short = Vec::new();
    let mut at = 0;
    for range in ranges {
        let Some(value) = bytes.get(range.clone()).filter(|_| range.start >= at) else {
            continue;
        };
        short.extend_from_slice(bytes.get(at..range.start).unwrap_or_default());
        short.extend_from_slice(&abbreviated(value));
        at = range.end;
    }
    short.extend_from_slice(bytes.get(at..).unwrap_or_default());
    short
}

fn abbreviated(value: &[u8]) -> Vec<u8> {
    let inner = value.trim_ascii();
    let letters: Vec<u8> = inner
        .iter()
        .copied()
        .filter(|letter| !letter.is_ascii_whitespace())
        .collect();
    let (Some(head), Some(tail)) = (letters.first_chunk::<HEAD>(), letters.last_chunk::<TAIL>())
    else {
        return value.to_vec();
    };
    // The blanks around a block scalar keep its lines apart from the next.
    let start = value.len() - value.trim_ascii_start().len();
    let end = value.trim_ascii_end().len();
    let count = format!(" ({} letters)", letters.len());
    let before = value.get(..start).unwrap_or_default();
    let after = value.get(end..).unwrap_or_default();
    [before, head, b"...", tail, count.as_bytes(), after].concat()
}

fn sealed_values(stream: &Stream) -> Result<Vec<Range<usize>>, Error> {
    let mut ranges = Vec::new();
    for document in stream.documents() {
        for object in document.objects()? {
            if object.kind().as_deref() == Some("SealedSecret") {
                collect(&object, &mut ranges)?;
            }
        }
    }
    ranges.sort_by_key(|range| range.start);
    Ok(ranges)
}

fn collect(object: &Node<'_>, ranges: &mut Vec<Range<usize>>) -> Result<(), Error> {
    let Some(spec) = object.field("spec")? else {
        return Ok(());
    };
    let items = spec.field("encryptedData")?.filter(Node::is_mapping);
    let mut values: Vec<_> = spec.field("data")?.into_iter().collect();
    for entry in items
        .map(|items| items.entries())
        .transpose()?
        .unwrap_or_default()
    {
        values.push(entry.value);
    }
    for value in values {
        let quotes = match value.scalar_style() {
            None => continue,
            Some(ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => 1,
            Some(_) => 0,
        };
        let span = value.span();
        if span.len() > quotes * 2 {
            ranges.push(span.start + quotes..span.end - quotes);
        }
    }
    Ok(())
}
