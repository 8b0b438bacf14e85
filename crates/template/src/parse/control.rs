//! Actions: control structures, definitions and calls of templates.

use super::{Closing, Parsed, Parser, index, unexpected};
use crate::ast::{BodyId, Branch, Statement};
use crate::error::{Fault, Outcome};
use crate::lex::Kind;

/// What a pipeline stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    Command,
    If,
    With,
    Range,
    Template,
    Parentheses,
}

impl Parser<'_> {
    /// An action, whose left delimiter is past.
    pub(super) fn action(&mut self) -> Outcome<Parsed> {
        let token = self.next_non_space()?;
        let statement = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump(Statement::Break)?,
            Kind::Continue => self.jump(Statement::Continue)?,
            Kind::Else => return self.otherwise(),
            Kind::End => {
                self.expect_right_delim("unexpected token in end")?;
                return Ok(Parsed::Closing(Closing::End));
            }
            Kind::If => Statement::If(self.branch(Context::If)?),
            Kind::With => Statement::With(self.branch(Context::With)?),
            Kind::Range => Statement::Range(self.branch(Context::Range)?),
            Kind::Template => self.call()?,
            _ => {
                self.backup();
                Statement::Action(self.pipeline(Context::Command, Kind::RightDelim)?)
            }
        };
        self.budget.allocate(size_of::<Statement>() * 2)?;
        Ok(Parsed::Statement(statement))
    }

    fn jump(&mut self, statement: Statement) -> Outcome<Statement> {
        self.expect_right_delim("unexpected token in {{break}} or {{continue}}")?;
        if self.ranges == 0 {
            return Err(Fault::new("{{break}} or {{continue}} outside {{range}}"));
        }
        Ok(statement)
    }

    fn otherwise(&mut self) -> Outcome<Parsed> {
        // An if or with that follows belongs to the branch that asked.
        if !matches!(self.peek_non_space()?.kind, Kind::If | Kind::With) {
            self.expect_right_delim("unexpected token in else")?;
        }
        Ok(Parsed::Closing(Closing::Else))
    }

    fn branch(&mut self, context: Context) -> Outcome<Branch> {
        self.nested(|parser| {
            let visible = parser.scope.len();
            let branch = parser.branch_in_scope(context);
            parser.scope.truncate(visible);
            branch
        })
    }

    fn branch_in_scope(&mut self, context: Context) -> Outcome<Branch> {
        let at = index(self.peek_non_space()?.start);
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let in_range = u32::from(context == Context::Range);
        self.ranges += in_range;
        let (body, closing) = self.statements()?;
        self.ranges -= in_range;
        let otherwise = match closing {
            Closing::End => None,
            Closing::Else => Some(self.else_body(context)?),
        };
        Ok(Branch {
            at,
            pipe,
            body,
            otherwise,
        })
    }

    /// `{{else if}}` and `{{else with}}` nest in the else body and share the
    /// `{{end}}`.
    fn else_body(&mut self, context: Context) -> Outcome<BodyId> {
        let next = self.peek()?.kind;
        let chained = match (context, next) {
            (Context::If, Kind::If) => {
                self.next()?;
                Statement::If(self.branch(Context::If)?)
            }
            (Context::With, Kind::With) => {
                self.next()?;
                Statement::With(self.branch(Context::With)?)
            }
            _ => {
                let (body, closing) = self.statements()?;
                if closing != Closing::End {
                    return Err(Fault::new("expected end; found {{else}}"));
                }
                return Ok(body);
            }
        };
        self.budget.allocate(size_of::<Statement>())?;
        Ok(self.body(vec![chained]))
    }

    fn block(&mut self) -> Outcome<Statement> {
        const MISPLACED: &str = "unexpected token in block clause";
        let token = self.next_non_space()?;
        let name = self.string_value(token, MISPLACED)?;
        let pipe = self.pipeline(Context::Template, Kind::RightDelim)?;
        let body =
            self.nested(|parser| parser.own_template("unexpected {{else}} in block clause"))?;
        self.add(name.clone(), body)?;
        Ok(Statement::Template {
            at: index(token.start),
            name,
            pipe: Some(pipe),
        })
    }

    fn call(&mut self) -> Outcome<Statement> {
        const MISPLACED: &str = "unexpected token in template clause";
        let token = self.next_non_space()?;
        let name = self.string_value(token, MISPLACED)?;
        let after = self.next_non_space()?;
        let pipe = match after.kind {
            Kind::RightDelim => None,
            Kind::Error(_) => return Err(unexpected(after, MISPLACED)),
            _ => {
                self.backup();
                Some(self.pipeline(Context::Template, Kind::RightDelim)?)
            }
        };
        Ok(Statement::Template {
            at: index(token.start),
            name,
            pipe,
        })
    }
}
