//! Times as Go reads them: `time.Parse` with the layout of RFC 3339.

use jiff::civil::Date;

const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";

/// Makes sure that a text is a time.
///
/// # Errors
/// In Go's words.
pub(super) fn expect_time(text: &str) -> Result<(), String> {
    let mut time = Parsing {
        whole: text,
        rest: text,
    };
    let year = time.number("2006", "year", 9999)?;
    time.literal("-")?;
    let month = time.number("01", "month", 12)?;
    if month == 0 {
        return Err(time.out_of_range("month"));
    }
    time.literal("-")?;
    // Which days a month has is looked at last.
    let day = time.number("02", "day", 99)?;
    time.literal("T")?;
    time.number("15", "hour", 23)?;
    time.literal(":")?;
    time.number("04", "minute", 59)?;
    time.literal(":")?;
    time.number("05", "second", 59)?;
    time.fraction();
    time.zone()?;
    if !time.rest.is_empty() {
        let (whole, rest) = (quoted(text), quoted(time.rest));
        return Err(format!("parsing time {whole}: extra text: {rest}"));
    }
    let date = (i16::try_from(year), i8::try_from(month), i8::try_from(day));
    match date {
        (Ok(year), Ok(month), Ok(day)) if Date::new(year, month, day).is_ok() => Ok(()),
        _ => Err(time.out_of_range("day")),
    }
}

struct Parsing<'a> {
    whole: &'a str,
    rest: &'a str,
}

impl Parsing<'_> {
    /// As many digits as the layout has; of an hour one is enough.
    fn number(&mut self, layout: &str, what: &str, most: u32) -> Result<u32, String> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let length = match layout {
            "15" => digits.clamp(1, 2),
            _ => layout.len(),
        };
        let Some((number, after)) = self
            .rest
            .split_at_checked(length)
            .filter(|_| digits >= length)
        else {
            return Err(self.cannot_parse(layout));
        };
        let number = number.parse().unwrap_or(u32::MAX);
        if number > most {
            return Err(self.out_of_range(what));
        }
        self.rest = after;
        Ok(number)
    }

    fn literal(&mut self, text: &str) -> Result<(), String> {
        let after = self.rest.strip_prefix(text);
        self.rest = after.ok_or_else(|| self.cannot_parse(text))?;
        Ok(())
    }

    /// Of a second, which the layout need not have.
    fn fraction(&mut self) {
        if let Some(fraction) = self.rest.strip_prefix(['.', ',']) {
            let after = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
            if after.len() < fraction.len() {
                self.rest = after;
            }
        }
    }

    fn zone(&mut self) -> Result<(), String> {
        const ZONE: &str = "Z07:00";
        if let Some(after) = self.rest.strip_prefix('Z') {
            self.rest = after;
            return Ok(());
        }
        let mut offset = Parsing {
            whole: self.whole,
            rest: self.rest.strip_prefix(['+', '-']).unwrap_or_default(),
        };
        let read = offset.offset().map_err(|_| self.cannot_parse(ZONE));
        let (hours, minutes) = read?;
        for (number, most, what) in [(hours, 24, "hour"), (minutes, 60, "minute")] {
            if number > most {
                return Err(self.out_of_range(&format!("time zone offset {what}")));
            }
        }
        self.rest = offset.rest;
        Ok(())
    }

    fn offset(&mut self) -> Result<(u32, u32), String> {
        let hours = self.number("07", "hour", 99)?;
        self.literal(":")?;
        Ok((hours, self.number("00", "minute", 99)?))
    }

    fn cannot_parse(&self, part: &str) -> String {
        let (whole, rest) = (quoted(self.whole), quoted(self.rest));
        format!("parsing time {whole} as {LAYOUT:?}: cannot parse {rest} as {part:?}")
    }

    fn out_of_range(&self, what: &str) -> String {
        format!("parsing time {}: {what} out of range", quoted(self.whole))
    }
}

/// As Go's `time` quotes: byte by byte.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'\x7f' => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are those of Go 1.25.
    #[test]
    fn a_time_is_refused_in_go_s_words() {
        for right in [
            "2024-02-29T01:02:03Z",
            "2024-02-29T1:02:03.5+01:00",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(expect_time(right), Ok(()), "{right}");
        }
        let cannot =
            |rest: &str, part: &str| format!(" as {LAYOUT:?}: cannot parse {rest:?} as {part:?}");
        for (wrong, why) in [
            ("x", cannot("x", "2006")),
            ("", cannot("", "2006")),
            ("2024-1-01T00:00:00Z", cannot("1-01T00:00:00Z", "01")),
            ("2024-01-01", cannot("", "T")),
            ("2024-01-01 00:00:00Z", cannot(" 00:00:00Z", "T")),
            ("2024-01-01T00:00:00", cannot("", "Z07:00")),
            ("2024-13-01T00:00:00Z", ": month out of range".into()),
            ("2023-02-29T00:00:00Z", ": day out of range".into()),
            ("2023-02-28T24:00:00Z", ": hour out of range".into()),
            ("2023-02-28T00:00:00Zx", ": extra text: \"x\"".into()),
            ("2023-02-28T00:00:00+0100", cannot("+0100", "Z07:00")),
            (
                "2023-02-28T00:00:00+25:00",
                ": time zone offset hour out of range".into(),
            ),
        ] {
            let told = format!("parsing time {wrong:?}{why}");
            assert_eq!(expect_time(wrong), Err(told));
        }
    }
}
