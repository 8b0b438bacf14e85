//! Go's `fmt` for the values of templates.

mod number;
mod printer;
mod printf;
mod structure;

use crate::budget::Budget;
use crate::buffer::Buffer;
use crate::error::Outcome;
use crate::functions::Run;
use crate::heap::Heap;
use crate::text::Text;
use crate::value::Value;

pub(crate) use printer::Printer;
pub(crate) use printf::printf;

/// Writes what an action shows.
pub(crate) fn write_action(
    heap: &Heap,
    budget: &mut Budget,
    out: &mut Buffer,
    value: &Value,
) -> Outcome<()> {
    match value {
        Value::Text(text) => out.push(budget, text.as_bytes()),
        Value::Invalid => out.push(budget, b"<no value>"),
        _ => Printer::new(heap, budget, out).value(value, 'v'),
    }
}

/// Go's `Sprint`: spaces between operands when neither is a string.
pub(crate) fn sprint(run: &mut Run<'_>, values: &[Value]) -> Outcome<Text> {
    let mut out = Buffer::new();
    let mut after_string = true;
    for (index, value) in values.iter().enumerate() {
        let is_string = matches!(value, Value::Text(_));
        if index > 0 && !is_string && !after_string {
            out.push(run.budget, b" ")?;
        }
        Printer::new(&run.heap, run.budget, &mut out).value(value, 'v')?;
        after_string = is_string;
    }
    Ok(out.into_text())
}

/// Go's `Sprintln`.
pub(crate) fn sprintln(run: &mut Run<'_>, values: &[Value]) -> Outcome<Text> {
    let mut out = Buffer::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(run.budget, b" ")?;
        }
        Printer::new(&run.heap, run.budget, &mut out).value(value, 'v')?;
    }
    out.push(run.budget, b"\n")?;
    Ok(out.into_text())
}

/// The text of one value as `%v` gives it.
pub(crate) fn text_of(run: &mut Run<'_>, value: &Value) -> Outcome<Text> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        _ => {
            let mut out = Buffer::new();
            Printer::new(&run.heap, run.budget, &mut out).value(value, 'v')?;
            Ok(out.into_text())
        }
    }
}
