//! New objects as YAML, byte for byte as `sigs.k8s.io/yaml` writes them.
//!
//! The layout is that of libyaml's emitter as `yaml.v2` drives it: block style, lists not indented
//! below their key, lines folded at blanks beyond column 80, keys in `yaml.v2`'s natural order.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::document::Reading;
use crate::error::Problem;
use crate::json::to_yaml_safe_json;
use crate::node::Node;
use crate::number::general_f64;
use crate::order::natural_order;
use crate::scalar::{Scalar, reads_as_text};
use crate::stream::Stream;
use crate::style::{Shape, Style, escaped, is_break, is_printable};

/// A value that cannot be written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// It has a key that is no text, or its own serialization failed.
    #[error("the value cannot be written as JSON")]
    NotSerializable,
    /// It is nested too deep.
    #[error("the value cannot be written as YAML: {0}")]
    Unwritable(Problem),
}

/// Writes a value as `kubectl -o yaml` and `kubeseal` do, without the `---` before it.
///
/// Like `sigs.k8s.io/yaml` it takes the way over JSON; on that way, too, all text is wiped.
///
/// # Errors
/// When the value does not serialize to JSON, or is nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
pub fn to_yaml<T: Serialize + ?Sized>(value: &T) -> Result<Zeroizing<String>, EmitError> {
    let mut json = to_yaml_safe_json(value)?;
    let length = json.len();
    let bytes = std::mem::take(&mut *json).into_bytes();
    let stream = Stream::parse("", bytes, Reading::Kubernetes)
        .map_err(|error| EmitError::Unwritable(error.problem))?;
    let mut emitter = Emitter::with_capacity(length * 2);
    match stream.documents().first() {
        Some(document) => emitter.node(document.root(), Place::Root),
        None => emitter.scalar(&Scalar::Null, Place::Root),
    }
    emitter.line_start();
    Ok(emitter.text)
}

/// Where a node is written.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// Behind `- `.
    Item,
    /// Behind `key:` or `? key`.
    Value,
    /// Before `:` on the same line.
    SimpleKey,
}

/// libyaml's emitter state, as far as block style without folding needs it.
struct Emitter {
    text: Zeroizing<String>,
    /// Columns of the current collection; below zero outside of any.
    indent: isize,
    column: isize,
    /// Whether the last character separates.
    whitespace: bool,
    /// Whether the line holds nothing but indentation and `-`, `?`, `:` indicators.
    indention: bool,
}

const STEP: isize = 2;
/// Beyond this column the next single blank becomes a line break.
const WIDTH: isize = 80;
/// Longer keys are written `? key`.
const SIMPLE_KEY_BYTES: usize = 128;

