//! base64 and base32. Decoding reports errors in its output, as sprig does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Run};
use crate::error::Outcome;
use crate::value::Value;

pub(super) fn b64enc(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let bytes = args.bytes(0)?;
    run.budget.allocate(bytes.len() / 3 * 4)?;
    run.text(STANDARD.encode(bytes))
}

pub(super) fn b64dec(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let decoded = decode_base64(args.bytes(0)?);
    run.text(
        decoded.unwrap_or_else(|at| format!("illegal base64 data at input byte {at}").into_bytes()),
    )
}

pub(super) fn b32enc(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let out = encode_base32(args.bytes(0)?);
    run.text(out)
}

pub(super) fn b32dec(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let decoded = decode_base32(args.bytes(0)?);
    run.text(
        decoded.unwrap_or_else(|at| format!("illegal base32 data at input byte {at}").into_bytes()),
    )
}

/// Decodes as Go's `StdEncoding`: line ends are skipped, spare bits ignored.
/// On failure gives the offset that Go reports.
pub(super) fn decode_base64(input: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(input.len() / 4 * 3 + 3);
    let mut at = 0;
    loop {
        let mut group: u32 = 0;
        let mut count = 0;
        while count < 4 {
            let Some(&byte) = input.get(at) else {
                return if count == 0 { Ok(out) } else { Err(at - count) };
            };
            at += 1;
            match sextet(byte) {
                Some(value) => {
                    group = group << 6 | value;
                    count += 1;
                }
                None if matches!(byte, b'\r' | b'\n') => {}
                None if byte == b'=' => {
                    at = padding(input, at, count)?;
                    let [_, a, b, _] = (group << (6 * (4 - count))).to_be_bytes();
                    out.push(a);
                    if count == 3 {
                        out.push(b);
                    }
                    return if at < input.len() { Err(at) } else { Ok(out) };
                }
                None => return Err(at - 1),
            }
        }
        let [_, a, b, c] = group.to_be_bytes();
        out.extend([a, b, c]);
    }
}

/// Passes the padding whose first sign is just before `at`.
fn padding(input: &[u8], mut at: usize, count: usize) -> Result<usize, usize> {
    let skip_line_ends = |mut at: usize| {
        while matches!(input.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    if count < 2 {
        return Err(at - 1);
    }
    if count == 2 {
        at = skip_line_ends(at);
        match input.get(at) {
            None => return Err(input.len()),
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
        }
    }
    Ok(skip_line_ends(at))
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode_base32(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len().div_ceil(5) * 8);
    for chunk in input.chunks(5) {
        let group = chunk
            .iter()
            .fold(0u64, |group, &byte| group << 8 | u64::from(byte))
            << (8 * (5 - chunk.len()));
        let digits = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = usize::try_from(group >> (35 - 5 * index) & 31).unwrap_or_default();
            out.push(if index < digits {
                BASE32.get(digit).copied().unwrap_or_default()
            } else {
                b'='
            });
        }
    }
    out
}

/// Decodes as Go's `StdEncoding`; on failure gives the offset that Go
/// reports, counted without line ends.
fn decode_base32(input: &[u8]) -> Result<Vec<u8>, usize> {
    let input: Vec<u8> = input
        .iter()
        .copied()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    let mut out = Vec::with_capacity(input.len() / 8 * 5 + 5);
    let mut at = 0;
    let mut ended = false;
    while at < input.len() && !ended {
        let mut group: u64 = 0;
        let mut count = 0;
        while count < 8 {
            let Some(&byte) = input.get(at) else {
                return Err(at - count);
            };
            at += 1;
            let left = input.len() - at;
            if byte == b'=' && count >= 2 && left < 8 {
                base32_padding(&input, at, count)?;
                ended = true;
                break;
            }
            let value = BASE32
                .iter()
                .position(|&digit| digit == byte)
                .ok_or(at - 1)?;
            group = group << 5 | value as u64;
            count += 1;
        }
        let bytes = (group << (5 * (8 - count)) << 24).to_be_bytes();
        out.extend(bytes.iter().take(count * 5 / 8));
    }
    Ok(out)
}

fn base32_padding(input: &[u8], at: usize, count: usize) -> Result<(), usize> {
    let left = input.len() - at;
    if left + count < 7 {
        return Err(input.len());
    }
    for (offset, &byte) in input.iter().skip(at).take(7 - count).enumerate() {
        if byte != b'=' {
            return Err((at + offset).saturating_sub(1));
        }
    }
    if matches!(count, 1 | 3 | 6) {
        return Err(at - 1);
    }
    Ok(())
}
