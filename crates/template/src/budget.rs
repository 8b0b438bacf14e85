use std::fmt;

use crate::error::{Fault, Outcome};

/// What a template may use in all, parsing and rendering together.
///
/// The defaults are far above what honest templates need: they end hostile
/// ones within 100 ms of CPU and 64 MiB, key work aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of template text.
    pub source: usize,
    /// Steps of lexing, parsing and evaluating: one for each token, node and
    /// call, one for every 32 bytes or 8 elements a function reads.
    pub steps: u64,
    /// Bytes ever allocated for values, whether still in use or not.
    pub bytes: u64,
    /// Bytes of the rendered text.
    pub output: usize,
    /// Nested `{{template}}` calls.
    pub calls: u32,
    /// Nested parentheses and control structures in the text, and nested
    /// lists and dicts in a value.
    pub nesting: u32,
    /// Key work in milliseconds: each call that derives or makes keys costs
    /// what it takes on average.
    pub key_work: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            source: 1 << 20,
            steps: 500_000,
            bytes: 16 << 20,
            output: 4 << 20,
            calls: 200,
            nesting: 1_000,
            key_work: 5_000,
        }
    }
}

/// Which of the [`Limits`] was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The template's text is too long.
    Source,
    /// Too many steps.
    Steps,
    /// Too many bytes allocated.
    Bytes,
    /// The rendered text is too long.
    Output,
    /// Templates call templates too deeply.
    Calls,
    /// Parentheses, control structures or values nest too deeply.
    Nesting,
    /// Too much key derivation or generation.
    KeyWork,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Source => "the template's text is too long",
            Limit::Steps => "too many steps",
            Limit::Bytes => "too many bytes allocated",
            Limit::Output => "the rendered text is too long",
            Limit::Calls => "templates call templates too deeply",
            Limit::Nesting => "too deeply nested",
            Limit::KeyWork => "too much key derivation or generation",
        })
    }
}

/// The one account that lexing, parsing and evaluating draw from.
///
/// One budget may serve several templates, which then share it.
#[derive(Debug, Clone)]
pub struct Budget {
    limits: Limits,
    steps: u64,
    bytes: u64,
    key_work: u64,
    depth: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget::new(Limits::default())
    }
}

impl Budget {
    /// A budget with nothing spent.
    pub fn new(limits: Limits) -> Self {
        Budget {
            limits,
            steps: 0,
            bytes: 0,
            key_work: 0,
            depth: 0,
        }
    }

    /// The limits this budget was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Steps spent so far.
    pub fn steps_spent(&self) -> u64 {
        self.steps
    }

    /// Bytes allocated so far.
    pub fn bytes_spent(&self) -> u64 {
        self.bytes
    }

    #[inline]
    pub(crate) fn step(&mut self, count: u64) -> Outcome<()> {
        draw(&mut self.steps, count, self.limits.steps, Limit::Steps)
    }

    /// Charges for allocating; to be called before the allocation.
    #[inline]
    pub(crate) fn allocate(&mut self, bytes: usize) -> Outcome<()> {
        draw(
            &mut self.bytes,
            bytes as u64,
            self.limits.bytes,
            Limit::Bytes,
        )
    }

    /// Charges for reading `bytes` of input.
    #[inline]
    pub(crate) fn read(&mut self, bytes: usize) -> Outcome<()> {
        self.step(bytes as u64 / 32)
    }

    pub(crate) fn work_on_keys(&mut self, milliseconds: u64) -> Outcome<()> {
        draw(
            &mut self.key_work,
            milliseconds,
            self.limits.key_work,
            Limit::KeyWork,
        )
    }

    /// Runs `work` one level deeper, on a larger native stack if this one is
    /// nearly used up.
    pub(crate) fn deeper<T, C>(
        context: &mut C,
        budget: impl Fn(&mut C) -> &mut Budget,
        work: impl FnOnce(&mut C) -> Outcome<T>,
    ) -> Outcome<T> {
        let own = budget(context);
        // Twice: a body nested as deeply as allowed may call another.
        if own.depth >= own.limits.nesting.saturating_mul(2) {
            return Err(Fault::over(Limit::Nesting));
        }
        own.depth += 1;
        let result = on_enough_stack(|| work(context));
        budget(context).depth -= 1;
        result
    }
}

/// Once something was refused, nothing is left.
#[inline]
fn draw(spent: &mut u64, count: u64, most: u64, limit: Limit) -> Outcome<()> {
    let wanted = spent.saturating_add(count);
    *spent = wanted.min(most);
    if wanted > most {
        return Err(Fault::over(limit));
    }
    Ok(())
}

/// More than any function needs below the recursion.
const RED_ZONE: usize = 256 << 10;
const SEGMENT: usize = 1 << 20;

/// Runs `work` on this stack, or on a new segment if little of it is left.
pub(crate) fn on_enough_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, SEGMENT, work)
}
