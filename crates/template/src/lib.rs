//! Go's `text/template` with sprig's functions, under a budget.
//!
//! [`Template::parse`] reads a template, [`Template::render`] renders it over
//! named values. Both give the same bytes as Go 1.26 with sprig v3.3.0, draw
//! from one [`Budget`] that no template can outspend, never panic, and report
//! errors that hold no value.
//!
//! The crate knows nothing of Kubernetes: no Secret, no item of one, no cluster. It reads no file, no
//! environment and no network; the clock and random bytes only where a template asks for them.
//!
//! One file per stage: `lex`, `parse`, `ast`, `eval`; one file per group of
//! functions under `functions`, all named in `functions/table.rs`. Lists and
//! dicts live in the `heap` of one rendering, so that values can share and
//! contain each other without leaks or deep recursion.

mod ast;
mod budget;
mod buffer;
mod error;
mod eval;
mod fmt;
mod functions;
mod heap;
mod lex;
mod parse;
mod regex;
mod strconv;
mod text;
mod time;
mod unicode;
mod value;

use std::sync::Arc;

use zeroize::Zeroizing;

pub use budget::{Budget, Limit, Limits};
pub use error::{Error, ErrorKind, Phase};

use ast::Ast;
use error::Spot;
use functions::Effect;
use text::Text;
use value::StringMap;

/// A parsed template and those it defines.
pub struct Template {
    item: String,
    source: Vec<u8>,
    ast: Ast,
    /// The tree to render; none if the text defines a blank main template.
    main: Option<usize>,
}

impl Template {
    /// Parses `source`. Errors name the template as `item`, which is also how
    /// it can call itself.
    ///
    /// Fails as Go's `Parse`: also on functions and variables that are not
    /// defined. See `text/template` for the syntax.
    pub fn parse(item: &str, source: &[u8], budget: &mut Budget) -> Result<Self, Error> {
        match parse::parse(item, source, budget) {
            Ok((ast, main)) => Ok(Template {
                item: item.to_owned(),
                source: source.to_vec(),
                ast,
                main,
            }),
            Err((fault, offset)) => Err(Error::locate(
                fault,
                Phase::Parse,
                &Spot {
                    item,
                    source,
                    offset,
                    function: None,
                },
            )),
        }
    }

    /// Renders over `data`, which the template sees as `.` and `$`.
    pub fn render(&self, data: &Data, budget: &mut Budget) -> Result<Zeroizing<Vec<u8>>, Error> {
        let Some(main) = self.main else {
            return Ok(Zeroizing::default());
        };
        eval::render(&self.ast, main, &data.0, budget).map_err(|failure| {
            Error::locate(
                failure.fault,
                Phase::Execute,
                &Spot {
                    item: &self.item,
                    source: &self.source,
                    offset: failure.at,
                    function: failure.function,
                },
            )
        })
    }

    /// Whether any function in the text draws random bytes or reads the
    /// clock, so that rendering again may give something else.
    pub fn uses_random_or_time(&self) -> bool {
        let operands = self
            .ast
            .pipes
            .iter()
            .flat_map(|pipe| &pipe.commands)
            .flat_map(|command| &command.operands);
        operands
            .filter_map(|operand| match &operand.node {
                ast::Node::Function(function)
                | ast::Node::Chain(ast::Base::Function(function), _) => Some(function.effect),
                _ => None,
            })
            .any(|effect| effect != Effect::Pure)
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

/// The values a template is rendered over: Go's `map[string]string`, with
/// strings of any bytes. Wiped when dropped; `Debug` shows names alone.
#[derive(Clone, Default)]
pub struct Data(Arc<StringMap>);

impl<K: AsRef<[u8]>, V: Into<Vec<u8>>> FromIterator<(K, V)> for Data {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Data(Arc::new(
            entries
                .into_iter()
                .map(|(key, value)| (Text::from(key.as_ref()), Text::new(value.into())))
                .collect(),
        ))
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.0.keys().map(Text::lossy))
            .finish()
    }
}

/// The names of all functions, and whether each draws random bytes or reads
/// the clock.
pub fn functions() -> impl Iterator<Item = (&'static str, bool)> {
    functions::names().map(|(name, effect)| (name, effect != Effect::Pure))
}
