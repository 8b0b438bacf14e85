//! Random strings and numbers, from the system's generator.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::text::{push_rune, runes};
use crate::value::Value;

pub(super) fn random_bytes(bytes: &mut [u8]) -> Outcome<()> {
    rand::fill(bytes).map_err(|_| Fault::new("no random bytes to be had"))
}

/// A number below `bound`, every one as likely.
fn below(bound: u64) -> Outcome<u64> {
    let unbiased = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        random_bytes(&mut bytes)?;
        let number = u64::from_le_bytes(bytes);
        if number < unbiased {
            return Ok(number % bound);
        }
    }
}

pub(super) fn alpha_num(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    drawn(run, args, u8::is_ascii_alphanumeric)
}

pub(super) fn alpha(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    drawn(run, args, u8::is_ascii_alphabetic)
}

/// The printable ASCII characters, space and tilde included.
pub(super) fn ascii(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    drawn(run, args, |byte| (b' '..=b'~').contains(byte))
}

pub(super) fn numeric(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    drawn(run, args, u8::is_ascii_digit)
}

/// Draws bytes until enough of them are allowed; a negative count is none.
fn drawn(run: &mut Run<'_>, args: Args<'_>, allowed: impl Fn(&u8) -> bool) -> Outcome<Value> {
    let count = usize::try_from(args.int(0)?).unwrap_or(0);
    run.budget.allocate(count)?;
    run.budget.step(count as u64 / 2)?;
    let mut out = Vec::with_capacity(count);
    let mut pool = [0; 256];
    while out.len() < count {
        random_bytes(&mut pool)?;
        let wanted = count - out.len();
        let drawn = pool.iter().map(|byte| byte & 0x7F);
        out.extend(drawn.filter(&allowed).take(wanted));
    }
    Ok(Value::text(out))
}

pub(super) fn bytes(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let count = usize::try_from(args.int(0)?).map_err(|_| Fault::new("negative length"))?;
    run.budget.allocate(count.saturating_mul(2))?;
    run.budget.step(count as u64 / 16)?;
    let mut bytes = zeroize::Zeroizing::new(vec![0; count]);
    random_bytes(&mut bytes)?;
    run.text(STANDARD.encode(&*bytes))
}

pub(super) fn int(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let (min, max) = (args.int(0)?, args.int(1)?);
    let span = u64::try_from(max.wrapping_sub(min))
        .ok()
        .filter(|&span| span > 0)
        .ok_or_else(|| Fault::new("the upper bound is not above the lower"))?;
    Ok(Value::Int(min.wrapping_add_unsigned(below(span)?)))
}

pub(super) fn shuffle(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut letters: Vec<char> = runes(args.bytes(0)?).map(|(_, rune, _)| rune).collect();
    run.budget.allocate(letters.len() * 4)?;
    run.budget.step(letters.len() as u64 * 8)?;
    for last in (1..letters.len()).rev() {
        let other = usize::try_from(below(last as u64 + 1)?).unwrap_or(last);
        letters.swap(last, other);
    }
    let mut out = Vec::new();
    for rune in letters {
        push_rune(&mut out, rune);
    }
    run.text(out)
}

/// RFC 9562, version 4.
pub(super) fn uuidv4(run: &mut Run<'_>, _: Args<'_>) -> Outcome<Value> {
    let mut bytes = [0; 16];
    random_bytes(&mut bytes)?;
    let mut number = u128::from_be_bytes(bytes);
    number = number & !(0xF << 76) | 0x4 << 76;
    number = number & !(0x3 << 62) | 0x2 << 62;
    let digits = format!("{number:032x}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    run.text(text)
}
