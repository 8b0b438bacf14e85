//! Evaluating: statements here, pipelines and calls in [`call`], fields and
//! methods in [`field`].

mod call;
mod field;

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::ast::{Ast, BodyId, Branch, Offset, PipeId, Statement, VariableId};
use crate::budget::{Budget, Limit};
use crate::buffer::Buffer;
use crate::error::{Fault, Outcome};
use crate::fmt;
use crate::functions::Run;
use crate::heap::ENTRY;
use crate::text::Text;
use crate::value::{StringMap, Value};

/// Renders the tree `main`; on failure also says where and in which function.
pub(crate) fn render(
    ast: &Ast,
    main: usize,
    root: &Arc<StringMap>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let dot = Value::StringMap(Arc::clone(root));
    let out = Buffer::for_output(budget.limits().output);
    let mut evaluation = Evaluation {
        ast,
        run: Run::new(budget),
        out,
        variables: vec![(DOLLAR, dot.clone())],
        arguments: Vec::with_capacity(16),
        at: 0,
        function: None,
        calls: 0,
    };
    let body = ast.trees.get(main).map(|tree| tree.body);
    let result = body.map_or(Ok(Flow::Next), |body| evaluation.body(&dot, body));
    match result {
        Ok(_) => Ok(evaluation.out.into_output()),
        Err(fault) => Err(Failure {
            fault,
            at: evaluation.at,
            function: evaluation.function,
        }),
    }
}

pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) at: Offset,
    pub(crate) function: Option<&'static str>,
}

/// `$`, the first variable of every text.
const DOLLAR: VariableId = VariableId(0);

struct Evaluation<'a, 'b> {
    ast: &'a Ast,
    run: Run<'b>,
    out: Buffer,
    variables: Vec<(VariableId, Value)>,
    /// Arguments of the calls being evaluated, innermost last.
    arguments: Vec<Value>,
    at: Offset,
    function: Option<&'static str>,
    calls: u32,
}

