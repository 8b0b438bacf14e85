//! Tokens, lexed on demand as `text/template/parse` does.

mod number;

use crate::text::{decode_rune, find, from, part};
use crate::unicode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error(&'static str),
    Bool,
    /// A printable ASCII character with no other meaning, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A token: its kind and its byte range in the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";

pub(crate) struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    start: usize,
    parens: u32,
    inside: bool,
    broken: Option<Token>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: &'a [u8]) -> Self {
        Lexer {
            source,
            at: 0,
            start: 0,
            parens: 0,
            inside: false,
            broken: None,
        }
    }

    /// The next token; after an error the same error again.
    pub(crate) fn next_token(&mut self) -> Token {
        if let Some(token) = self.broken {
            return token;
        }
        self.start = self.at;
        let token = if self.inside {
            self.action()
        } else {
            self.text()
        };
        if matches!(token.kind, Kind::Error(_)) {
            self.broken = Some(token);
        }
        token
    }

    fn rest(&self) -> &'a [u8] {
        from(self.source, self.at)
    }

    fn peek(&self) -> Option<char> {
        match decode_rune(self.rest()) {
            (_, 0) => None,
            (rune, _) => Some(rune),
        }
    }

    fn bump(&mut self) -> Option<char> {
        match decode_rune(self.rest()) {
            (_, 0) => None,
            (rune, width) => {
                self.at += width;
                Some(rune)
            }
        }
    }

    fn token(&self, kind: Kind) -> Token {
        Token {
            kind,
            start: self.start,
            end: self.at,
        }
    }

    fn error(&self, reason: &'static str) -> Token {
        self.token(Kind::Error(reason))
    }

    fn text(&mut self) -> Token {
        loop {
            let rest = self.rest();
            let Some(length) = find(rest, LEFT) else {
                self.at = self.source.len();
                let kind = if self.at > self.start {
                    Kind::Text
                } else {
                    Kind::Eof
                };
                return self.token(kind);
            };
            let after = from(rest, length + LEFT.len());
            let mut text = part(rest, 0..length);
            if trims_left(after) {
                text = text.trim_ascii_end_go();
            }
            let begin = self.at;
            if !text.is_empty() {
                self.at = begin + length;
                return Token {
                    kind: Kind::Text,
                    start: begin,
                    end: begin + text.len(),
                };
            }
            self.at = begin + length;
            self.start = self.at;
            self.at += LEFT.len();
            let marker = if trims_left(after) { 2 } else { 0 };
            if from(after, marker).starts_with(b"/*") {
                self.at += marker;
                if let Some(error) = self.comment() {
                    return error;
                }
                self.start = self.at;
                continue;
            }
            let token = self.token(Kind::LeftDelim);
            self.at += marker;
            self.inside = true;
            self.parens = 0;
            return token;
        }
    }

    /// Skips a comment and its delimiter.
    fn comment(&mut self) -> Option<Token> {
        self.at += 2;
        let Some(length) = find(self.rest(), b"*/") else {
            return Some(self.error("unclosed comment"));
        };
        self.at += length + 2;
        let Some(trims) = self.right_delim() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.pass_right_delim(trims);
        None
    }

    /// Whether a right delimiter is next, and whether it trims.
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if trims_right(rest) && from(rest, 2).starts_with(RIGHT) {
            Some(true)
        } else if rest.starts_with(RIGHT) {
            Some(false)
        } else {
            None
        }
    }

    fn pass_right_delim(&mut self, trims: bool) {
        self.at += RIGHT.len();
        if trims {
            self.at += 2;
            while self.rest().first().is_some_and(|&byte| is_space_byte(byte)) {
                self.at += 1;
            }
        }
    }

    fn close(&mut self, trims: bool) -> Token {
        let begin = self.at + if trims { 2 } else { 0 };
        self.pass_right_delim(trims);
        self.inside = false;
        Token {
            kind: Kind::RightDelim,
            start: begin,
            end: begin + RIGHT.len(),
        }
    }

    fn action(&mut self) -> Token {
        if let Some(trims) = self.right_delim() {
            if self.parens == 0 {
                return self.close(trims);
            }
            return self.error("unclosed left paren");
        }
        let Some(rune) = self.bump() else {
            return self.error("unclosed action");
        };
        match rune {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.token(Kind::Assign),
            ':' => {
                if self.bump() == Some('=') {
                    self.token(Kind::Declare)
                } else {
                    self.error("expected :=")
                }
            }
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '`' => self.raw(),
            '$' => self.field_or_variable(Kind::Variable),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '.' if !self.rest().first().is_some_and(u8::is_ascii_digit) => {
                self.field_or_variable(Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.at = self.start;
                self.number()
            }
            _ if is_alphanumeric(rune) => self.identifier(),
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen)
            }
            ')' => match self.parens.checked_sub(1) {
                Some(parens) => {
                    self.parens = parens;
                    self.token(Kind::RightParen)
                }
                None => self.error("unexpected right paren"),
            },
            ' '..='~' => self.token(Kind::Char),
            _ => self.error("unrecognized character in action"),
        }
    }

    fn space(&mut self) -> Token {
        while self.rest().first().is_some_and(|&byte| is_space_byte(byte)) {
            self.at += 1;
        }
        // The last space may belong to a trimming delimiter.
        let last = from(self.source, self.at - 1);
        if trims_right(last) && from(last, 2).starts_with(RIGHT) {
            self.at -= 1;
            if self.at == self.start {
                if self.parens > 0 {
                    // As after a longer run of spaces.
                    return self.error("unclosed left paren");
                }
                return self.close(true);
            }
        }
        self.token(Kind::Space)
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &'static str) -> Token {
        loop {
            match self.bump() {
                Some('\\') => {
                    if matches!(self.bump(), None | Some('\n')) {
                        return self.error(unterminated);
                    }
                }
                None | Some('\n') => return self.error(unterminated),
                Some(rune) if rune == quote => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    fn raw(&mut self) -> Token {
        match find(self.rest(), b"`") {
            Some(length) => {
                self.at += length + 1;
                self.token(Kind::RawString)
            }
            None => {
                self.at = self.source.len();
                self.error("unterminated raw quoted string")
            }
        }
    }

    fn identifier(&mut self) -> Token {
        self.take_alphanumeric();
        if !self.at_terminator() {
            return self.error("bad character");
        }
        let word = part(self.source, self.start..self.at);
        self.token(keyword(word).unwrap_or(match word {
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        }))
    }

    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.token(if kind == Kind::Variable {
                Kind::Variable
            } else {
                Kind::Dot
            });
        }
        self.take_alphanumeric();
        if !self.at_terminator() {
            return self.error("bad character");
        }
        self.token(kind)
    }

    fn take_alphanumeric(&mut self) {
        while self.peek().is_some_and(is_alphanumeric) {
            self.bump();
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            _ => self.rest().starts_with(RIGHT),
        }
    }
}

