//! Values with the types that Go's templates can see.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::functions::certificate::Certificate;
use crate::functions::semver::Version;
use crate::heap::{DictId, List};
use crate::text::Text;
use crate::time::{Location, Time};

/// Go's `map[string]string`; nothing in a template can change one.
pub(crate) type StringMap = BTreeMap<Text, Text>;

#[derive(Clone)]
pub(crate) enum Value {
    /// No value at all: what a missing key gives. Prints `<no value>`.
    Invalid,
    /// A nil of type `interface {}`: what a list or dict holds, or a function
    /// gives. A pipeline turns it into `Invalid`.
    Nil,
    Bool(bool),
    Int(i64),
    Int64(i64),
    Uint64(u64),
    Uint8(u8),
    Float(f64),
    Complex(f64, f64),
    Month(i64),
    Weekday(i64),
    /// Nanoseconds.
    Duration(i64),
    Text(Text),
    List(List),
    /// `map[string]interface {}`, nil or not.
    Dict(Option<DictId>),
    StringMap(Arc<StringMap>),
    Time(Rc<Time>),
    Location(Location),
    /// `*semver.Version`, or the plain struct its methods give.
    Version {
        version: Rc<Version>,
        pointer: bool,
    },
    Certificate(Rc<Certificate>),
}

impl Value {
    pub(crate) fn text(bytes: impl Into<Vec<u8>>) -> Self {
        Value::Text(Text::new(bytes.into()))
    }

    /// Go's `%T`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::Invalid | Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Int64(_) => "int64",
            Value::Uint64(_) => "uint64",
            Value::Uint8(_) => "uint8",
            Value::Float(_) => "float64",
            Value::Complex(..) => "complex128",
            Value::Month(_) => "time.Month",
            Value::Weekday(_) => "time.Weekday",
            Value::Duration(_) => "time.Duration",
            Value::Text(_) => "string",
            Value::List(list) => list.element.slice_type(),
            Value::Dict(_) => "map[string]interface {}",
            Value::StringMap(_) => "map[string]string",
            Value::Time(_) => "time.Time",
            Value::Location(_) => "*time.Location",
            Value::Version { pointer: true, .. } => "*semver.Version",
            Value::Version { pointer: false, .. } => "semver.Version",
            Value::Certificate(_) => "sprig.certificate",
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Value::Invalid | Value::Nil => Kind::Invalid,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) | Value::Month(_) | Value::Weekday(_) => Kind::Int,
            Value::Int64(_) | Value::Duration(_) => Kind::Int64,
            Value::Uint64(_) => Kind::Uint64,
            Value::Uint8(_) => Kind::Uint8,
            Value::Float(_) => Kind::Float64,
            Value::Complex(..) => Kind::Complex128,
            Value::Text(_) => Kind::String,
            Value::List(_) => Kind::Slice,
            Value::Dict(_) | Value::StringMap(_) => Kind::Map,
            Value::Version { pointer: true, .. } | Value::Location(_) => Kind::Ptr,
            Value::Time(_) | Value::Version { .. } | Value::Certificate(_) => Kind::Struct,
        }
    }

    /// The number in any of the signed integer kinds.
    pub(crate) fn signed(&self) -> Option<i64> {
        match *self {
            Value::Int(n)
            | Value::Int64(n)
            | Value::Month(n)
            | Value::Weekday(n)
            | Value::Duration(n) => Some(n),
            _ => None,
        }
    }

    /// The number in any of the unsigned integer kinds.
    pub(crate) fn unsigned(&self) -> Option<u64> {
        match *self {
            Value::Uint64(n) => Some(n),
            Value::Uint8(n) => Some(u64::from(n)),
            _ => None,
        }
    }

    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Value::Invalid | Value::Nil)
    }

    /// What an `interface {}` makes of it.
    pub(crate) fn boxed(self) -> Self {
        match self {
            Value::Invalid => Value::Nil,
            value => value,
        }
    }

    /// What is inside an `interface {}`.
    pub(crate) fn unboxed(self) -> Self {
        match self {
            Value::Nil => Value::Invalid,
            value => value,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(Text::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::text(text.into_bytes())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Value::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

/// Go's `reflect.Kind`, as far as values here have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Invalid,
    Bool,
    Int,
    Int64,
    Uint64,
    Uint8,
    Float64,
    Complex128,
    String,
    Slice,
    Map,
    Ptr,
    Struct,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Int64 => "int64",
            Kind::Uint64 => "uint64",
            Kind::Uint8 => "uint8",
            Kind::Float64 => "float64",
            Kind::Complex128 => "complex128",
            Kind::String => "string",
            Kind::Slice => "slice",
            Kind::Map => "map",
            Kind::Ptr => "ptr",
            Kind::Struct => "struct",
        }
    }
}
