//! The parsed template. Nodes live in flat tables and refer to each other by
//! index, so that a deep template is dropped without recursion.

use std::collections::HashMap;

use crate::functions::Function;
use crate::text::Text;

/// All templates of one text: the main one and those it defines.
#[derive(Debug, Default)]
pub(crate) struct Ast {
    pub(crate) bodies: Vec<Vec<Statement>>,
    pub(crate) pipes: Vec<Pipe>,
    pub(crate) trees: Vec<Tree>,
    pub(crate) tree_ids: HashMap<Text, usize>,
    /// Names of variables, `$` first.
    pub(crate) variables: Vec<Text>,
}

#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) body: BodyId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyId(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PipeId(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VariableId(pub(crate) u32);

/// A byte offset in the source.
pub(crate) type Offset = u32;

#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Text(Text),
    Action(PipeId),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        at: Offset,
        name: Text,
        pipe: Option<PipeId>,
    },
    Break,
    Continue,
}

#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) at: Offset,
    pub(crate) pipe: PipeId,
    pub(crate) body: BodyId,
    pub(crate) otherwise: Option<BodyId>,
}

#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) at: Offset,
    pub(crate) assigns: bool,
    pub(crate) declares: Vec<VariableId>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) operands: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) at: Offset,
    pub(crate) node: Node,
}

#[derive(Debug)]
pub(crate) enum Node {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    String(Text),
    Field(Vec<Text>),
    Variable(VariableId, Vec<Text>),
    Function(&'static Function),
    Pipe(PipeId),
    /// Fields of what a function or a parenthesized pipeline gives.
    Chain(Base, Vec<Text>),
}

#[derive(Debug)]
pub(crate) enum Base {
    Function(&'static Function),
    Pipe(PipeId),
}

/// A number literal as every type it fits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
    /// Written as a float (with a point or an exponent).
    pub(crate) written_as_float: bool,
}
