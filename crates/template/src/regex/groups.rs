//! What parentheses, backslashes and brackets begin.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::class;
use super::parse::{Parser, bad};
use crate::error::Outcome;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) fold_case: bool,
    pub(super) multi_line: bool,
    pub(super) dot_newline: bool,
    pub(super) ungreedy: bool,
}

pub(super) struct Group {
    /// The number of a capturing group.
    pub(super) index: Option<usize>,
    pub(super) flags: Flags,
}

impl Parser<'_, '_> {
    /// What an opening parenthesis begins; nothing if it only set flags.
    pub(super) fn open_group(&mut self) -> Outcome<Option<Group>> {
        self.take("(");
        if !self.take("?") {
            return self.capture(Vec::new()).map(Some);
        }
        if self.take("P<") || self.take("<") {
            let name = match self.rest.split_once('>') {
                Some((name, rest)) => {
                    self.rest = rest;
                    name
                }
                None => return Err(bad("invalid named capture")),
            };
            let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(word) {
                return Err(bad("invalid named capture"));
            }
            let name = name.as_bytes().to_vec();
            if self.names.contains(&name) {
                return Err(bad("duplicate capture group name"));
            }
            return self.capture(name).map(Some);
        }
        self.flag_group()
    }

    fn capture(&mut self, name: Vec<u8>) -> Outcome<Group> {
        self.budget.allocate(name.len() + 32)?;
        self.budget.step(self.names.len() as u64 / 16)?;
        self.names.push(name);
        Ok(Group {
            index: Some(self.names.len() - 1),
            flags: self.flags,
        })
    }

    fn flag_group(&mut self) -> Outcome<Option<Group>> {
        let unknown = || bad("invalid or unsupported Perl syntax");
        let mut flags = self.flags;
        let (mut on, mut seen) = (true, false);
        loop {
            let rune = self.next().ok_or_else(|| bad("missing closing )"))?;
            match rune {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.ungreedy = on,
                '-' if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                ':' | ')' if on || seen => {
                    if rune == ')' {
                        self.flags = flags;
                        return Ok(None);
                    }
                    return Ok(Some(Group { index: None, flags }));
                }
                _ => return Err(unknown()),
            }
            seen = true;
        }
    }

    /// `\d`, `\pL`, `\P{Greek}` and the like, if one is next.
    pub(super) fn escaped_class(&mut self) -> Outcome<Option<ClassUnicode>> {
        let mut ahead = self.rest.chars();
        let (Some('\\'), Some(letter)) = (ahead.next(), ahead.next()) else {
            return Ok(None);
        };
        if let Some(set) = class::perl(letter.to_ascii_lowercase())
            && letter.is_ascii_alphabetic()
        {
            self.rest = ahead.as_str();
            let set = self.folded(set);
            return Ok(Some(negated_if(set, letter.is_ascii_uppercase())));
        }
        if !matches!(letter, 'p' | 'P') {
            return Ok(None);
        }
        self.rest = ahead.as_str();
        let unknown = || bad("invalid character class range");
        let mut negate = letter == 'P';
        let first = self.next().ok_or_else(unknown)?;
        let name = if first == '{' {
            let (name, rest) = self.rest.split_once('}').ok_or_else(unknown)?;
            self.rest = rest;
            name.to_owned()
        } else {
            first.to_string()
        };
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negate = !negate;
                name
            }
            None => name.as_str(),
        };
        // Looking a table up is dear.
        self.budget.step(500)?;
        let set = class::unicode(name).ok_or_else(unknown)?;
        self.budget.allocate(set.ranges().len() * 8)?;
        let set = self.folded(set);
        Ok(Some(negated_if(set, negate)))
    }

    /// One escaped rune; nothing inside for a surrogate, which no text holds.
    pub(super) fn escaped_rune(&mut self) -> Outcome<Option<char>> {
        let invalid = || bad("invalid escape sequence");
        self.take("\\");
        let rune = self
            .next()
            .ok_or_else(|| bad("trailing backslash at end of expression"))?;
        let code = match rune {
            // One digit would be a reference back.
            '1'..='7' if !matches!(self.peek(), Some('0'..='7')) => return Err(invalid()),
            '0'..='7' => self.octal(rune),
            'x' => self.hexadecimal().ok_or_else(invalid)?,
            'a' => 7,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            _ if rune.is_ascii_punctuation() || rune.is_ascii_control() || rune == ' ' => {
                u32::from(rune)
            }
            _ => return Err(invalid()),
        };
        Ok(char::from_u32(code))
    }

    fn octal(&mut self, first: char) -> u32 {
        let mut code = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|rune| rune.to_digit(8)) else {
                break;
            };
            self.next();
            code = code * 8 + digit;
        }
        code
    }

    /// `41` or `{1F511}`, after the x.
    fn hexadecimal(&mut self) -> Option<u32> {
        if self.take("{") {
            let (digits, rest) = self.rest.split_once('}')?;
            self.rest = rest;
            if digits.is_empty() {
                return None;
            }
            return digits.chars().try_fold(0u32, |code, digit| {
                let next = code.checked_mul(16)? + digit.to_digit(16)?;
                (next <= 0x10_FFFF).then_some(next)
            });
        }
        let high = self.next()?.to_digit(16)?;
        let low = self.next()?.to_digit(16)?;
        Some(high * 16 + low)
    }

    /// A set in brackets.
    pub(super) fn bracketed(&mut self) -> Outcome<ClassUnicode> {
        self.take("[");
        let negate = self.take("^");
        let mut set = ClassUnicode::empty();
        let mut first = true;
        while first || self.peek() != Some(']') {
            self.budget.step(1)?;
            first = false;
            if let Some(named) = self.posix_class()? {
                set.union(&named);
                continue;
            }
            if self.rest.starts_with('\\')
                && let Some(escaped) = self.escaped_class()?
            {
                set.union(&escaped);
                continue;
            }
            let low = self.class_rune()?;
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") && self.rest.len() > 1 {
                self.take("-");
                high = self.class_rune()?;
            }
            if let (Some(low), Some(high)) = (low, high) {
                if high < low {
                    return Err(bad("invalid character class range"));
                }
                self.budget.allocate(16)?;
                // Gathered unsorted: sets are put in order at the end.
                set.push(ClassUnicodeRange::new(low, high));
            }
        }
        self.take("]");
        let set = self.folded(set);
        Ok(negated_if(set, negate))
    }

    fn class_rune(&mut self) -> Outcome<Option<char>> {
        if self.rest.starts_with('\\') {
            return self.escaped_rune();
        }
        self.next()
            .map(Some)
            .ok_or_else(|| bad("missing closing ]"))
    }

    /// `[:alpha:]` or `[:^alpha:]`, if one is next.
    fn posix_class(&mut self) -> Outcome<Option<ClassUnicode>> {
        let Some((name, rest)) = self
            .rest
            .strip_prefix("[:")
            .and_then(|rest| rest.split_once(":]"))
        else {
            return Ok(None);
        };
        let (name, negate) = match name.strip_prefix('^') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let set = class::posix(name).ok_or_else(|| bad("invalid character class range"))?;
        self.rest = rest;
        let set = self.folded(set);
        Ok(Some(negated_if(set, negate)))
    }
}

fn negated_if(mut set: ClassUnicode, negate: bool) -> ClassUnicode {
    if negate {
        set.negate();
    }
    set
}
