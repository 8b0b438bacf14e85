//! Letter case and word case.

use super::{Args, Run};
use crate::error::Outcome;
use crate::text::{decode_rune, from, part, push_rune, runes};
use crate::unicode::{
    is_digit, is_letter, is_lower, is_number, is_punct, is_space, is_title, is_upper, to_lower,
    to_title, to_upper,
};
use crate::value::Value;

pub(super) fn upper(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    mapped(run, args, |_, rune| to_upper(rune))
}

pub(super) fn lower(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    mapped(run, args, |_, rune| to_lower(rune))
}

/// Go's deprecated `strings.Title`.
pub(super) fn title(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    mapped(run, args, |previous, rune| {
        if is_separator(previous) {
            to_title(rune)
        } else {
            rune
        }
    })
}

fn is_separator(rune: char) -> bool {
    if rune.is_ascii() {
        return !rune.is_ascii_alphanumeric() && rune != '_';
    }
    !is_letter(rune) && !is_digit(rune) && is_space(rune)
}

pub(super) fn untitle(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    mapped(run, args, |previous, rune| {
        if is_space(previous) {
            to_lower(rune)
        } else {
            rune
        }
    })
}

pub(super) fn swapcase(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut after_space = true;
    run.budget.step(args.bytes(0)?.len() as u64 / 8)?;
    let mut out = Vec::new();
    for (_, rune, _) in runes(args.bytes(0)?) {
        let swapped = if is_upper(rune) || is_title(rune) {
            after_space = false;
            to_lower(rune)
        } else if is_lower(rune) {
            let first = std::mem::replace(&mut after_space, false);
            if first {
                to_title(rune)
            } else {
                to_upper(rune)
            }
        } else {
            after_space = is_space(rune);
            rune
        };
        push_rune(&mut out, swapped);
    }
    run.text(out)
}

/// Maps every rune, given the one before it (a space before the first);
/// invalid bytes become U+FFFD.
fn mapped(run: &mut Run<'_>, args: Args<'_>, map: impl Fn(char, char) -> char) -> Outcome<Value> {
    let text = args.bytes(0)?;
    run.budget.allocate(text.len())?;
    run.budget.step(text.len() as u64 / 8)?;
    let mut out = Vec::with_capacity(text.len());
    let mut previous = ' ';
    for (_, rune, _) in runes(text) {
        push_rune(&mut out, map(previous, rune));
        previous = rune;
    }
    Ok(Value::text(out))
}

pub(super) fn camelcase(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.budget.step(args.bytes(0)?.len() as u64 / 2)?;
    let out = pascal_case(args.bytes(0)?);
    run.text(out)
}

/// `xstrings.ToPascalCase`.
fn pascal_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut letters = runes(text).map(|(_, rune, _)| rune);
    let mut current = None;
    let mut first_upper = false;
    for rune in letters.by_ref() {
        if !is_connector(rune) {
            first_upper = is_upper(rune);
            current = Some(to_upper(rune));
            break;
        }
        current = None;
        push_rune(&mut out, rune);
    }
    let Some(mut current) = current else {
        // Nothing but connectors: the last stands twice.
        let last = runes(text).last().map(|(_, rune, _)| rune);
        out.extend(last.map(String::from).unwrap_or_default().into_bytes());
        return out;
    };
    for rune in letters {
        let previous = std::mem::replace(&mut current, rune);
        if is_connector(current) && is_connector(previous) {
            push_rune(&mut out, previous);
        } else if is_connector(previous) {
            first_upper = is_upper(current);
            current = to_upper(current);
        } else {
            if first_upper {
                if is_upper(current) {
                    current = to_lower(current);
                } else {
                    first_upper = false;
                }
            }
            push_rune(&mut out, previous);
        }
    }
    push_rune(&mut out, current);
    out
}

pub(super) fn snakecase(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.budget.step(args.bytes(0)?.len() as u64 / 2)?;
    let out = separated(args.bytes(0)?, '_');
    run.text(out)
}

