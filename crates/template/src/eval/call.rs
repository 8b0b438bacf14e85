//! Pipelines, commands, arguments and calls.

use super::{Evaluation, truth};
use crate::ast::{Base, Command, Node, Number, Operand, PipeId};
use crate::error::{Fault, Outcome};
use crate::functions::{Args, Function, Special, Type};
use crate::heap::{Element, List};
use crate::value::Value;

impl Evaluation<'_, '_> {
    pub(super) fn pipe(&mut self, dot: &Value, pipe: PipeId) -> Outcome<Value> {
        self.deeper(|evaluation| evaluation.commands(dot, pipe))
    }

    fn commands(&mut self, dot: &Value, id: PipeId) -> Outcome<Value> {
        let ast = self.ast;
        let Some(pipe) = ast.pipes.get(id.0 as usize) else {
            return Ok(Value::Invalid);
        };
        self.at = pipe.at;
        let mut value = None;
        for command in &pipe.commands {
            self.run.budget.step(1)?;
            value = Some(self.command(dot, command, value)?.unboxed());
        }
        let value = value.unwrap_or(Value::Invalid);
        for &declared in &pipe.declares {
            if pipe.assigns {
                self.assign(declared, value.clone())?;
            } else {
                self.run.budget.allocate(size_of::<Value>())?;
                self.variables.push((declared, value.clone()));
            }
        }
        Ok(value)
    }

    /// `last` is what the previous command of the pipeline gave.
    fn command(&mut self, dot: &Value, command: &Command, last: Option<Value>) -> Outcome<Value> {
        let Some((first, rest)) = command.operands.split_first() else {
            return Ok(Value::Invalid);
        };
        self.at = first.at;
        self.function = None;
        let alone = rest.is_empty() && last.is_none();
        match &first.node {
            Node::Function(function) => {
                return self.call(dot, function, None, first, rest, last);
            }
            Node::Field(names) => {
                return self.fields(dot, dot.clone(), names, first, rest, last);
            }
            Node::Chain(base, names) => {
                let receiver = self.chain_base(dot, base, first)?;
                return self.fields(dot, receiver, names, first, rest, last);
            }
            Node::Variable(id, names) if !names.is_empty() => {
                let receiver = self.variable(*id)?;
                return self.fields(dot, receiver, names, first, rest, last);
            }
            _ if !alone => return Err(Fault::new("can't give argument to non-function")),
            _ => {}
        }
        match &first.node {
            Node::Nil => Err(Fault::new("nil is not a command")),
            Node::Variable(id, _) => self.variable(*id),
            Node::Pipe(pipe) => self.pipe(dot, *pipe),
            Node::Dot => Ok(dot.clone()),
            node => literal(node),
        }
    }

    pub(super) fn chain_base(
        &mut self,
        dot: &Value,
        base: &Base,
        operand: &Operand,
    ) -> Outcome<Value> {
        match base {
            Base::Pipe(pipe) => self.pipe(dot, *pipe),
            Base::Function(function) => self.call(dot, function, None, operand, &[], None),
        }
    }

    /// Calls a function, or a method if there is a receiver.
    pub(super) fn call(
        &mut self,
        dot: &Value,
        function: &'static Function,
        receiver: Option<Value>,
        callee: &Operand,
        operands: &[Operand],
        last: Option<Value>,
    ) -> Outcome<Value> {
        self.at = callee.at;
        self.function = Some(function.name);
        let given = operands.len() + usize::from(last.is_some());
        let fixed = function.parameters.len();
        if given < fixed || given > fixed && function.rest.is_none() {
            let more = if function.rest.is_some() {
                "at least "
            } else {
                ""
            };
            return Err(Fault::with(
                "wrong number of arguments",
                format!(
                    "wrong number of args for {}: want {more}{fixed} got {given}",
                    function.name
                ),
            ));
        }
        match function.special {
            Special::And => return self.connective(dot, operands, last, false),
            Special::Or => return self.connective(dot, operands, last, true),
            Special::None => {}
        }
        let base = self.arguments.len();
        self.arguments.extend(receiver);
        for (index, operand) in operands.iter().enumerate() {
            let value = self.argument(dot, function.type_at(index), operand)?;
            self.arguments.push(value);
        }
        self.at = callee.at;
        self.function = Some(function.name);
        if let Some(last) = last {
            let value = checked(last, function.type_at(given - 1))?;
            self.arguments.push(value);
        }
        let arguments = Args::new(self.arguments.get(base..).unwrap_or_default());
        self.run.charge(arguments)?;
        let value = (function.body)(&mut self.run, arguments)?;
        self.arguments.truncate(base);
        Ok(value)
    }

