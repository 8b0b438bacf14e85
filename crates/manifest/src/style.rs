//! Which quoting a text needs, as libyaml's emitter decides it.

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// What `yaml_emitter_analyze_scalar` finds in a text.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    plain_allowed: bool,
    single_quoted_allowed: bool,
    literal_allowed: bool,
}

impl Shape {
    pub(crate) fn of(text: &str) -> Self {
        let mut seen = Seen::default();
        let mut before = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            seen.look(before, character, characters.peek().copied());
            before = Some(character);
        }
        seen.indicators |= text.starts_with("---") || text.starts_with("...");
        let bad_ends = text.starts_with(|c| c == ' ' || is_break(c))
            || text.ends_with(|c| c == ' ' || is_break(c));
        let unprintable = seen.space_break || seen.special;
        Self {
            plain_allowed: !(bad_ends
                || seen.break_space
                || unprintable
                || seen.breaks
                || seen.indicators),
            single_quoted_allowed: !(seen.break_space || unprintable),
            literal_allowed: !(unprintable || text.ends_with(' ') || text.is_empty()),
        }
    }

    /// Whether it may stand without quotes, outside of brackets.
    pub(crate) fn plain_allowed(self) -> bool {
        self.plain_allowed
    }

    pub(crate) fn single_quoted_allowed(self) -> bool {
        self.single_quoted_allowed
    }

    pub(crate) fn literal_allowed(self) -> bool {
        self.literal_allowed
    }

    /// `yaml.v2` asks for a literal where a text has several lines, for double quotes where it
    /// would be read as something else, for plain otherwise; libyaml then takes what is possible.
    pub(crate) fn style(self, text: &str, reads_as_text: bool, simple_key: bool) -> Style {
        if text.contains('\n') {
            return if self.literal_allowed && !simple_key {
                Style::Literal
            } else {
                Style::DoubleQuoted
            };
        }
        if !reads_as_text {
            return Style::DoubleQuoted;
        }
        if self.plain_allowed {
            Style::Plain
        } else if self.single_quoted_allowed {
            Style::SingleQuoted
        } else {
            Style::DoubleQuoted
        }
    }
}

#[derive(Default)]
struct Seen {
    indicators: bool,
    breaks: bool,
    special: bool,
    /// A blank after a line break.
    break_space: bool,
    /// A line break after a blank.
    space_break: bool,
}

impl Seen {
    fn look(&mut self, before: Option<char>, character: char, after: Option<char>) {
        let first = before.is_none();
        // The emitter looks for a blank behind, for a blank or a line break before.
        let blank_follows = after.is_none_or(|after| after == ' ' || after == '\t');
        let blank_precedes =
            before.is_none_or(|before| before == ' ' || before == '\t' || is_break(before));
        self.indicators |= match character {
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`' => first,
            '#' => blank_precedes,
            '?' | '-' => first && blank_follows,
            ':' => blank_follows,
            _ => false,
        };
        self.special |= !is_printable(character);
        self.breaks |= is_break(character);
        self.break_space |= character == ' ' && before.is_some_and(is_break);
        self.space_break |= is_break(character) && before == Some(' ');
    }
}

/// A character as double quotes need it.
pub(crate) fn escaped(character: char) -> String {
    let code = u32::from(character);
    let short = match code {
        0x00 => '0',
        0x07 => 'a',
        0x08 => 'b',
        0x09 => 't',
        0x0a => 'n',
        0x0b => 'v',
        0x0c => 'f',
        0x0d => 'r',
        0x1b => 'e',
        0x22 => '"',
        0x5c => '\\',
        0x85 => 'N',
        0xa0 => '_',
        0x2028 => 'L',
        0x2029 => 'P',
        _ if code <= 0xff => return format!("\\x{code:02X}"),
        _ if code <= 0xffff => return format!("\\u{code:04X}"),
        _ => return format!("\\U{code:08X}"),
    };
    format!("\\{short}")
}

/// libyaml's idea of it, without the characters beyond U+FFFF.
pub(crate) fn is_printable(character: char) -> bool {
    matches!(character,
        '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// A line break of YAML 1.1.
pub(crate) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
