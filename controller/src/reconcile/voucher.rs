//! Whether a record is ours. Whoever may write the status of a SealedSecret could otherwise have us
//! skip work that is due, for as long as they like.
//!
//! What is vouched for cannot be moved to another object, whose inputs differ, and is of no use at
//! another time, when the Secret has another resourceVersion.

use std::fmt::Write;

use seal_api::{Mode, Record};
use seal_keyring::Keyring;

/// The record with the code that the current RSA key makes for it, or where there is none the current
/// age key. Without a key there is none, and the record justifies nothing.
pub(super) fn vouched(mut record: Record, keyring: &Keyring) -> Record {
    if let Some(key) = keyring.iter().next() {
        record.voucher = hexadecimal(&key.identity().vouch(&message(&record)));
    }
    record
}

/// Whether one of our keys made the code of this record.
#[must_use]
pub fn is_genuine(record: &Record, keyring: &Keyring) -> bool {
    let message = message(record);
    bytes(&record.voucher).is_some_and(|code| {
        let mut identities = keyring.identities();
        identities.any(|identity| identity.has_vouched(&message, &code))
    })
}

/// All of the record that anything is decided by, each part behind its length.
fn message(record: &Record) -> Vec<u8> {
    let Record {
        version,
        inputs,
        secret,
        mode,
        keys,
        values: _,
        voucher: _,
    } = record;
    let mode = match mode {
        Mode::Owned => "owned",
        Mode::Managed => "managed",
        Mode::Patched => "patched",
        Mode::Unowned => "unowned",
    };
    let version = version.to_string();
    let parts: [&str; 5] = [
        &version,
        inputs,
        &secret.uid,
        &secret.resource_version,
        mode,
    ];
    let mut message = Vec::new();
    for part in parts.into_iter().chain(keys.iter().map(String::as_str)) {
        message.extend((part.len() as u64).to_be_bytes());
        message.extend(part.as_bytes());
    }
    message
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // Writing to a String cannot fail.
        text
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
