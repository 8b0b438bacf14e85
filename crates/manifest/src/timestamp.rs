//! Which texts `yaml.v2` takes for timestamps: it writes them quoted.

/// `parseTimestamp` of `yaml.v2`: Go's `time.Parse` with the layouts `2006-1-2`,
/// `2006-1-2 15:4:5.999999999` and, with `T` or `t`, `2006-1-2T15:4:5.999999999Z07:00`.
pub(crate) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
        != 4
    {
        return false;
    }
    timestamp(&mut Reader(bytes)).is_some()
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

fn timestamp(reader: &mut Reader<'_>) -> Option<()> {
    let year = reader.fixed(2)? * 100 + reader.fixed(2)?;
    reader.expect(b'-')?;
    let month = reader.one_or_two()?;
    reader.expect(b'-')?;
    let day = reader.one_or_two()?;
    if !(1..=days_in(month, year)?).contains(&day) {
        return None;
    }
    match reader.next() {
        None => Some(()),
        Some(b' ') => {
            reader.clock()?;
            reader.end()
        }
        Some(b'T' | b't') => {
            reader.clock()?;
            reader.zone()?;
            reader.end()
        }
        Some(_) => None,
    }
}

fn days_in(month: u32, year: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    fn digit(&mut self) -> Option<u32> {
        let digit = char::from(*self.0.first()?).to_digit(10)?;
        self.next();
        Some(digit)
    }

    fn fixed(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |sum, _| Some(sum * 10 + self.digit()?))
    }

    fn one_or_two(&mut self) -> Option<u32> {
        let first = self.digit()?;
        Some(self.digit().map_or(first, |second| first * 10 + second))
    }

    /// `15:4:5.999999999`
    fn clock(&mut self) -> Option<()> {
        let hour = self.one_or_two()?;
        self.expect(b':')?;
        let minute = self.one_or_two()?;
        self.expect(b':')?;
        let second = self.one_or_two()?;
        if let [b'.' | b',', b'0'..=b'9', ..] = self.0 {
            self.next();
            while self.digit().is_some() {}
        }
        (hour < 24 && minute < 60 && second < 60).then_some(())
    }

    /// `Z07:00`; Go lets offsets of 24 hours and 60 minutes pass.
    fn zone(&mut self) -> Option<()> {
        match self.next()? {
            b'Z' => Some(()),
            b'+' | b'-' => {
                let hours = self.fixed(2)?;
                self.expect(b':')?;
                let minutes = self.fixed(2)?;
                (hours <= 24 && minutes <= 60).then_some(())
            }
            _ => None,
        }
    }
}
