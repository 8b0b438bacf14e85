//! PEM as Go's `encoding/pem` finds it: text around the blocks is passed over, lines may have any
//! length.

use zeroize::Zeroizing;

/// One block.
pub struct Block {
    /// What stands behind `BEGIN`.
    pub label: String,
    /// Whether it has headers such as `Proc-Type`.
    pub has_headers: bool,
    /// What the base64 holds.
    pub der: Zeroizing<Vec<u8>>,
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The blocks of a text, damaged ones left out.
pub fn blocks(text: &[u8]) -> impl Iterator<Item = Block> {
    let mut rest = std::str::from_utf8(text).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            let (label, body, after) = next_block(rest)?;
            rest = after;
            let (has_headers, body) = without_headers(body);
            let letters: Zeroizing<String> = Zeroizing::new(
                body.chars()
                    .filter(|it| !it.is_ascii_whitespace())
                    .collect(),
            );
            if let Ok(der) = seal_sealing::decode(&letters) {
                return Some(Block {
                    label: label.to_owned(),
                    has_headers,
                    der,
                });
            }
        }
    })
}

/// The label, what stands between the lines that begin and end the block, and what follows.
fn next_block(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find(BEGIN)?;
        let at_line_start = start == 0 || text.get(..start)?.ends_with('\n');
        let after = text.get(start + BEGIN.len()..)?;
        let line = after.lines().next().unwrap_or_default().trim_end();
        from = start + BEGIN.len();
        let Some(label) = line.strip_suffix(DASHES).filter(|_| at_line_start) else {
            continue;
        };
        let body = after.get(line.len()..)?;
        let end_line = format!("-----END {label}-----");
        if let Some(end) = body.find(&end_line) {
            return Some((label, body.get(..end)?, body.get(end + end_line.len()..)?));
        }
    }
}

fn without_headers(body: &str) -> (bool, &str) {
    let mut rest = body.trim_start();
    let mut has_headers = false;
    while let Some((line, after)) = rest.split_once('\n') {
        if !line.contains(':') {
            break;
        }
        has_headers = true;
        rest = after;
    }
    (has_headers, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_between_other_text() {
        let text = "words\n-----BEGIN A-----\nQUI=\n-----END A-----\nx -----BEGIN B-----\n\
                    -----BEGIN C-----\r\nk: v\r\n\r\nQ\r\nUI=\r\n-----END C-----";
        let found: Vec<_> = blocks(text.as_bytes())
            .map(|block| (block.label, block.has_headers, block.der.to_vec()))
            .collect();
        assert_eq!(
            found,
            [
                ("A".into(), false, b"AB".to_vec()),
                ("C".into(), true, b"AB".to_vec())
            ]
        );
    }
}
