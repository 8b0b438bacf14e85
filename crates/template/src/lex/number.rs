//! Numbers. This scanner takes some that are none, such as `089`; reading
//! their value tells.

use super::{Kind, Lexer, Token, is_alphanumeric};
use crate::text::part;

const DECIMAL: &[u8] = b"0123456789_";
const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF_";

impl Lexer<'_> {
    pub(super) fn number(&mut self) -> Token {
        const BAD: &str = "bad number syntax";
        if !self.scan_number() {
            return self.error(BAD);
        }
        if !matches!(self.peek(), Some('+' | '-')) {
            return self.token(Kind::Number);
        }
        if !self.scan_number() || !part(self.source, self.start..self.at).ends_with(b"i") {
            return self.error(BAD);
        }
        self.token(Kind::Complex)
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEXADECIMAL;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let accepted = self.rest().first().is_some_and(|byte| valid.contains(byte));
        self.at += usize::from(accepted);
        accepted
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }
}
