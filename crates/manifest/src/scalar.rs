//! What a scalar means: as Kubernetes reads it, and whether every reader of YAML agrees.
//!
//! Kubernetes reads YAML with `sigs.k8s.io/yaml`, which resolves scalars as `go.yaml.in/yaml/v2`
//! does (its `resolve.go`): YAML 1.1 without base 60, with Go's integer literals. Texts of numbers
//! are then made with Go's `strconv`.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use crate::error::{Ambiguity, Problem};
use crate::number::general_f32;
use crate::timestamp::is_timestamp;
use crate::tree::{ScalarStyle, Tag};

/// A scalar as Kubernetes reads it. `Debug` prints its type alone.
#[derive(Clone, PartialEq)]
pub enum Scalar<'a> {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `yes`, `on`, `y`, …
    Bool(bool),
    /// From -2^63 to 2^64 - 1.
    Integer(i128),
    /// Any other number, `.inf` and `.nan` included.
    Float(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// Text that was written as `!!binary`.
    Binary(Zeroizing<String>),
}

impl Scalar<'_> {
    /// Its type, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a floating-point number",
            Self::Text(_) | Self::Binary(_) => "text",
        }
    }

    /// The text where Kubernetes wants text: floating-point numbers with the digits of 32 bits,
    /// null as nothing.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => general_f32(*value),
            Self::Text(text) => text.clone().into_owned(),
            Self::Binary(text) => text.as_str().to_owned(),
        })
    }

    /// The text as a key of a mapping.
    pub(crate) fn into_key(self) -> Result<String, Problem> {
        match self {
            Self::Null => Err(Problem::BadKey("null")),
            Self::Integer(value) if i64::try_from(value).is_err() => {
                Err(Problem::BadKey("an integer beyond 63 bits"))
            }
            Self::Float(value) if value.is_nan() => Ok(".nan".to_owned()),
            // The text of a key has the digits of 32 bits, too.
            Self::Float(value) => Ok(match general_f32(value).as_str() {
                "+Inf" => ".inf".to_owned(),
                "-Inf" => "-.inf".to_owned(),
                text => text.to_owned(),
            }),
            other => Ok(std::mem::take(&mut *other.to_text())),
        }
    }

    pub(crate) fn to_json(&self) -> Result<serde_json::Value, Problem> {
        use serde_json::{Number, Value};
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Integer(value) => Number::from_i128(*value).map_or(Value::Null, Value::Number),
            Self::Float(value) => Value::Number(json_number(*value).ok_or(Problem::NotFinite)?),
            Self::Text(text) => Value::String(text.clone().into_owned()),
            Self::Binary(text) => Value::String(text.as_str().to_owned()),
        })
    }
}

impl fmt::Debug for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scalar({})", self.type_name())
    }
}

/// A number as JSON holds it: Go writes floating-point numbers without a fraction as integers.
fn json_number(value: f64) -> Option<serde_json::Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let integral = value.fract() == 0.0 && value.abs() <= EXACT;
    if integral && !(value == 0.0 && value.is_sign_negative()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an integer of at most 54 bits"
        )]
        return Some((value as i64).into());
    }
    serde_json::Number::from_f64(value)
}

/// Reads a scalar as Kubernetes does.
pub(crate) fn resolve(text: &str, style: ScalarStyle, tag: Tag) -> Result<Scalar<'_>, Problem> {
    match tag {
        Tag::None if style == ScalarStyle::Plain => Ok(plain(text)),
        Tag::None | Tag::Str | Tag::Other | Tag::Merge => Ok(Scalar::Text(Cow::Borrowed(text))),
        Tag::Binary => binary(text),
        Tag::Int => match plain(text) {
            number @ Scalar::Integer(_) => Ok(number),
            _ => Err(Problem::TagMismatch("!!int")),
        },
        Tag::Float => match plain(text) {
            // As Go converts an int; a float beyond it is one already.
            #[expect(clippy::cast_precision_loss, reason = "the tag asks for a float")]
            Scalar::Integer(value) if i64::try_from(value).is_ok() => {
                Ok(Scalar::Float(value as f64))
            }
            number @ Scalar::Float(_) => Ok(number),
            _ => Err(Problem::TagMismatch("!!float")),
        },
        Tag::Bool => match plain(text) {
            value @ Scalar::Bool(_) => Ok(value),
            _ => Err(Problem::TagMismatch("!!bool")),
        },
        Tag::Null => match plain(text) {
            Scalar::Null => Ok(Scalar::Null),
            _ => Err(Problem::TagMismatch("!!null")),
        },
        Tag::Timestamp if is_timestamp(text) => Ok(Scalar::Text(Cow::Borrowed(text))),
        Tag::Timestamp => Err(Problem::TagMismatch("!!timestamp")),
    }
}

