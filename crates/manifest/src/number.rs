//! Numbers as Go writes them.

use std::fmt::Write as _;

use serde::Serialize;

/// Go's `strconv.FormatFloat(value, 'g', -1, 32)`: what `sigs.k8s.io/yaml` makes of a number where
/// text is wanted, with a loss of precision.
pub(crate) fn general_f32(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "upstream rounds to 32 bits"
    )]
    let rounded = value as f32;
    match special(f64::from(rounded)) {
        Some(text) => text.to_owned(),
        None => Decimal::shortest(rounded).general(),
    }
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 64)`, as `yaml.v2` writes floating-point numbers.
pub(crate) fn general_f64(value: f64) -> String {
    match special(value) {
        Some("+Inf") => ".inf".to_owned(),
        Some("-Inf") => "-.inf".to_owned(),
        Some(_) => ".nan".to_owned(),
        None => Decimal::shortest(value).general(),
    }
}

/// A number as Go's `encoding/json` writes it (ECMAScript's rules), if JSON can hold it.
pub(crate) fn go_json_f64(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let magnitude = value.abs();
    let decimal = Decimal::shortest(value);
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        return Some(decimal.scientific(1));
    }
    Some(decimal.positional())
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        None
    }
}

/// The fewest digits that read back as the same number: `sign d.ddd * 10^exponent`.
struct Decimal {
    sign: &'static str,
    digits: String,
    exponent: i32,
}

impl Decimal {
    /// By way of `serde_json`, which like Go takes the even one of two digits equally near, where
    /// `std::fmt` rounds up. The number must be finite.
    fn shortest(value: impl Serialize) -> Self {
        let text = serde_json::to_string(&value).unwrap_or_default();
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.as_str()),
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let zeros = all.len() - significant.len();
        let digits = significant.trim_end_matches('0');
        let places = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        if digits.is_empty() {
            return Self {
                sign,
                digits: "0".to_owned(),
                exponent: 0,
            };
        }
        Self {
            sign,
            digits: digits.to_owned(),
            exponent: exponent + places(whole.len()) - 1 - places(zeros),
        }
    }

    /// `%g`: `%e` where the exponent is below -4 or, as Go takes a precision of 6 for this decision,
    /// at least 6.
    fn general(&self) -> String {
        if (-4..6).contains(&self.exponent) {
            self.positional()
        } else {
            self.scientific(2)
        }
    }

    fn scientific(&self, exponent_digits: usize) -> String {
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if self.exponent < 0 { '-' } else { '+' };
        let exponent = self.exponent.unsigned_abs();
        let sign = self.sign;
        format!("{sign}{first}{point}{rest}e{exponent_sign}{exponent:0exponent_digits$}")
    }

    fn positional(&self) -> String {
        let digits = &self.digits;
        let mut text = self.sign.to_owned();
        let zeros = |count: i32| std::iter::repeat_n('0', usize::try_from(count).unwrap_or(0));
        let point = usize::try_from(self.exponent + 1).unwrap_or(0);
        if self.exponent < 0 {
            text.push_str("0.");
            text.extend(zeros(-self.exponent - 1));
            text.push_str(digits);
        } else if digits.len() <= point {
            text.push_str(digits);
            text.extend(std::iter::repeat_n('0', point - digits.len()));
        } else {
            let (whole, fraction) = digits.split_at(point);
            let _infallible = write!(text, "{whole}.{fraction}");
        }
        text
    }
}
