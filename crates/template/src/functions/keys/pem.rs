//! PEM as Go's `encoding/pem` reads it: text around a block is skipped, and
//! so are malformed blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::functions::encoding::decode_base64;
use crate::text::{find, from, part, upto};

pub(in crate::functions) struct Block {
    pub(in crate::functions) label: Vec<u8>,
    pub(in crate::functions) bytes: Zeroizing<Vec<u8>>,
}

/// The first block of the text.
pub(in crate::functions) fn pem_block(text: &[u8]) -> Option<Block> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let mut rest = text;
    let mut at_line_start = true;
    loop {
        let at = find(rest, BEGIN)?;
        let starts_line = if at == 0 {
            at_line_start
        } else {
            rest.get(at - 1) == Some(&b'\n')
        };
        rest = from(rest, at + BEGIN.len());
        at_line_start = false;
        if starts_line && let Some(block) = block(rest) {
            return Some(block);
        }
    }
}

/// The block whose label comes next.
fn block(text: &[u8]) -> Option<Block> {
    let line_end = find(text, b"\n")?;
    let label = upto(text, line_end)
        .trim_ascii_end()
        .strip_suffix(b"-----")?;
    let mut body = from(text, line_end + 1);
    // Headers up to an empty line.
    while let Some(end) = find(body, b"\n")
        && find(upto(body, end), b":").is_some()
    {
        body = from(body, end + 1);
    }
    let end_line = [b"-----END ", label, b"-----"].concat();
    let end = find(body, &end_line)?;
    let starts_line = end == 0 || body.get(end - 1) == Some(&b'\n');
    let after = from(body, end + end_line.len());
    let tail = part(after, 0..find(after, b"\n").unwrap_or(after.len()));
    if !starts_line || !tail.trim_ascii().is_empty() {
        return None;
    }
    let encoded: Zeroizing<Vec<u8>> = Zeroizing::new(
        upto(body, end)
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect(),
    );
    Some(Block {
        label: label.to_vec(),
        bytes: Zeroizing::new(decode_base64(&encoded).ok()?),
    })
}

/// A block with lines of 64 characters.
pub(in crate::functions) fn pem_text(label: &str, bytes: &[u8]) -> Vec<u8> {
    let encoded = Zeroizing::new(STANDARD.encode(bytes));
    let mut out = format!("-----BEGIN {label}-----\n").into_bytes();
    for line in encoded.as_bytes().chunks(64) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend(format!("-----END {label}-----\n").bytes());
    out
}
