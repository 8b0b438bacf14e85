//! Pipelines, commands and operands.

use super::control::Context;
use super::{Parser, index, number, unexpected};
use crate::ast::{Base, Command, Node, Operand, Pipe, PipeId, VariableId};
use crate::error::{Fault, Outcome};
use crate::functions;
use crate::lex::{Kind, Token};
use crate::text::{Text, from};

impl Parser<'_> {
    /// A pipeline up to `end`, which is consumed.
    pub(super) fn pipeline(&mut self, context: Context, end: Kind) -> Outcome<PipeId> {
        let mut pipe = Pipe {
            at: index(self.peek_non_space()?.start),
            ..Pipe::default()
        };
        self.budget
            .allocate(size_of::<Pipe>() + size_of::<Command>() * 2)?;
        self.declarations(context, &mut pipe)?;
        loop {
            let token = self.next_non_space()?;
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    if pipe.commands.is_empty() {
                        pipe.commands.reserve_exact(1);
                    } else {
                        self.budget.allocate(size_of::<Command>() * 3)?;
                    }
                    pipe.commands.push(command);
                }
                _ => return Err(unexpected(token, "unexpected token in a pipeline")),
            }
        }
        check(&pipe)?;
        Ok(self.pipe(pipe))
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, context: Context, pipe: &mut Pipe) -> Outcome<()> {
        loop {
            let variable = self.peek_non_space()?;
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next()?;
            let adjacent = self.peek()?;
            let next = self.peek_non_space()?;
            if matches!(next.kind, Kind::Assign | Kind::Declare) {
                pipe.assigns = next.kind == Kind::Assign;
                self.next_non_space()?;
                self.declare(variable, pipe)?;
                return Ok(());
            }
            if next.kind == Kind::Char && self.bytes(next) == b"," {
                self.next_non_space()?;
                self.declare(variable, pipe)?;
                if context != Context::Range || pipe.declares.len() >= 2 {
                    return Err(Fault::new("too many declarations"));
                }
                let follows = self.peek_non_space()?.kind;
                if !matches!(
                    follows,
                    Kind::Variable | Kind::RightDelim | Kind::RightParen
                ) {
                    return Err(Fault::new("range can only initialize variables"));
                }
                continue;
            }
            if adjacent.kind == Kind::Space {
                self.backup3(variable, adjacent);
            } else {
                self.backup2(variable);
            }
            return Ok(());
        }
    }

    fn declare(&mut self, token: Token, pipe: &mut Pipe) -> Outcome<()> {
        let id = self.variable(Text::from(self.bytes(token)))?;
        self.budget.allocate(32)?;
        pipe.declares.push(id);
        self.scope.push(id);
        Ok(())
    }

    /// Operands up to a pipe, which is consumed, or a right delimiter or
    /// parenthesis, which is not.
    fn command(&mut self) -> Outcome<Command> {
        let mut operands = Vec::with_capacity(1);
        loop {
            self.peek_non_space()?;
            if let Some(operand) = self.operand()? {
                self.budget.allocate(size_of::<Operand>() * 2)?;
                operands.push(operand);
            }
            let token = self.next()?;
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return Err(unexpected(token, "unexpected token in operand")),
            }
            break;
        }
        if operands.is_empty() {
            return Err(Fault::new("empty command"));
        }
        Ok(Command { operands })
    }

    /// A term and the fields that follow it.
    fn operand(&mut self) -> Outcome<Option<Operand>> {
        let Some(Operand { at, node }) = self.term()? else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        while self.peek()?.kind == Kind::Field {
            let token = self.next()?;
            fields.push(self.field_name(token)?);
        }
        if fields.is_empty() {
            return Ok(Some(Operand { at, node }));
        }
        let node = match node {
            Node::Field(mut names) => {
                names.append(&mut fields);
                Node::Field(names)
            }
            Node::Variable(id, mut names) => {
                names.append(&mut fields);
                Node::Variable(id, names)
            }
            Node::Function(function) => Node::Chain(Base::Function(function), fields),
            Node::Pipe(pipe) => Node::Chain(Base::Pipe(pipe), fields),
            _ => return Err(Fault::new("unexpected . after a literal")),
        };
        Ok(Some(Operand { at, node }))
    }

    fn field_name(&mut self, token: Token) -> Outcome<Text> {
        let name = from(self.bytes(token), 1);
        self.budget.allocate(name.len() + size_of::<Text>() + 40)?;
        Ok(Text::from(name))
    }

    /// A literal, a name or a parenthesized pipeline; nothing if the next
    /// token is none of them.
    fn term(&mut self) -> Outcome<Option<Operand>> {
        let token = self.next_non_space()?;
        let bytes = self.bytes(token);
        let node = match token.kind {
            Kind::Identifier => {
                let name = std::str::from_utf8(bytes).unwrap_or_default();
                Node::Function(
                    functions::find(name).ok_or_else(|| Fault::about(name, "not defined"))?,
                )
            }
            Kind::Dot => Node::Dot,
            Kind::Nil => Node::Nil,
            Kind::Variable => Node::Variable(self.visible(bytes)?, Vec::new()),
            Kind::Field => Node::Field(vec![self.field_name(token)?]),
            Kind::Bool => Node::Bool(bytes == b"true"),
            Kind::CharConstant => Node::Number(number::char_constant(bytes).map_err(Fault::new)?),
            Kind::Complex => Node::Number(number::complex(bytes).map_err(Fault::new)?),
            Kind::Number => Node::Number(number::plain(bytes).map_err(Fault::new)?),
            Kind::LeftParen => Node::Pipe(
                self.nested(|parser| parser.pipeline(Context::Parentheses, Kind::RightParen))?,
            ),
            Kind::String | Kind::RawString => {
                Node::String(self.string_value(token, "invalid string literal")?)
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Operand {
            at: index(token.start),
            node,
        }))
    }

    fn visible(&mut self, name: &[u8]) -> Outcome<VariableId> {
        self.budget.step(self.scope.len() as u64 / 16)?;
        self.variable_ids
            .get(name)
            .copied()
            .filter(|id| self.scope.contains(id))
            .ok_or_else(|| Fault::new("undefined variable"))
    }
}

/// Only the first command may be a literal.
fn check(pipe: &Pipe) -> Outcome<()> {
    if pipe.commands.is_empty() {
        return Err(Fault::new("missing value"));
    }
    let literal = pipe.commands.iter().skip(1).any(|command| {
        matches!(
            command.operands.first().map(|operand| &operand.node),
            Some(Node::Bool(_) | Node::Dot | Node::Nil | Node::Number(_) | Node::String(_))
        )
    });
    if literal {
        return Err(Fault::new("non executable command in a pipeline"));
    }
    Ok(())
}
