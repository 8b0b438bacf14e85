//! Bytes to documents.

use std::ops::Range;
use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::document::{Document, Format, Reading};
use crate::error::{Error, Location, Problem};
use crate::parse::{MAX_NODES, Tree, parse};
use crate::source::Source;

/// All documents of one input, in order; those that hold nothing are left out.
#[derive(Debug)]
pub struct Stream {
    source: Arc<Source>,
    documents: Vec<Document>,
    reading: Reading,
}

impl Stream {
    /// Parses YAML documents, JSON documents one after the other, or JSON documents followed by
    /// YAML ones. `name` is how errors call the input: a path, or `-`.
    ///
    /// The bytes are wiped from memory when the stream is dropped.
    ///
    /// # Errors
    /// When any of the documents is malformed: half a stream is never read.
    pub fn parse(name: &str, bytes: impl Into<Vec<u8>>, reading: Reading) -> Result<Self, Error> {
        let source = Arc::new(Source::decode(name, bytes.into())?);
        let mut trees = Vec::new();
        let (json, rest) = split(&source);
        let mut budget = MAX_NODES;
        let parts = json.into_iter().map(|range| (range, Format::Json));
        for (range, format) in parts.chain([(rest, Format::Yaml)]) {
            if format == Format::Yaml {
                check_yaml_part(&source, &range, !trees.is_empty())?;
            }
            for tree in parse(&source, range, budget)? {
                budget = budget.saturating_sub(tree.nodes.len());
                trees.push((tree, format));
            }
        }
        Ok(Self {
            documents: documents(&source, trees, reading),
            source,
            reading,
        })
    }

    /// Other bytes under the same name and in the same reading.
    pub(crate) fn reparse(&self, bytes: Vec<u8>) -> Result<Self, Error> {
        Self::parse(self.source.name(), bytes, self.reading)
    }

    pub(crate) fn place(&self, offset: usize) -> Location {
        self.source.location(offset)
    }

    /// The documents that hold something.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The input, a byte-order mark included.
    #[must_use]
    pub fn text(&self) -> &str {
        self.source.text()
    }
}

fn documents(source: &Arc<Source>, trees: Vec<(Tree, Format)>, reading: Reading) -> Vec<Document> {
    let mut documents = Vec::new();
    for (tree, format) in trees {
        let index = documents.len();
        let document = Document::new(Arc::clone(source), tree, reading, format, index);
        if !document.is_blank() {
            documents.push(document);
        }
    }
    documents
}

/// The JSON documents at the beginning of the input, and what is left for the YAML parser. Text
/// that begins as JSON but is none (`{a: b}`) is left to YAML, as `kubectl` does.
fn split(source: &Source) -> (Vec<Range<usize>>, Range<usize>) {
    let mut at = source.content_start();
    let end = source.text().len();
    let mut found = Vec::new();
    let text = source.slice(&(at..end));
    if !text.trim_ascii_start().starts_with(['{', '[']) {
        return (found, at..end);
    }
    let base = at;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    while let Some(Ok(_)) = values.next() {
        let next = base + values.byte_offset();
        found.push(at..next);
        at = next;
    }
    (found, at..end)
}

/// After JSON only a new document may begin; and `---` must stand alone, or Kubernetes and YAML
/// would not agree on where a document ends.
fn check_yaml_part(source: &Source, range: &Range<usize>, after_json: bool) -> Result<(), Error> {
    let text = source.slice(range);
    let content = text.trim_start();
    let begins = ["---", "...", "#", "{", "[", "%"]
        .iter()
        .any(|start| content.starts_with(start));
    if after_json && !content.is_empty() && !begins {
        let at = range.end - content.len();
        return Err(source.error(at, Problem::TrailingText));
    }
    let starts = source.lines_in(range).iter();
    for at in [range.start].iter().chain(starts) {
        let glued = source
            .slice(&(*at..range.end))
            .strip_prefix("---")
            .and_then(|rest| rest.chars().next())
            .is_some_and(|next| !next.is_ascii_whitespace());
        if glued {
            return Err(source.error(*at, Problem::GluedSeparator));
        }
    }
    Ok(())
}
