//! Floating point arithmetic by way of exact decimals (shopspring/decimal).

use num_bigint::{BigInt, Sign};

use super::conversion::to_float64;
use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::value::Value;

/// `coefficient * 10^exponent`.
struct Decimal {
    coefficient: BigInt,
    exponent: i64,
}

/// Decimal places of a quotient.
const DIVISION_PRECISION: i64 = 16;

impl Decimal {
    /// The shortest decimal that reads back as the float.
    fn from_float(float: f64) -> Outcome<Self> {
        if !float.is_finite() {
            return Err(Fault::new("cannot make a decimal of infinity or NaN"));
        }
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let decimals = mantissa.split_once('.').map_or(0, |(_, tail)| tail.len());
        let digits = mantissa.replace('.', "");
        let exponent: i64 = exponent.parse().unwrap_or_default();
        Ok(Decimal {
            coefficient: BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default(),
            exponent: exponent - i64::try_from(decimals).unwrap_or_default(),
        })
    }

    fn to_float(&self) -> f64 {
        format!("{}e{}", self.coefficient, self.exponent)
            .parse()
            .unwrap_or_default()
    }

    fn add(&self, run: &mut Run<'_>, other: &Decimal) -> Outcome<Decimal> {
        let exponent = self.exponent.min(other.exponent);
        let left = scaled(run, &self.coefficient, self.exponent - exponent)?;
        let right = scaled(run, &other.coefficient, other.exponent - exponent)?;
        Ok(Decimal {
            coefficient: left + right,
            exponent,
        })
    }

    fn negated(self) -> Decimal {
        Decimal {
            coefficient: -self.coefficient,
            ..self
        }
    }

    fn multiply(&self, run: &mut Run<'_>, other: &Decimal) -> Outcome<Decimal> {
        charge(run, self.coefficient.bits() + other.coefficient.bits())?;
        Ok(Decimal {
            coefficient: &self.coefficient * &other.coefficient,
            exponent: self.exponent + other.exponent,
        })
    }

    /// Rounded half away from zero.
    fn divide(&self, run: &mut Run<'_>, other: &Decimal) -> Outcome<Decimal> {
        if other.coefficient.sign() == Sign::NoSign {
            return Err(Fault::new("decimal division by 0"));
        }
        let shift = self.exponent - other.exponent + DIVISION_PRECISION;
        let dividend = scaled(run, &self.coefficient, shift.max(0))?;
        let divisor = scaled(run, &other.coefficient, (-shift).max(0))?;
        charge(run, dividend.bits() + divisor.bits())?;
        let quotient = &dividend / &divisor;
        let remainder = &dividend - &quotient * &divisor;
        let away = (remainder.magnitude() << 1u32) >= *divisor.magnitude();
        let negative = dividend.sign() != divisor.sign();
        let unit = BigInt::from(match (away, negative) {
            (false, _) => 0,
            (true, true) => -1,
            (true, false) => 1,
        });
        Ok(Decimal {
            coefficient: quotient + unit,
            exponent: -DIVISION_PRECISION,
        })
    }
}

fn scaled(run: &mut Run<'_>, coefficient: &BigInt, digits: i64) -> Outcome<BigInt> {
    if digits == 0 || coefficient.sign() == Sign::NoSign {
        return Ok(coefficient.clone());
    }
    let digits = u32::try_from(digits).map_err(|_| Fault::new("decimal exponent overflow"))?;
    charge(run, coefficient.bits() + u64::from(digits) * 4)?;
    Ok(coefficient * BigInt::from(10).pow(digits))
}

fn charge(run: &mut Run<'_>, bits: u64) -> Outcome<()> {
    run.budget.step(4 + bits / 64)?;
    run.budget
        .allocate(usize::try_from(bits / 4).unwrap_or(usize::MAX))
}

type Operation = fn(&Decimal, &mut Run<'_>, &Decimal) -> Outcome<Decimal>;

fn fold(run: &mut Run<'_>, first: f64, rest: &[Value], operation: Operation) -> Outcome<Value> {
    let mut result = Decimal::from_float(first)?;
    for value in rest {
        run.budget.step(16)?;
        let operand = Decimal::from_float(to_float64(value))?;
        result = operation(&result, run, &operand)?;
    }
    Ok(Value::Float(result.to_float()))
}

pub(super) fn add1f(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fold(
        run,
        to_float64(args.value(0)?),
        &[Value::Int(1)],
        Decimal::add,
    )
}

pub(super) fn addf(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fold(run, 0.0, args.all(), Decimal::add)
}

pub(super) fn subf(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fold(
        run,
        to_float64(args.value(0)?),
        args.from(1),
        |a, run, b| {
            b.add(
                run,
                &Decimal {
                    coefficient: -&a.coefficient,
                    exponent: a.exponent,
                },
            )
            .map(Decimal::negated)
        },
    )
}

pub(super) fn mulf(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fold(
        run,
        to_float64(args.value(0)?),
        args.from(1),
        Decimal::multiply,
    )
}

pub(super) fn divf(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    fold(
        run,
        to_float64(args.value(0)?),
        args.from(1),
        Decimal::divide,
    )
}
