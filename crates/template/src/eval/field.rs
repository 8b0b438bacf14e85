//! Fields of maps and structs, and methods.

use super::Evaluation;
use crate::ast::Operand;
use crate::error::{Fault, Outcome};
use crate::functions::methods;
use crate::text::Text;
use crate::value::Value;

impl Evaluation<'_, '_> {
    /// `.X.Y.Z`, possibly with arguments for the last if it is a method.
    pub(super) fn fields(
        &mut self,
        dot: &Value,
        mut receiver: Value,
        names: &[Text],
        node: &Operand,
        operands: &[Operand],
        last: Option<Value>,
    ) -> Outcome<Value> {
        let Some((name, path)) = names.split_last() else {
            return Ok(receiver);
        };
        for name in path {
            receiver = self.field(dot, receiver, name, node, &[], None)?;
        }
        self.field(dot, receiver, name, node, operands, last)
    }

    fn field(
        &mut self,
        dot: &Value,
        receiver: Value,
        name: &Text,
        node: &Operand,
        operands: &[Operand],
        last: Option<Value>,
    ) -> Outcome<Value> {
        self.run.budget.step(1)?;
        self.at = node.at;
        match receiver {
            Value::Invalid => return Ok(Value::Invalid),
            Value::Nil => return Err(Fault::new("nil pointer evaluating a field")),
            _ => {}
        }
        if let Some(method) = methods::find(&receiver, name.as_bytes()) {
            return self.call(dot, method, Some(receiver), node, operands, last);
        }
        let found = match &receiver {
            Value::StringMap(map) => map.get(name).cloned().map(Value::Text),
            Value::Dict(id) => self.run.heap.entries(*id).get(name).cloned(),
            Value::Certificate(certificate) => match name.as_bytes() {
                b"Cert" => Some(Value::Text(certificate.cert.clone())),
                b"Key" => Some(Value::Text(certificate.key.clone())),
                _ => return Err(no_field(&receiver, name)),
            },
            _ => return Err(no_field(&receiver, name)),
        };
        if !operands.is_empty() || last.is_some() {
            return Err(Fault::with(
                "a field is not a method but has arguments",
                format!("{} is not a method but has arguments", name.lossy()),
            ));
        }
        Ok(found.unwrap_or(Value::Invalid))
    }
}

fn no_field(receiver: &Value, name: &Text) -> Fault {
    Fault::with(
        "can't evaluate a field in a value of this type",
        format!(
            "can't evaluate field {} in type {}",
            name.lossy(),
            receiver.type_name()
        ),
    )
}
