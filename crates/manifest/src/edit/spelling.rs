//! How a text is written: as its siblings are, where it can be.

use zeroize::Zeroizing;

use crate::json::to_yaml_safe_json;
use crate::scalar::{ambiguity, reads_as_text};
use crate::style::{Shape, Style, escaped, is_break, is_printable};

/// What a place takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// Outside of brackets.
    Block,
    /// Between brackets.
    Flow,
    /// In a JSON document.
    Json,
}

/// How texts are written in one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    /// Whether without quotes, where that is safe.
    pub(super) plain: bool,
    /// Which quotes otherwise.
    pub(super) quotes: Option<Quotes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    Single,
    Double,
}

impl Habit {
    pub(super) const PLAIN: Self = Self {
        plain: true,
        quotes: None,
    };

    pub(super) const fn quoted(quotes: Quotes) -> Self {
        Self {
            plain: false,
            quotes: Some(quotes),
        }
    }
}

/// A text on one line, so that every reader takes it for this text.
pub(super) fn spell(text: &str, habit: Habit, context: Context) -> Zeroizing<String> {
    if context == Context::Json {
        // Text always is JSON; were it not, reading the result back would find out.
        return to_yaml_safe_json(text).unwrap_or_default();
    }
    if habit.plain && is_safe_plain(text, context) {
        return Zeroizing::new(text.to_owned());
    }
    let shape = Shape::of(text);
    let quotes =
        habit
            .quotes
            .unwrap_or_else(|| match shape.style(text, reads_as_text(text), true) {
                Style::DoubleQuoted | Style::Literal => Quotes::Double,
                Style::SingleQuoted | Style::Plain => Quotes::Single,
            });
    let single = shape.single_quoted_allowed() && !text.contains(is_break);
    match quotes {
        Quotes::Single if single => single_quoted(text),
        _ => double_quoted(text),
    }
}

/// Whether it may stand without quotes: text to YAML 1.1, YAML 1.2 and Kubernetes alike.
pub(super) fn is_safe_plain(text: &str, context: Context) -> bool {
    // Types of their own in YAML 1.1.
    let special = matches!(text, "=" | "<<");
    let flow = context != Context::Block && text.contains([',', '?', ':', '[', ']', '{', '}']);
    !special
        && !flow
        && Shape::of(text).plain_allowed()
        && reads_as_text(text)
        && ambiguity(text).is_none()
}

fn single_quoted(text: &str) -> Zeroizing<String> {
    let mut quoted = Zeroizing::new(String::with_capacity(2 * text.len() + 2));
    quoted.push('\'');
    for character in text.chars() {
        if character == '\'' {
            quoted.push('\'');
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

fn double_quoted(text: &str) -> Zeroizing<String> {
    // No escape takes more than six times its character, so that nothing is left where it grew.
    let mut quoted = Zeroizing::new(String::with_capacity(6 * text.len() + 2));
    quoted.push('"');
    for character in text.chars() {
        let special = !(is_printable(character) || u32::from(character) > 0xffff)
            || is_break(character)
            || matches!(character, '"' | '\\');
        if special {
            quoted.push_str(&escaped(character));
        } else {
            quoted.push(character);
        }
    }
    quoted.push('"');
    quoted
}

/// Pieces as one text, made in one allocation.
pub(super) fn concat(pieces: &[&str]) -> Zeroizing<String> {
    let length = pieces.iter().map(|piece| piece.len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    pieces.iter().for_each(|piece| text.push_str(piece));
    text
}
