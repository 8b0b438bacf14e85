//! The few DER values that keys are written with.

use pkcs8::ObjectIdentifier;

fn value(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len().to_be_bytes();
    let significant = length.iter().skip_while(|&&byte| byte == 0).count();
    let mut out = vec![tag];
    match u8::try_from(body.len()) {
        Ok(short @ 0..0x80) => out.push(short),
        _ => {
            out.push(0x80 | u8::try_from(significant).unwrap_or_default());
            out.extend(length.iter().skip(length.len() - significant));
        }
    }
    out.extend_from_slice(body);
    out
}

/// An unsigned integer from its big-endian bytes; none are zero.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let significant = bytes.iter().skip_while(|&&byte| byte == 0);
    let mut body: Vec<u8> = significant.copied().collect();
    if body.first().is_none_or(|&byte| byte >= 0x80) {
        body.insert(0, 0);
    }
    value(0x02, &body)
}

pub(super) fn sequence(body: &[u8]) -> Vec<u8> {
    value(0x30, body)
}

pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    value(0x04, bytes)
}

pub(super) fn null() -> Vec<u8> {
    value(0x05, b"")
}

pub(super) fn object(id: ObjectIdentifier) -> Vec<u8> {
    value(0x06, id.as_bytes())
}
