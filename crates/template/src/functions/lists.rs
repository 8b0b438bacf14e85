//! Lists: results are new ones, but windows share their array.

use super::conversion::to_int64;
use super::defaults::is_empty;
use super::equality::deeply_equal;
use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::heap::{Element, List, grown_capacity};
use crate::value::Value;

pub(super) fn list(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    run.list(Element::Any, args.all().to_vec())
}

/// The argument as the slice that most functions want.
fn slice_of(value: &Value) -> Outcome<List> {
    match value {
        Value::List(list) => Ok(*list),
        _ => Err(Fault::with(
            "not a list",
            format!("a list is needed, not {}", value.type_name()),
        )),
    }
}

/// All items, charged for.
fn items(run: &mut Run<'_>, list: &List) -> Outcome<Vec<Value>> {
    run.budget.allocate(list.len() * size_of::<Value>())?;
    Ok(run.heap.to_vec(list))
}

pub(super) fn append(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    let mut all = items(run, &list)?;
    all.push(args.value(1)?.clone());
    let capacity = grown_capacity(Element::Any, all.len() - 1, all.len());
    let list = run
        .heap
        .roomy_list(run.budget, Element::Any, all, capacity)?;
    Ok(Value::List(list))
}

pub(super) fn prepend(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    let mut all = items(run, &list)?;
    all.insert(0, args.value(1)?.clone());
    let capacity = if all.len() == 1 {
        1
    } else {
        grown_capacity(Element::Any, 1, all.len())
    };
    let list = run
        .heap
        .roomy_list(run.budget, Element::Any, all, capacity)?;
    Ok(Value::List(list))
}

pub(super) fn first(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    Ok(run.heap.item(&list, 0).unwrap_or(Value::Nil))
}

pub(super) fn last(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    let last = list.len().checked_sub(1);
    Ok(last
        .and_then(|last| run.heap.item(&list, last))
        .unwrap_or(Value::Nil))
}

pub(super) fn rest(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    without_one(run, args, |all| {
        all.remove(0);
    })
}

pub(super) fn initial(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    without_one(run, args, |all| {
        all.pop();
    })
}

fn without_one(
    run: &mut Run<'_>,
    args: Args<'_>,
    remove: impl FnOnce(&mut Vec<Value>),
) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    if list.len() == 0 {
        return Ok(Value::List(List::nil(Element::Any)));
    }
    let mut all = items(run, &list)?;
    remove(&mut all);
    run.list(Element::Any, all)
}

pub(super) fn reverse(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    let mut all = items(run, &list)?;
    all.reverse();
    run.list(Element::Any, all)
}

pub(super) fn compact(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    let mut all = items(run, &list)?;
    all.retain(|item| !is_empty(run, item));
    run.grown_list(Element::Any, all)
}

pub(super) fn uniq(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    let mut kept = Vec::new();
    for item in items(run, &list)? {
        if !holds(run, &kept, &item)? {
            kept.push(item);
        }
    }
    run.grown_list(Element::Any, kept)
}

pub(super) fn without(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    let mut kept = Vec::new();
    for item in items(run, &list)? {
        if !holds(run, args.from(1), &item)? {
            kept.push(item);
        }
    }
    run.grown_list(Element::Any, kept)
}

pub(super) fn has(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    if args.value(1)?.is_nil() {
        return Ok(Value::Bool(false));
    }
    let list = slice_of(args.value(1)?)?;
    let all = items(run, &list)?;
    holds(run, &all, args.value(0)?).map(Value::Bool)
}

fn holds(run: &mut Run<'_>, items: &[Value], wanted: &Value) -> Outcome<bool> {
    for item in items {
        if deeply_equal(run, wanted, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A window on the same array, which may reach up to its capacity.
pub(super) fn slice(_: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let list = slice_of(args.value(0)?)?;
    if list.len() == 0 {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, otherwise: usize| match args.all().get(index) {
        Some(value) => usize::try_from(to_int64(value)).ok(),
        None => Some(otherwise),
    };
    bound(1, 0)
        .zip(bound(2, list.len()))
        .and_then(|(start, end)| list.window(start, end))
        .map(Value::List)
        .ok_or_else(|| Fault::new("slice index out of bounds"))
}

pub(super) fn concat(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut all = Vec::new();
    for value in args.all() {
        let list = slice_of(value)?;
        all.append(&mut items(run, &list)?);
    }
    if all.is_empty() {
        return Ok(Value::List(List::nil(Element::Any)));
    }
    run.grown_list(Element::Any, all)
}

pub(super) fn chunk(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let size = args.int(0)?;
    let list = slice_of(args.value(1)?)?;
    let impossible = || Fault::new("impossible chunk size");
    let Some(size) = usize::try_from(size).ok().filter(|&size| size > 0) else {
        // What Go's floating point makes of a negative size: no chunk, one
        // chunk, or a list of impossible length.
        let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
        if size < 0 && length > 1 && length - 1 <= size.saturating_neg() {
            return run.list(Element::List, Vec::new());
        }
        if size < -1 && length == 1 {
            let only = items(run, &list)?;
            let only = run.list(Element::Any, only)?;
            return run.list(Element::List, vec![only]);
        }
        return Err(impossible());
    };
    let all = items(run, &list)?;
    let mut chunks = Vec::new();
    for piece in all.chunks(size) {
        chunks.push(run.list(Element::Any, piece.to_vec())?);
    }
    run.list(Element::List, chunks)
}