/// How a list of statements was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Evaluation<'a, '_> {
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        Budget::deeper(self, |evaluation| evaluation.run.budget, work)
    }

    fn body(&mut self, dot: &Value, body: BodyId) -> Outcome<Flow> {
        self.deeper(|evaluation| evaluation.statements(dot, body))
    }

    fn statements(&mut self, dot: &Value, body: BodyId) -> Outcome<Flow> {
        let ast = self.ast;
        let statements = ast
            .bodies
            .get(body.0 as usize)
            .map_or(&[][..], Vec::as_slice);
        for statement in statements {
            self.run.budget.step(1)?;
            let flow = match statement {
                Statement::Text(text) => {
                    self.out.push(self.run.budget, text.as_bytes())?;
                    Flow::Next
                }
                Statement::Action(pipe) => self.action(dot, *pipe)?,
                Statement::If(branch) => self.conditional(dot, branch, false)?,
                Statement::With(branch) => self.conditional(dot, branch, true)?,
                Statement::Range(branch) => self.range(dot, branch)?,
                Statement::Template { at, name, pipe } => self.template(dot, *at, name, *pipe)?,
                Statement::Break => Flow::Break,
                Statement::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn action(&mut self, dot: &Value, pipe: PipeId) -> Outcome<Flow> {
        let value = self.pipe(dot, pipe)?;
        let declares = self
            .ast
            .pipes
            .get(pipe.0 as usize)
            .is_some_and(|pipe| !pipe.declares.is_empty());
        if !declares {
            self.function = None;
            fmt::write_action(&self.run.heap, self.run.budget, &mut self.out, &value)?;
        }
        Ok(Flow::Next)
    }

    fn conditional(&mut self, dot: &Value, branch: &Branch, with: bool) -> Outcome<Flow> {
        let mark = self.variables.len();
        let value = self.pipe(dot, branch.pipe)?;
        let flow = if truth(&self.run, &value) {
            let inner = if with { &value } else { dot };
            self.body(inner, branch.body)?
        } else if let Some(otherwise) = branch.otherwise {
            self.body(dot, otherwise)?
        } else {
            Flow::Next
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, dot: &Value, branch: &Branch) -> Outcome<Flow> {
        let outer = self.variables.len();
        let value = self.pipe(dot, branch.pipe)?;
        self.at = branch.at;
        self.function = None;
        let ran = self.iterate(&value, branch)?;
        let flow = match branch.otherwise {
            Some(otherwise) if !ran => self.body(dot, otherwise)?,
            _ => Flow::Next,
        };
        self.variables.truncate(outer);
        Ok(flow)
    }

    /// Runs the body once per element; says whether there was any.
    fn iterate(&mut self, value: &Value, branch: &Branch) -> Outcome<bool> {
        match value {
            Value::List(list) => {
                for index in 0..list.len() {
                    let element = self.run.heap.item(list, index).unwrap_or(Value::Invalid);
                    let index = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
                    if self.iteration(index, &element, branch)? == Flow::Break {
                        break;
                    }
                }
                Ok(list.len() > 0)
            }
            Value::Dict(id) => {
                let entries = self.run.heap.entries(*id);
                self.run.budget.allocate(entries.len() * ENTRY)?;
                let entries: Vec<(Text, Value)> = entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                self.iterate_entries(entries.into_iter(), branch)
            }
            Value::StringMap(map) => self.iterate_entries(
                map.iter()
                    .map(|(key, value)| (key.clone(), Value::Text(value.clone()))),
                branch,
            ),
            Value::Invalid | Value::Nil => Ok(false),
            _ => self.iterate_integer(value, branch),
        }
    }

    fn iterate_entries(
        &mut self,
        entries: impl Iterator<Item = (Text, Value)>,
        branch: &Branch,
    ) -> Outcome<bool> {
        let mut ran = false;
        for (key, value) in entries {
            ran = true;
            if self.iteration(Value::Text(key), &value, branch)? == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    fn iterate_integer(&mut self, value: &Value, branch: &Branch) -> Outcome<bool> {
        let count = match (value.signed(), value.unsigned()) {
            (Some(count), _) => count.max(0).cast_unsigned(),
            (None, Some(count)) => count,
            (None, None) => {
                return Err(Fault::with(
                    "range can't iterate over a value of this type",
                    format!(
                        "range can't iterate over a value of type {}",
                        value.type_name()
                    ),
                ));
            }
        };
        if self.declared(branch.pipe).len() > 1 {
            return Err(Fault::new("can't iterate over more than one variable"));
        }
        for index in 0..count {
            let element = same_type(value, index.cast_signed());
            if self.iteration(Value::Invalid, &element, branch)? == Flow::Break {
                break;
            }
        }
        Ok(count > 0)
    }

    fn declared(&self, pipe: PipeId) -> &'a [VariableId] {
        self.ast
            .pipes
            .get(pipe.0 as usize)
            .map_or(&[], |pipe| &pipe.declares)
    }

    fn iteration(&mut self, index: Value, element: &Value, branch: &Branch) -> Outcome<Flow> {
        self.run.budget.step(1)?;
        let mark = self.variables.len();
        let assigns = self
            .ast
            .pipes
            .get(branch.pipe.0 as usize)
            .is_some_and(|pipe| pipe.assigns);
        match (self.declared(branch.pipe), assigns) {
            ([], _) => {}
            ([only], true) => self.assign(*only, element.clone())?,
            ([first, second, ..], true) => {
                self.assign(*first, index)?;
                self.assign(*second, element.clone())?;
            }
            (declared, false) => {
                // The range's own variables are on top of the stack.
                let mut top = self.variables.iter_mut().rev();
                if let Some((_, slot)) = top.next() {
                    *slot = element.clone();
                }
                if let (true, Some((_, slot))) = (declared.len() > 1, top.next()) {
                    *slot = index;
                }
            }
        }
        let flow = self.body(element, branch.body)?;
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn template(
        &mut self,
        dot: &Value,
        at: Offset,
        name: &Text,
        pipe: Option<PipeId>,
    ) -> Outcome<Flow> {
        self.at = at;
        self.function = None;
        let ast = self.ast;
        let tree = ast
            .tree_ids
            .get(name)
            .and_then(|&index| ast.trees.get(index))
            .ok_or_else(|| {
                Fault::with(
                    "template not defined",
                    format!("template {:?} not defined", name.lossy()),
                )
            })?;
        if self.calls >= self.run.budget.limits().calls {
            return Err(Fault::over(Limit::Calls));
        }
        let inner = match pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Invalid,
        };
        let caller = std::mem::replace(&mut self.variables, vec![(DOLLAR, inner.clone())]);
        self.calls += 1;
        self.body(&inner, tree.body)?;
        self.calls -= 1;
        self.variables = caller;
        Ok(Flow::Next)
    }

    /// Overwrites the innermost variable of that name.
    fn assign(&mut self, id: VariableId, value: Value) -> Outcome<()> {
        self.run.budget.step(self.variables.len() as u64 / 16)?;
        let slot = self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| *known == id);
        match slot {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => Err(Fault::new("undefined variable")),
        }
    }

    fn variable(&mut self, id: VariableId) -> Outcome<Value> {
        self.run.budget.step(self.variables.len() as u64 / 16)?;
        self.variables
            .iter()
            .rev()
            .find(|(known, _)| *known == id)
            .map(|(_, value)| value.clone())
            .ok_or_else(|| Fault::new("undefined variable"))
    }
}

fn same_type(like: &Value, number: i64) -> Value {
    match like {
        Value::Int64(_) => Value::Int64(number),
        Value::Uint64(_) => Value::Uint64(number.cast_unsigned()),
        Value::Uint8(_) => Value::Uint8(u8::try_from(number).unwrap_or(u8::MAX)),
        Value::Month(_) => Value::Month(number),
        Value::Weekday(_) => Value::Weekday(number),
        Value::Duration(_) => Value::Duration(number),
        _ => Value::Int(number),
    }
}

/// Go's `template.IsTrue`.
pub(crate) fn truth(run: &Run<'_>, value: &Value) -> bool {
    match value {
        Value::Invalid | Value::Nil => false,
        Value::Bool(value) => *value,
        Value::Text(text) => !text.is_empty(),
        Value::List(list) => list.len() > 0,
        Value::Dict(id) => !run.heap.entries(*id).is_empty(),
        Value::StringMap(map) => !map.is_empty(),
        Value::Float(value) => *value != 0.0,
        Value::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
        Value::Time(_) | Value::Location(_) | Value::Version { .. } | Value::Certificate(_) => true,
        _ => value.signed().unwrap_or_default() != 0 || value.unsigned().unwrap_or_default() != 0,
    }
}