trait TrimGo {
    fn trim_ascii_end_go(&self) -> &Self;
}

impl TrimGo for [u8] {
    /// Without trailing space, tab, carriage return and newline: vertical
    /// tab and form feed stay, unlike with `trim_ascii_end`.
    fn trim_ascii_end_go(&self) -> &[u8] {
        let mut rest = self;
        while let [head @ .., b' ' | b'\t' | b'\r' | b'\n'] = rest {
            rest = head;
        }
        rest
    }
}

fn keyword(word: &[u8]) -> Option<Kind> {
    Some(match word {
        b"block" => Kind::Block,
        b"break" => Kind::Break,
        b"continue" => Kind::Continue,
        b"define" => Kind::Define,
        b"else" => Kind::Else,
        b"end" => Kind::End,
        b"if" => Kind::If,
        b"nil" => Kind::Nil,
        b"range" => Kind::Range,
        b"template" => Kind::Template,
        b"with" => Kind::With,
        _ => return None,
    })
}

fn trims_left(after_delim: &[u8]) -> bool {
    matches!(after_delim, [b'-', space, ..] if is_space_byte(*space))
}

fn trims_right(rest: &[u8]) -> bool {
    matches!(rest, [space, b'-', ..] if is_space_byte(*space))
}

fn is_space_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_alphanumeric(rune: char) -> bool {
    rune == '_' || unicode::is_letter(rune) || unicode::is_digit(rune)
}
