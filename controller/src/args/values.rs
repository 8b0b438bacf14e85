//! How values are read: as Go reads them.

use std::{collections::BTreeMap, net::SocketAddr};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use seal_envelope::KeySize;

/// Pairs of a name and a value.
pub type Pairs = BTreeMap<String, String>;

pub(super) fn key_size(text: &str) -> Result<KeySize, String> {
    let bits: usize = text
        .parse()
        .map_err(|_| "not a number of bits".to_owned())?;
    KeySize::try_from(bits).map_err(|error| error.to_string())
}

/// A duration as Go's `time.ParseDuration` reads it: `720h`, `1h30m`, `1.5h`, `0`.
pub(super) fn go_duration(text: &str) -> Result<SignedDuration, String> {
    if text == "0" {
        return Ok(SignedDuration::ZERO);
    }
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "not a duration such as 720h or 1h30m".to_owned())?;
    if duration.is_negative() {
        return Err("the duration is negative".into());
    }
    Ok(duration)
}

/// `Mon, 02 Jan 2006 15:04:05 -0700`, the only spelling that upstream takes; empty for none.
pub(super) fn rfc1123z(text: &str) -> Result<Timestamp, String> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .map_err(|_| "not a time such as Mon, 02 Jan 2006 15:04:05 -0700".into())
}

/// As Go's `net.Listen`: `:8080` is every address.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let full = match text.strip_prefix(':') {
        Some(port) => format!("[::]:{port}"),
        None => text.replace("localhost:", "127.0.0.1:"),
    };
    full.parse()
        .map_err(|_| "not an address such as :8080 or 127.0.0.1:8080".into())
}

pub(super) fn pairs(text: &str) -> Result<Pairs, String> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("{part:?} is not of the form name=value")),
        })
        .collect()
}

/// A rate in requests a second, as Go's client reads it: 0 is its default, and below 0 is no limit.
pub(super) fn rate(text: &str) -> Result<f32, String> {
    let rate: f32 = text.parse().map_err(|_| "not a number".to_owned())?;
    if rate.is_finite() {
        Ok(rate)
    } else {
        Err("the rate must be a finite number".into())
    }
}
