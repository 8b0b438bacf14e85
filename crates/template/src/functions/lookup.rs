//! `index` and `len`.

use super::{Args, Run};
use crate::error::{Fault, Outcome};
use crate::value::Value;

pub(super) fn index(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let mut item = args.value(0)?.clone();
    if item.is_nil() {
        return Err(Fault::new("index of untyped nil"));
    }
    for index in args.from(1) {
        item = element(run, &item, index)?;
    }
    Ok(item)
}

fn element(run: &Run<'_>, item: &Value, index: &Value) -> Outcome<Value> {
    let key = || match index {
        Value::Text(key) => Ok(key),
        _ => Err(Fault::with(
            "wrong type of map key",
            format!("value has type {}; should be string", index.type_name()),
        )),
    };
    match item {
        Value::List(list) => {
            position(index).and_then(|index| run.heap.item(list, index).ok_or_else(out_of_range))
        }
        Value::Text(text) => position(index).and_then(|index| {
            let byte = text.as_bytes().get(index).copied();
            byte.map(Value::Uint8).ok_or_else(out_of_range)
        }),
        Value::Dict(id) => Ok(run
            .heap
            .entries(*id)
            .get(key()?)
            .cloned()
            .unwrap_or(Value::Nil)),
        Value::StringMap(map) => Ok(map
            .get(key()?)
            .cloned()
            .map_or_else(|| Value::from(""), Value::Text)),
        Value::Invalid | Value::Nil => Err(Fault::new("index of nil pointer")),
        _ => Err(Fault::with(
            "can't index a value of this type",
            format!("can't index item of type {}", item.type_name()),
        )),
    }
}

fn position(index: &Value) -> Outcome<usize> {
    let number = match (index.signed(), index.unsigned()) {
        (Some(number), _) => usize::try_from(number).ok(),
        (_, Some(number)) => usize::try_from(number).ok(),
        _ => {
            return Err(Fault::with(
                "wrong type of index",
                format!("cannot index slice/array with type {}", index.type_name()),
            ));
        }
    };
    number.ok_or_else(out_of_range)
}

fn out_of_range() -> Fault {
    Fault::new("index out of range")
}

pub(super) fn len(run: &mut Run<'_>, args: Args<'_>) -> Outcome<Value> {
    let value = args.value(0)?;
    let len = match value {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Dict(id) => run.heap.entries(*id).len(),
        Value::StringMap(map) => map.len(),
        _ => {
            return Err(Fault::with(
                "len of a value of this type",
                format!("len of type {}", value.type_name()),
            ));
        }
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}
