//! Parsing, with the errors and oddities of `text/template/parse`.

mod control;
mod number;
mod pipeline;

use std::collections::HashMap;

use crate::ast::{Ast, BodyId, Offset, PipeId, Statement, Tree, VariableId};
use crate::budget::{Budget, Limit};
use crate::error::{Fault, Outcome};
use crate::lex::{Kind, Lexer, Token};
use crate::strconv::unquote;
use crate::text::Text;
use crate::unicode::is_space;

/// Parses `source`; on failure also says where.
pub(crate) fn parse(
    name: &str,
    source: &[u8],
    budget: &mut Budget,
) -> Result<(Ast, Option<usize>), (Fault, Offset)> {
    let mut parser = Parser::new(source, budget);
    match parser.run(name) {
        Ok(main) => Ok((parser.ast, main)),
        Err(fault) => {
            let at = parser.failed_at();
            Err((fault, at))
        }
    }
}

struct Parser<'a> {
    source: &'a [u8],
    lexer: Lexer<'a>,
    budget: &'a mut Budget,
    ast: Ast,
    /// Look-ahead, a stack: `ahead[count - 1]` is next.
    ahead: [Token; 3],
    count: usize,
    /// Variables in scope of the template being parsed.
    scope: Vec<VariableId>,
    variable_ids: HashMap<Text, VariableId>,
    ranges: u32,
    nesting: u32,
}

/// How a list of statements ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    End,
    Else,
}

/// A statement, or the end of the list it would stand in.
enum Parsed {
    Statement(Statement),
    Closing(Closing),
}

impl<'a> Parser<'a> {
    fn new(source: &'a [u8], budget: &'a mut Budget) -> Self {
        let none = Token {
            kind: Kind::Eof,
            start: 0,
            end: 0,
        };
        Parser {
            source,
            lexer: Lexer::new(source),
            budget,
            ast: Ast::default(),
            ahead: [none; 3],
            count: 0,
            scope: Vec::new(),
            variable_ids: HashMap::new(),
            ranges: 0,
            nesting: 0,
        }
    }

    /// Gives the index of the main template's tree.
    fn run(&mut self, name: &str) -> Outcome<Option<usize>> {
        if self.source.len() > self.budget.limits().source {
            return Err(Fault::over(Limit::Source));
        }
        let dollar = self.variable(Text::from("$"))?;
        self.scope = vec![dollar];
        let mut body = Vec::new();
        while self.peek()?.kind != Kind::Eof {
            if self.peek()?.kind == Kind::LeftDelim {
                let delim = self.next()?;
                if self.next_non_space()?.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.backup2(delim);
            }
            match self.text_or_action()? {
                Parsed::Statement(statement) => body.push(statement),
                Parsed::Closing(Closing::End) => return Err(Fault::new("unexpected {{end}}")),
                Parsed::Closing(Closing::Else) => return Err(Fault::new("unexpected {{else}}")),
            }
        }
        let name = Text::from(name);
        let body = self.body(body);
        self.add(name.clone(), body)?;
        Ok(self.ast.tree_ids.get(&name).copied())
    }

    /// Adds a template; a second one of the same name must be blank, or
    /// replace a blank one.
    fn add(&mut self, name: Text, body: BodyId) -> Outcome<()> {
        let Some(&known) = self.ast.tree_ids.get(&name) else {
            self.budget.allocate(size_of::<Tree>() + 64)?;
            self.ast.tree_ids.insert(name, self.ast.trees.len());
            self.ast.trees.push(Tree { body });
            return Ok(());
        };
        let old = self.ast.trees.get(known).map(|tree| tree.body);
        if old.is_none_or(|old| self.is_blank(old)) {
            if let Some(tree) = self.ast.trees.get_mut(known) {
                tree.body = body;
            }
            return Ok(());
        }
        if self.is_blank(body) {
            return Ok(());
        }
        Err(Fault::new("multiple definition of a template"))
    }

    fn is_blank(&self, body: BodyId) -> bool {
        self.ast
            .bodies
            .get(body.0 as usize)
            .is_none_or(|statements| {
                statements.iter().all(|statement| match statement {
                    Statement::Text(text) => {
                        crate::text::runes(text.as_bytes()).all(|(_, rune, _)| is_space(rune))
                    }
                    _ => false,
                })
            })
    }

    /// A whole `{{define}}`, whose keyword is past.
    fn definition(&mut self) -> Outcome<()> {
        let token = self.next_non_space()?;
        let name = self.string_value(token, "unexpected token in define clause")?;
        self.expect_right_delim("unexpected token in define clause")?;
        let body = self.own_template("unexpected {{else}} in define clause")?;
        self.add(name, body)
    }