impl Emitter {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            text: Zeroizing::new(String::with_capacity(capacity)),
            indent: -1,
            column: 0,
            whitespace: true,
            indention: true,
        }
    }

    fn node(&mut self, node: Node<'_>, place: Place) {
        if node.is_mapping() {
            self.mapping(node);
        } else if node.is_sequence() {
            self.sequence(node, place);
        } else {
            self.scalar(&node.scalar().unwrap_or(Scalar::Null), place);
        }
    }

    fn mapping(&mut self, node: Node<'_>) {
        let entries = natural_order(node.entries().unwrap_or_default());
        if entries.is_empty() {
            return self.indicator("{}", true);
        }
        let outer = self.enter(false);
        for entry in entries {
            self.line_start();
            let key = Scalar::Text(entry.key);
            if is_simple_key(&key) {
                self.scalar(&key, Place::SimpleKey);
                self.indicator(":", false);
            } else {
                self.block_indicator("?");
                self.scalar(&key, Place::Value);
                self.line_start();
                self.block_indicator(":");
            }
            self.node(entry.value, Place::Value);
        }
        self.indent = outer;
    }

    fn sequence(&mut self, node: Node<'_>, place: Place) {
        let items = node.items().unwrap_or_default();
        if items.is_empty() {
            return self.indicator("[]", true);
        }
        let outer = self.enter(place == Place::Value && !self.indention);
        for item in items {
            self.line_start();
            self.block_indicator("-");
            self.node(item, Place::Item);
        }
        self.indent = outer;
    }

    /// Indents for a collection; a list below its key stays where the key is.
    fn enter(&mut self, indentless: bool) -> isize {
        let outer = self.indent;
        if self.indent < 0 {
            self.indent = 0;
        } else if !indentless {
            self.indent += STEP;
        }
        outer
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, place: Place) {
        match scalar {
            Scalar::Null => self.plain("null"),
            Scalar::Bool(value) => self.plain(if *value { "true" } else { "false" }),
            Scalar::Integer(value) => self.plain(&value.to_string()),
            Scalar::Float(value) => self.plain(&general_f64(*value)),
            Scalar::Text(text) => self.string(text, place),
            Scalar::Binary(text) => self.string(text, place),
        }
    }

    fn string(&mut self, text: &str, place: Place) {
        let outer = self.indent;
        self.indent = if self.indent < 0 {
            STEP
        } else {
            self.indent + STEP
        };
        let shape = Shape::of(text);
        // As a key `<<` would read back as a merge; yaml.v2 writes it so nonetheless.
        let is_text = reads_as_text(text) && !(place == Place::SimpleKey && text == "<<");
        match shape.style(text, is_text, place == Place::SimpleKey) {
            Style::Plain => self.plain_text(text, place != Place::SimpleKey),
            Style::SingleQuoted => self.single_quoted(text, place != Place::SimpleKey),
            Style::DoubleQuoted => self.double_quoted(text, place != Place::SimpleKey),
            Style::Literal => self.literal(text),
        }
        self.indent = outer;
    }

    fn plain(&mut self, text: &str) {
        self.separate();
        self.put(text);
        self.whitespace = false;
        self.indention = false;
    }

    fn plain_text(&mut self, text: &str, fold: bool) {
        self.separate();
        for (at, character) in text.char_indices() {
            if fold && self.folds_at(text, at) && !text_from(text, at + 1).starts_with(' ') {
                self.line_start();
            } else {
                self.put_char(character);
            }
            self.indention = false;
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, fold: bool) {
        self.indicator("'", true);
        let mut after_break = false;
        for (at, character) in text.char_indices() {
            if is_break(character) {
                self.put_char(character);
                self.column = 0;
                self.indention = true;
                after_break = true;
                continue;
            }
            let folds = fold && at > 0 && at + 1 < text.len() && self.folds_at(text, at);
            if character == ' ' {
                if folds && !text_from(text, at + 1).starts_with(' ') {
                    self.line_start();
                } else {
                    self.put_char(character);
                }
                continue;
            }
            if after_break {
                self.line_start();
            }
            if character == '\'' {
                self.put("'");
            }
            self.put_char(character);
            self.indention = false;
            after_break = false;
        }
        self.close_quote("'");
    }

    fn double_quoted(&mut self, text: &str, fold: bool) {
        self.indicator("\"", true);
        // yaml.v2 looks for a byte-order mark at the text's beginning and then escapes it all.
        let all = text.starts_with('\u{feff}');
        for (at, character) in text.char_indices() {
            let special = all
                || !is_printable(character)
                || is_break(character)
                || matches!(character, '"' | '\\');
            if special {
                self.put(&escaped(character));
            } else if fold && at > 0 && at + 1 < text.len() && self.folds_at(text, at) {
                self.line_start();
                if text_from(text, at + 1).starts_with(' ') {
                    self.put("\\");
                }
            } else {
                self.put_char(character);
            }
        }
        self.close_quote("\"");
    }

    /// Whether a blank at this offset, the first of its run, stands beyond the width.
    fn folds_at(&self, text: &str, at: usize) -> bool {
        let bytes = text.as_bytes();
        let blank = |at: usize| bytes.get(at) == Some(&b' ');
        self.column > WIDTH && blank(at) && !at.checked_sub(1).is_some_and(blank)
    }

    fn close_quote(&mut self, quote: &str) {
        self.indicator(quote, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true);
        if text.starts_with(|first| first == ' ' || is_break(first)) {
            self.put("2");
        }
        let mut ends = text.chars().rev();
        match (ends.next().is_some_and(is_break), ends.next()) {
            (false, _) => self.put("-"),
            (true, None) => self.put("+"),
            (true, Some(before)) if is_break(before) => self.put("+"),
            (true, Some(_)) => {}
        }
        self.line_break();
        let mut after_break = true;
        for character in text.chars() {
            if is_break(character) {
                if character == '\n' {
                    self.line_break();
                } else {
                    self.put_char(character);
                    self.column = 0;
                }
                self.indention = true;
                after_break = true;
                continue;
            }
            if after_break {
                self.line_start();
            }
            self.put_char(character);
            self.indention = false;
            after_break = false;
        }
    }

    /// Goes to the indentation of the current collection, on a new line where this one is used.
    fn line_start(&mut self) {
        let indent = self.indent.max(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.put(" ");
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn line_break(&mut self) {
        self.put("\n");
        self.column = 0;
        self.whitespace = true;
        self.indention = true;
    }

    fn separate(&mut self) {
        if !self.whitespace {
            self.put(" ");
        }
    }

    fn indicator(&mut self, indicator: &str, separate: bool) {
        if separate {
            self.separate();
        }
        self.put(indicator);
        self.whitespace = false;
        self.indention = false;
    }

    /// `-`, `?` and `:` behind which a collection may begin on the same line.
    fn block_indicator(&mut self, indicator: &str) {
        self.separate();
        self.put(indicator);
        self.whitespace = false;
    }

    fn put(&mut self, text: &str) {
        text.chars().for_each(|character| self.put_char(character));
    }

    fn put_char(&mut self, character: char) {
        if self.text.len() + character.len_utf8() > self.text.capacity() {
            let mut grown = String::with_capacity(self.text.capacity() * 2 + 64);
            grown.push_str(&self.text);
            self.text = Zeroizing::new(grown);
        }
        self.text.push(character);
        self.column += 1;
    }
}

fn text_from(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

fn is_simple_key(key: &Scalar<'_>) -> bool {
    match key {
        Scalar::Text(text) => text.len() <= SIMPLE_KEY_BYTES && !text.contains(is_break),
        _ => true,
    }
}