pub(super) fn kebabcase(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.budget.step(args.bytes(0)?.len() as u64 / 2)?;
    let out = separated(args.bytes(0)?, '-');
    run.text(out)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// Lower case words with connectors between them
/// (`xstrings.camelCaseToLowerCase`).
fn separated(text: &[u8], connector: char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    if text.is_empty() {
        return out;
    }
    let joins = |word: Word| !matches!(word, Word::Connector | Word::Punctuation);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::Invalid && joins(kind) {
                    push_rune(&mut out, connector);
                }
            }
            Word::Connector => push_lower(&mut out, previous, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if joins(kind) {
                    push_rune(&mut out, connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Alphabet {
                    // The number belongs to the word before it.
                    push_lower(&mut out, Word::Number, number, connector);
                    if joins(kind) {
                        push_rune(&mut out, connector);
                    }
                    continue;
                }
                push_rune(&mut out, connector);
                push_lower(&mut out, Word::Number, number, connector);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::Invalid && joins(kind) {
                    push_rune(&mut out, connector);
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out
}

fn is_connector(rune: char) -> bool {
    matches!(rune, '-' | '_') || is_space(rune)
}

fn is_alphabet(rune: char) -> bool {
    is_letter(rune)
        && !matches!(rune, '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}')
}

/// The next word and what follows it.
fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    let (rune, size) = next_valid_rune(text, char::REPLACEMENT_CHARACTER);
    if text.is_empty() || rune == char::REPLACEMENT_CHARACTER {
        return (Word::Invalid, part(text, 0..size), from(text, size));
    }
    let (kind, length) = if is_connector(rune) {
        (
            Word::Connector,
            size + run_length(from(text, size), rune, is_connector),
        )
    } else if is_punct(rune) {
        (
            Word::Punctuation,
            size + run_length(from(text, size), rune, is_punct),
        )
    } else if is_upper(rune) {
        (Word::Upper, upper_word_length(text, rune, size))
    } else if is_alphabet(rune) {
        (
            Word::Alphabet,
            size + run_length(from(text, size), rune, is_lower_alphabet),
        )
    } else if is_number(rune) {
        (
            Word::Number,
            size + run_length(from(text, size), rune, is_number),
        )
    } else {
        let other =
            |rune| !(is_connector(rune) || is_alphabet(rune) || is_number(rune) || is_punct(rune));
        (
            Word::Other,
            size + run_length(from(text, size), rune, other),
        )
    };
    (kind, part(text, 0..length), from(text, length))
}

fn is_lower_alphabet(rune: char) -> bool {
    is_alphabet(rune) && !is_upper(rune)
}

/// Length of a word that begins in upper case: `HTTPStatus` splits before the
/// `S`.
fn upper_word_length(text: &[u8], first: char, size: usize) -> usize {
    let rest = from(text, size);
    if rest.is_empty() {
        return size;
    }
    let (second, second_size) = next_valid_rune(rest, first);
    if is_upper(second) {
        let mut offset = size + second_size;
        let mut last_size = second_size;
        let mut rune = second;
        while offset < text.len() {
            let (next, next_size) = next_valid_rune(from(text, offset), rune);
            rune = next;
            if !is_upper(next) {
                break;
            }
            last_size = next_size;
            offset += next_size;
        }
        if offset < text.len() && is_alphabet(rune) {
            offset -= last_size;
        }
        return offset;
    }
    if is_alphabet(second) {
        let head = size + second_size;
        return head + run_length(from(text, head), second, is_lower_alphabet);
    }
    size
}

/// Length of the longest prefix whose runes all belong.
fn run_length(text: &[u8], first: char, belongs: impl Fn(char) -> bool) -> usize {
    let mut offset = 0;
    let mut previous = first;
    while offset < text.len() {
        let (rune, size) = next_valid_rune(from(text, offset), previous);
        if !belongs(rune) {
            break;
        }
        previous = rune;
        offset += size;
    }
    offset
}

/// The first valid rune and the bytes up to its end; `previous` if none is.
fn next_valid_rune(text: &[u8], previous: char) -> (char, usize) {
    let mut size = 0;
    while size < text.len() {
        let (rune, width) = decode_rune(from(text, size));
        size += width;
        if rune != char::REPLACEMENT_CHARACTER {
            return (rune, size);
        }
    }
    (previous, size)
}

fn push_lower(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: char) {
    match kind {
        Word::Upper => {
            for (_, rune, _) in runes(word) {
                push_rune(out, to_lower(rune));
            }
        }
        Word::Connector => {
            for _ in runes(word) {
                push_rune(out, connector);
            }
        }
        _ => out.extend_from_slice(word),
    }
}
