//! Whole documents that become others, where they stand: what is around them stays, comments in them
//! do not.

use std::collections::BTreeMap;
use std::ops::Range;

use zeroize::Zeroizing;

use super::plan::{self, Replacement};
use super::{EditError, Edited, proof};
use crate::document::Document;
use crate::stream::Stream;
use crate::tree::Content;

const BLANKS: [char; 2] = [' ', '\t'];
const BREAKS: [char; 2] = ['\n', '\r'];
const MARKER: &str = "---\n";

impl Stream {
    /// The text with other documents in the place of some, which are named by their
    /// [index](Document::index): for each one or more, each in JSON or in YAML that begins with `---`.
    /// It is read again to prove it.
    ///
    /// Comments in a document go with it: those behind its last value in the same line, and lines
    /// below that are indented, are in it. Comment lines that begin in the first column stay, for they
    /// may speak of what follows ([`Document::has_comment_behind`]), and so does every byte before the
    /// object and of other documents.
    ///
    /// # Errors
    /// [`EditError::Manifest`] for a new text that cannot be read, [`EditError::Unproven`] when the
    /// result does not hold the new documents and the others as they were.
    pub fn replace(&self, new: &BTreeMap<usize, &str>) -> Result<Edited, EditError> {
        let mut wanted = BTreeMap::new();
        let mut replacements = Vec::new();
        for (index, text) in new {
            let Some(document) = self.documents().get(*index) else {
                continue;
            };
            wanted.insert(*index, self.reparse(text.as_bytes().to_vec())?);
            let place = Place::of(document);
            let text = spliced(self.text(), &place.object, text);
            replacements.push(Replacement::new(place.object, text));
            let comments = place.inside.into_iter();
            replacements.extend(comments.map(Replacement::delete));
        }
        let text = plan::apply(self, replacements)?;
        proof::reads_back_with(self, &text, &wanted)?;
        Ok(Edited(text))
    }
}

impl Document {
    /// Whether there is a comment line behind the object, and before the next document, that begins in
    /// the first column.
    #[must_use]
    pub fn has_comment_behind(&self) -> bool {
        Place::of(self).has_comment_behind
    }
}

/// What an object takes of the text.
struct Place {
    /// Its lines, without the last line's break, or what it takes of them.
    object: Range<usize>,
    /// Comment lines below that are indented, and so belong to it.
    inside: Vec<Range<usize>>,
    /// Whether there are other comment lines up to the next document.
    has_comment_behind: bool,
}

impl Place {
    fn of(document: &Document) -> Self {
        let (source, root) = (document.source(), document.root());
        let text = source.text();
        let span = root.span();
        let properties = root.properties_span();
        let first = properties.map_or(span.start, |it| it.start.min(span.start));
        let line = source.line_start(first).max(source.content_start());
        let indentation = source.slice(&(line..first));
        let start = match indentation.trim_matches(BLANKS).is_empty() {
            true => line,
            false => first,
        };
        // A block scalar's span ends in the line behind it, where that is indented.
        let taken = source.slice(&(start..span.end));
        let last = start + taken.trim_end_matches([' ', '\t', '\n', '\r']).len();
        let rest = text.get(last..).unwrap_or_default();
        let rest = rest.split(BREAKS).next().unwrap_or_default();
        let in_line = rest.trim_start_matches(BLANKS);
        // Other documents may follow a flow collection, but only comments a block one.
        let takes_line = is_block(document) || in_line.is_empty() || in_line.starts_with('#');
        let end = last + if takes_line { rest.len() } else { 0 };
        let mut place = Self {
            object: start..end,
            inside: Vec::new(),
            has_comment_behind: false,
        };
        if takes_line {
            place.add_comments(document, end);
        }
        place
    }

    /// Goes over the lines behind the object that hold nothing or a comment.
    fn add_comments(&mut self, document: &Document, end: usize) {
        let source = document.source();
        let all = source.text().len();
        let starts = source.lines_in(&(end..all));
        let ends = starts.iter().skip(1).copied().chain([all]);
        for (start, end) in starts.iter().copied().zip(ends) {
            let line = source.slice(&(start..end));
            let content = line.trim_start_matches(BLANKS);
            match content.starts_with('#') {
                true if content.len() < line.len() => self.inside.push(start..end),
                true => self.has_comment_behind = true,
                false if content.trim_end_matches(BREAKS).is_empty() => {}
                false => break,
            }
        }
    }
}

fn is_block(document: &Document) -> bool {
    matches!(
        document.root().content(),
        Some(Content::Mapping { flow: false, .. } | Content::Sequence { flow: false, .. })
    )
}

/// What stands in the place of an object: without the marker before the first document, and with a
/// line of its own where YAML wants one.
fn spliced(text: &str, object: &Range<usize>, new: &str) -> Zeroizing<String> {
    let before = text.get(..object.start).unwrap_or_default();
    let after = text.get(object.end..).unwrap_or_default();
    let new = new.strip_prefix(MARKER).unwrap_or(new).trim_end();
    let is_yaml = !new.starts_with('{');
    let on_a_line = before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}']);
    let mut spliced = Zeroizing::new(String::with_capacity(new.len() + 2));
    if is_yaml && !on_a_line {
        spliced.push('\n');
    }
    spliced.push_str(new);
    if after.is_empty() {
        spliced.push('\n');
    }
    match text.contains("\r\n") {
        true => Zeroizing::new(spliced.replace('\n', "\r\n")),
        false => spliced,
    }
}
