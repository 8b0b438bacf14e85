//! The functions of templates: Go's builtins and sprig's generic map.
//!
//! [`table`] names every one with its parameters; each other file holds one
//! group of them.

mod builtin;
mod case;
pub(crate) mod certificate;
mod compare;
mod conversion;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod equality;
mod escape;
mod json;
mod keys;
mod lists;
mod lookup;
mod math;
mod merge;
pub(crate) mod methods;
mod passwords;
mod paths;
mod random;
mod reflection;
mod regexes;
pub(crate) mod semver;
mod string_lists;
mod strings;
mod table;
mod urls;
mod wrap;

use std::collections::HashMap;
use std::rc::Rc;

use crate::budget::Budget;
use crate::error::{Fault, Outcome};
use crate::functions::certificate::Certificate;
use crate::heap::{DictId, Element, Heap, List};
use crate::regex::Regex;
use crate::text::Text;
use crate::time::Time;
use crate::value::Value;

pub(crate) use table::{find, names};

/// A function or method as templates call it.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// Types of the fixed parameters, a method's receiver not among them.
    pub(crate) parameters: &'static [Type],
    /// Type of the arguments after those, if there may be any.
    pub(crate) rest: Option<Type>,
    /// Whether it gives the same result every time.
    pub(crate) effect: Effect,
    pub(crate) special: Special,
    pub(crate) body: Body,
}

/// A function's work; a method's receiver is argument zero.
pub(crate) type Body = fn(&mut Run<'_>, Args<'_>) -> Outcome<Value>;

/// What a result depends on besides the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Pure,
    Random,
    /// Reads the clock, if only for arguments of some types.
    Time,
}

/// Functions that do not evaluate all their arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    None,
    And,
    Or,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// `interface {}`.
    Any,
    /// `reflect.Value`, which keeps "no value" apart from nil.
    Reflect,
    Text,
    Bool,
    Int,
    Uint32,
    Float,
    Duration,
    /// `map[string]interface {}`.
    Dict,
    /// `[]interface {}`.
    List,
    Time,
    Location,
    /// `*semver.Version`.
    Version,
    Certificate,
}

impl Type {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Type::Any => "interface {}",
            Type::Reflect => "reflect.Value",
            Type::Text => "string",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint32 => "uint32",
            Type::Float => "float64",
            Type::Duration => "time.Duration",
            Type::Dict => "map[string]interface {}",
            Type::List => "[]interface {}",
            Type::Time => "time.Time",
            Type::Location => "*time.Location",
            Type::Version => "*semver.Version",
            Type::Certificate => "sprig.certificate",
        }
    }
}

impl Function {
    pub(crate) fn type_at(&self, index: usize) -> Type {
        self.parameters
            .get(index)
            .copied()
            .or(self.rest)
            .unwrap_or(Type::Any)
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What one rendering works on.
pub(crate) struct Run<'b> {
    pub(crate) heap: Heap,
    pub(crate) budget: &'b mut Budget,
    /// Expressions met so far, compiled.
    pub(crate) regexes: HashMap<Text, Rc<Regex>>,
}

impl<'b> Run<'b> {
    pub(crate) fn new(budget: &'b mut Budget) -> Self {
        Run {
            heap: Heap::default(),
            budget,
            regexes: HashMap::new(),
        }
    }

    /// Charges a call for reading its arguments once.
    pub(crate) fn charge(&mut self, arguments: Args<'_>) -> Outcome<()> {
        let mut steps = 1;
        for value in arguments.0 {
            steps += match value {
                Value::Text(text) => text.len() as u64 / 32,
                Value::List(list) => list.len() as u64 / 8,
                Value::Dict(id) => self.heap.entries(*id).len() as u64 / 8,
                _ => 0,
            };
        }
        self.budget.step(steps)
    }

    /// A new string, charged for.
    pub(crate) fn text(&mut self, bytes: impl Into<Vec<u8>>) -> Outcome<Value> {
        let bytes = bytes.into();
        self.budget.allocate(bytes.len())?;
        Ok(Value::text(bytes))
    }

    pub(crate) fn list(&mut self, element: Element, items: Vec<Value>) -> Outcome<Value> {
        self.heap.list(self.budget, element, items).map(Value::List)
    }

    /// A list that Go would have appended to one by one.
    pub(crate) fn grown_list(&mut self, element: Element, items: Vec<Value>) -> Outcome<Value> {
        self.heap
            .grown_list(self.budget, element, items)
            .map(Value::List)
    }

    pub(crate) fn dict(&mut self, entries: crate::heap::Dict) -> Outcome<Value> {
        self.heap
            .dict(self.budget, entries)
            .map(|id| Value::Dict(Some(id)))
    }
}

/// The arguments of one call, their types checked against the table.
#[derive(Clone, Copy)]
pub(crate) struct Args<'a>(&'a [Value]);

impl<'a> Args<'a> {
    pub(crate) fn new(values: &'a [Value]) -> Self {
        Args(values)
    }

    pub(crate) fn all(self) -> &'a [Value] {
        self.0
    }

    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn from(self, index: usize) -> &'a [Value] {
        self.0.get(index..).unwrap_or_default()
    }

    pub(crate) fn value(self, index: usize) -> Outcome<&'a Value> {
        self.0.get(index).ok_or_else(unsuitable)
    }

    pub(crate) fn text(self, index: usize) -> Outcome<&'a Text> {
        match self.0.get(index) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(unsuitable()),
        }
    }

    pub(crate) fn bytes(self, index: usize) -> Outcome<&'a [u8]> {
        self.text(index).map(Text::as_bytes)
    }

    pub(crate) fn int(self, index: usize) -> Outcome<i64> {
        self.value(index)?.signed().ok_or_else(unsuitable)
    }

    pub(crate) fn uint(self, index: usize) -> Outcome<u64> {
        self.value(index)?.unsigned().ok_or_else(unsuitable)
    }

    pub(crate) fn float(self, index: usize) -> Outcome<f64> {
        match self.0.get(index) {
            Some(Value::Float(float)) => Ok(*float),
            _ => Err(unsuitable()),
        }
    }

    pub(crate) fn flag(self, index: usize) -> Outcome<bool> {
        match self.0.get(index) {
            Some(Value::Bool(flag)) => Ok(*flag),
            _ => Err(unsuitable()),
        }
    }

    pub(crate) fn dict(self, index: usize) -> Outcome<Option<DictId>> {
        match self.0.get(index) {
            Some(Value::Dict(id)) => Ok(*id),
            _ => Err(unsuitable()),
        }
    }

    pub(crate) fn list(self, index: usize) -> Outcome<List> {
        match self.0.get(index) {
            Some(Value::List(list)) => Ok(*list),
            _ => Err(unsuitable()),
        }
    }

    pub(crate) fn time(self, index: usize) -> Outcome<&'a Time> {
        match self.0.get(index) {
            Some(Value::Time(time)) => Ok(time),
            _ => Err(unsuitable()),
        }
    }

    pub(crate) fn version(self, index: usize) -> Outcome<&'a semver::Version> {
        match self.0.get(index) {
            Some(Value::Version { version, .. }) => Ok(version),
            _ => Err(Fault::new("nil pointer dereference")),
        }
    }

    pub(crate) fn certificate(self, index: usize) -> Outcome<&'a Rc<Certificate>> {
        match self.0.get(index) {
            Some(Value::Certificate(certificate)) => Ok(certificate),
            _ => Err(unsuitable()),
        }
    }
}

/// An argument the table should have refused.
fn unsuitable() -> Fault {
    Fault::new("argument of an unexpected type")
}