    /// The body of a template with variables of its own, up to its `{{end}}`.
    fn own_template(&mut self, misplaced: &'static str) -> Outcome<BodyId> {
        let dollar = self.variable(Text::from("$"))?;
        let outer = std::mem::replace(&mut self.scope, vec![dollar]);
        let outer_ranges = std::mem::take(&mut self.ranges);
        let (body, closing) = self.statements()?;
        if closing != Closing::End {
            return Err(Fault::new(misplaced));
        }
        self.scope = outer;
        self.ranges = outer_ranges;
        Ok(body)
    }

    /// The statements up to `{{end}}` or `{{else}}`.
    fn statements(&mut self) -> Outcome<(BodyId, Closing)> {
        let mut body = Vec::new();
        while self.peek_non_space()?.kind != Kind::Eof {
            match self.text_or_action()? {
                Parsed::Statement(statement) => body.push(statement),
                Parsed::Closing(closing) => return Ok((self.body(body), closing)),
            }
        }
        Err(Fault::new("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Outcome<Parsed> {
        let token = self.next_non_space()?;
        match token.kind {
            Kind::Text => {
                let bytes = self.bytes(token);
                self.budget
                    .allocate(bytes.len() + size_of::<Statement>() * 2 + 48)?;
                Ok(Parsed::Statement(Statement::Text(Text::from(bytes))))
            }
            Kind::LeftDelim => self.action(),
            _ => Err(unexpected(token, "unexpected token in input")),
        }
    }

    fn body(&mut self, statements: Vec<Statement>) -> BodyId {
        self.ast.bodies.push(statements);
        BodyId(index(self.ast.bodies.len() - 1))
    }

    fn pipe(&mut self, pipe: crate::ast::Pipe) -> PipeId {
        self.ast.pipes.push(pipe);
        PipeId(index(self.ast.pipes.len() - 1))
    }

    fn variable(&mut self, name: Text) -> Outcome<VariableId> {
        if let Some(&id) = self.variable_ids.get(name.as_bytes()) {
            return Ok(id);
        }
        self.budget.allocate(name.len() + 64)?;
        let id = VariableId(index(self.ast.variables.len()));
        self.ast.variables.push(name.clone());
        self.variable_ids.insert(name, id);
        Ok(id)
    }

    /// Runs `work` one level of nesting deeper.
    fn nested<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.nesting >= self.budget.limits().nesting {
            return Err(Fault::over(Limit::Nesting));
        }
        self.nesting += 1;
        let result = crate::budget::on_enough_stack(|| work(self));
        self.nesting -= 1;
        result
    }

    /// The value of a string token.
    fn string_value(&mut self, token: Token, otherwise: &'static str) -> Outcome<Text> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(unexpected(token, otherwise));
        }
        let literal = self.bytes(token);
        self.budget.allocate(literal.len())?;
        unquote(literal)
            .map(Text::new)
            .ok_or_else(|| Fault::new("invalid string literal"))
    }

    fn expect_right_delim(&mut self, otherwise: &'static str) -> Outcome<Token> {
        let token = self.next_non_space()?;
        if token.kind != Kind::RightDelim {
            return Err(unexpected(token, otherwise));
        }
        Ok(token)
    }

    fn bytes(&self, token: Token) -> &'a [u8] {
        self.source.get(token.start..token.end).unwrap_or_default()
    }

    fn next(&mut self) -> Outcome<Token> {
        if self.count > 0 {
            self.count -= 1;
        } else {
            self.budget.step(1)?;
            self.ahead = [self.lexer.next_token(), self.ahead[1], self.ahead[2]];
        }
        Ok(self.ahead.get(self.count).copied().unwrap_or(self.ahead[0]))
    }

    fn peek(&mut self) -> Outcome<Token> {
        let token = self.next()?;
        self.count += 1;
        Ok(token)
    }

    fn next_non_space(&mut self) -> Outcome<Token> {
        loop {
            let token = self.next()?;
            if token.kind != Kind::Space {
                return Ok(token);
            }
        }
    }

    fn peek_non_space(&mut self) -> Outcome<Token> {
        let token = self.next_non_space()?;
        self.count += 1;
        Ok(token)
    }

    fn backup(&mut self) {
        self.count += 1;
    }

    fn backup2(&mut self, first: Token) {
        self.ahead[1] = first;
        self.count = 2;
    }

    fn backup3(&mut self, first: Token, second: Token) {
        self.ahead[1] = second;
        self.ahead[2] = first;
        self.count = 3;
    }

    fn failed_at(&self) -> Offset {
        index(self.ahead[0].start.min(self.source.len()))
    }
}

/// Sources and tables are shorter than 4 GiB: the budget sees to it.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// The lexer's own error, or that this token does not belong here.
fn unexpected(token: Token, otherwise: &'static str) -> Fault {
    match token.kind {
        Kind::Error(reason) => Fault::new(reason),
        Kind::Eof => Fault::new("unexpected EOF"),
        _ => Fault::new(otherwise),
    }
}