    /// `and` and `or`, which evaluate no more arguments than they need.
    fn connective(
        &mut self,
        dot: &Value,
        operands: &[Operand],
        last: Option<Value>,
        stops_at: bool,
    ) -> Outcome<Value> {
        let mut value = Value::Invalid;
        for operand in operands {
            value = self.argument(dot, Type::Reflect, operand)?;
            if truth(&self.run, &value) == stops_at {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn argument(&mut self, dot: &Value, wanted: Type, operand: &Operand) -> Outcome<Value> {
        self.at = operand.at;
        let value = match &operand.node {
            Node::Dot => dot.clone(),
            Node::Nil => {
                return nil_of(wanted).ok_or_else(|| wrong("cannot assign nil", wanted, "nil"));
            }
            Node::Field(names) => self.fields(dot, dot.clone(), names, operand, &[], None)?,
            Node::Variable(id, names) => {
                let value = self.variable(*id)?;
                if names.is_empty() {
                    value
                } else {
                    self.fields(dot, value, names, operand, &[], None)?
                }
            }
            Node::Pipe(pipe) => self.pipe(dot, *pipe)?,
            Node::Function(function) => self.call(dot, function, None, operand, &[], None)?,
            Node::Chain(base, names) => {
                let receiver = self.chain_base(dot, base, operand)?;
                self.fields(dot, receiver, names, operand, &[], None)?
            }
            node => return literal_of(node, wanted),
        };
        self.at = operand.at;
        checked(value, wanted)
    }
}

/// The value of a literal where nothing asks for a type.
fn literal(node: &Node) -> Outcome<Value> {
    match node {
        Node::Bool(value) => Ok(Value::Bool(*value)),
        Node::String(text) => Ok(Value::Text(text.clone())),
        Node::Number(number) => ideal(number),
        _ => Err(Fault::new("can't evaluate this command")),
    }
}

/// Go's rules for a constant without a type.
fn ideal(number: &Number) -> Outcome<Value> {
    match *number {
        Number {
            complex: Some((real, imaginary)),
            ..
        } => Ok(Value::Complex(real, imaginary)),
        Number {
            float: Some(float),
            written_as_float: true,
            ..
        } => Ok(Value::Float(float)),
        Number { int: Some(int), .. } => Ok(Value::Int(int)),
        Number { uint: Some(_), .. } => Err(Fault::new("number overflows int")),
        _ => Ok(Value::Invalid),
    }
}

/// The value of a literal for a parameter of type `wanted`.
fn literal_of(node: &Node, wanted: Type) -> Outcome<Value> {
    let value = match (wanted, node) {
        (Type::Any | Type::Reflect, _) => return literal(node),
        (Type::Bool, Node::Bool(value)) => Some(Value::Bool(*value)),
        (Type::Text, Node::String(text)) => Some(Value::Text(text.clone())),
        (Type::Int, Node::Number(number)) => number.int.map(Value::Int),
        (Type::Duration, Node::Number(number)) => number.int.map(Value::Duration),
        // Stored in 32 bits, as reflection does.
        (Type::Uint32, Node::Number(number)) => {
            number.uint.map(|n| Value::Uint64(n & u64::from(u32::MAX)))
        }
        (Type::Float, Node::Number(number)) => number.float.map(Value::Float),
        _ => None,
    };
    value.ok_or_else(|| wrong("wrong literal for the argument", wanted, "a literal"))
}

fn nil_of(wanted: Type) -> Option<Value> {
    match wanted {
        Type::Any => Some(Value::Nil),
        Type::Reflect => Some(Value::Invalid),
        Type::Dict => Some(Value::Dict(None)),
        Type::List => Some(Value::List(List::nil(Element::Any))),
        // A nil pointer, which every method would dereference.
        Type::Version | Type::Location => Some(Value::Nil),
        _ => None,
    }
}

/// Checks that a value can be assigned to a parameter of type `wanted`.
fn checked(value: Value, wanted: Type) -> Outcome<Value> {
    let fits = match (wanted, &value) {
        (Type::Reflect, _) => true,
        (Type::Any, _) => return Ok(value.boxed()),
        (_, Value::Invalid) => {
            return nil_of(wanted).ok_or_else(|| wrong("invalid value", wanted, "no value"));
        }
        (Type::Text, Value::Text(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Float, Value::Float(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Dict, Value::Dict(_))
        | (Type::Time, Value::Time(_))
        | (Type::Location, Value::Location(_))
        | (Type::Version, Value::Version { pointer: true, .. })
        | (Type::Certificate, Value::Certificate(_)) => true,
        (Type::List, Value::List(list)) => list.element == Element::Any,
        _ => false,
    };
    if fits {
        Ok(value)
    } else {
        Err(wrong("wrong type for value", wanted, value.type_name()))
    }
}

fn wrong(reason: &'static str, wanted: Type, got: &str) -> Fault {
    Fault::with(
        reason,
        format!("{reason}: expected {}; got {got}", wanted.name()),
    )
}