/// Whether a plain, untagged scalar lands in a Secret as anything but the text that stands there,
/// or is read differently by YAML 1.1, by YAML 1.2's core schema or by Kubernetes.
pub(crate) fn ambiguity(text: &str) -> Option<Ambiguity> {
    let kubernetes = plain(text);
    let core = core_type(text);
    match &kubernetes {
        Scalar::Text(_) if is_timestamp(text) => Some(versions("a timestamp", core)),
        Scalar::Text(_) if is_base_60(text) => Some(versions("a number in base 60", core)),
        Scalar::Text(_) if core == "text" => None,
        // The value is what is written, and every reader sees the same type.
        other if *other.to_text() == text && !matches!(other, Scalar::Text(_)) => None,
        other if numeric(other.type_name()) != numeric(core) => {
            Some(versions(other.type_name(), core))
        }
        other => Some(Ambiguity::Respelled(other.type_name())),
    }
}

/// Whether the text, unquoted, would be read as this text by all.
pub(crate) fn reads_as_text(text: &str) -> bool {
    matches!(plain(text), Scalar::Text(_)) && !is_timestamp(text) && !is_base_60(text)
}

fn versions(v1_1: &'static str, v1_2: &'static str) -> Ambiguity {
    Ambiguity::Versions { v1_1, v1_2 }
}

/// Integers and floats are both numbers to JSON.
fn numeric(type_name: &'static str) -> &'static str {
    match type_name {
        "an integer" | "a floating-point number" => "a number",
        other => other,
    }
}

/// YAML 1.1 as `yaml.v2` reads it.
fn plain(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => number(text).unwrap_or(Scalar::Text(Cow::Borrowed(text))),
    }
}

fn number(text: &str) -> Option<Scalar<'_>> {
    let first = *text.as_bytes().first()?;
    if first == b'.' {
        // Go's ParseFloat sees the underscores itself: only between digits.
        return underscores_divide_digits(text)
            .then(|| float(&Zeroizing::new(text.replace('_', ""))))
            .flatten();
    }
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-')) || is_timestamp(text) {
        return None;
    }
    let digits = Zeroizing::new(text.replace('_', ""));
    integer(&digits).or_else(|| float(&digits))
}

/// Go's `strconv.ParseInt(text, 0, 64)`, or `ParseUint` where that overflows.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let signed = unsigned.len() != text.len();
    let (radix, digits) = match unsigned.as_bytes() {
        // yaml.v2 gives what follows `0b` to Go once more, which takes a sign there.
        [b'0', b'b', b'+' | b'-', ..] if !signed => return binary_digits(unsigned.get(2..)?),
        [b'0', b'b' | b'B', _, ..] => (2, unsigned.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, unsigned.get(2..)?),
        [b'0', b'x' | b'X', _, ..] => (16, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    if !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    let smallest = i128::from(i64::MIN);
    let largest = if signed {
        i128::from(i64::MAX)
    } else {
        i128::from(u64::MAX)
    };
    (smallest..=largest)
        .contains(&value)
        .then_some(Scalar::Integer(value))
}

/// Go's `strconv.ParseInt(text, 2, 64)` of signed digits.
fn binary_digits(text: &str) -> Option<Scalar<'static>> {
    i64::from_str_radix(text, 2)
        .ok()
        .map(|value| Scalar::Integer(value.into()))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, unless it overflows.
fn float(text: &str) -> Option<Scalar<'static>> {
    if !is_decimal(text) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_holds = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_holds = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_holds && exponent_holds
}

fn underscores_divide_digits(text: &str) -> bool {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| {
            is_digit(at.checked_sub(1).and_then(|before| bytes.get(before)))
                && is_digit(bytes.get(at + 1))
        })
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: a number in YAML 1.1, text to Kubernetes.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !digits(first) {
        return false;
    }
    let mut rest: Vec<&str> = parts.collect();
    let Some(last) = rest.pop() else { return false };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    rest.push(last);
    digits(fraction)
        && rest.iter().all(|part| match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [b'0'..=b'5', one] => one.is_ascii_digit(),
            _ => false,
        })
}

/// The type in the core schema of YAML 1.2.2, section 10.3.2.
fn core_type(text: &str) -> &'static str {
    let all = |text: &str, radix: u32| {
        !text.is_empty() && text.chars().all(|digit| digit.is_digit(radix))
    };
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "null",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "a boolean",
        ".nan" | ".NaN" | ".NAN" => "a floating-point number",
        _ if matches!(unsigned, ".inf" | ".Inf" | ".INF") => "a floating-point number",
        _ if all(unsigned, 10) => "an integer",
        _ if text.strip_prefix("0o").is_some_and(|digits| all(digits, 8)) => "an integer",
        _ if text
            .strip_prefix("0x")
            .is_some_and(|digits| all(digits, 16)) =>
        {
            "an integer"
        }
        _ if is_decimal(text) => "a floating-point number",
        _ => "text",
    }
}

fn binary(text: &str) -> Result<Scalar<'static>, Problem> {
    // Go's decoder skips line breaks, nothing else.
    let packed = Zeroizing::new(text.replace(['\r', '\n'], ""));
    let bytes = BASE64
        .decode(packed.as_bytes())
        .map_err(|_| Problem::TagMismatch("!!binary"))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Scalar::Binary(Zeroizing::new(text))),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Problem::WrongType {
                expected: "text",
                found: "binary data",
            })
        }
    }
}
