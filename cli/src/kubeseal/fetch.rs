//! `--fetch-cert`: the certificate, letter for letter.

use super::{certificate, failure::Outcome, flags::Flags};

/// The bytes that the controller publishes, or those of `--cert`. They are not looked at.
///
/// # Errors
/// When they cannot be read.
pub fn run(flags: &Flags) -> Outcome<Vec<u8>> {
    certificate::load(flags)
}
