use std::fmt;

use zeroize::Zeroizing;

use crate::budget::Limit;

/// Why a template could not be parsed or rendered.
///
/// `Display` and `Debug` name the item, the line and column (both counted
/// from one, the column in bytes), the function and a fixed reason. They never
/// quote a value, because values are secrets. [`Error::detail`] holds the full
/// message for those who own the values.
#[derive(thiserror::Error)]
#[error("{}", Shown(self))]
pub struct Error {
    kind: ErrorKind,
    phase: Phase,
    item: String,
    line: u32,
    column: u32,
    function: Option<String>,
    reason: &'static str,
    detail: Zeroizing<String>,
}

/// Whose fault an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not a template: its author must change it.
    Parse,
    /// The template failed on these values.
    Execute,
    /// The template asked for more than the budget grants.
    Limit(Limit),
}

/// When an [`Error`] arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// While the text was read.
    Parse,
    /// While it was evaluated.
    Execute,
}

impl Error {
    /// When this arose.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whose fault this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The name the template was parsed under.
    pub fn item(&self) -> &str {
        &self.item
    }

    /// Line of the failing node, counted from one.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Byte column of the failing node, counted from one.
    pub fn column(&self) -> u32 {
        self.column
    }

    /// The function that failed, or that is not defined.
    pub fn function(&self) -> Option<&str> {
        self.function.as_deref()
    }

    /// The full message, which may quote values: for the owner's terminal
    /// only, never for logs, events or status. Wiped when the error is dropped.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn locate(fault: Fault, phase: Phase, spot: &Spot<'_>) -> Self {
        let kind = match phase {
            Phase::Parse => ErrorKind::Parse,
            Phase::Execute => ErrorKind::Execute,
        };
        let (line, column) = line_and_column(spot.source, spot.offset);
        let Fault(inner) = fault;
        let inner = *inner;
        Error {
            kind: inner.limit.map_or(kind, ErrorKind::Limit),
            phase,
            item: spot.item.to_owned(),
            line,
            column,
            function: inner
                .function
                .or_else(|| spot.function.map(ToOwned::to_owned)),
            reason: inner.reason,
            detail: inner.detail,
        }
    }
}

/// Where a fault happened.
pub(crate) struct Spot<'a> {
    pub(crate) item: &'a str,
    pub(crate) source: &'a [u8],
    pub(crate) offset: u32,
    pub(crate) function: Option<&'a str>,
}

struct Shown<'a>(&'a Error);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(error) = self;
        write!(
            f,
            "template {}:{}:{}: ",
            error.item, error.line, error.column
        )?;
        if let Some(function) = &error.function {
            write!(f, "function {function}: ")?;
        }
        match error.kind {
            ErrorKind::Limit(limit) => write!(f, "over budget: {limit}"),
            ErrorKind::Parse | ErrorKind::Execute => f.write_str(error.reason),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind, Shown(self))
    }
}

fn line_and_column(source: &[u8], offset: u32) -> (u32, u32) {
    let before = source.get(..offset as usize).unwrap_or(source);
    let newlines = before.iter().filter(|&&byte| byte == b'\n').count();
    let column = before
        .iter()
        .rev()
        .take_while(|&&byte| byte != b'\n')
        .count();
    let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
    (from_one(newlines), from_one(column))
}

/// A failure on its way up, not yet located.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Default)]
struct Inner {
    limit: Option<Limit>,
    function: Option<String>,
    reason: &'static str,
    detail: Zeroizing<String>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl Fault {
    /// A failure whose message holds no value.
    pub(crate) fn new(reason: &'static str) -> Self {
        Fault::with(reason, reason.to_owned())
    }

    /// A failure whose full message may quote values.
    pub(crate) fn with(reason: &'static str, detail: String) -> Self {
        Fault(Box::new(Inner {
            reason,
            detail: Zeroizing::new(detail),
            ..Inner::default()
        }))
    }

    /// A failure about a function named in the template.
    pub(crate) fn about(function: &str, reason: &'static str) -> Self {
        Fault(Box::new(Inner {
            function: Some(function.to_owned()),
            reason,
            detail: Zeroizing::new(format!("function {function:?}: {reason}")),
            ..Inner::default()
        }))
    }

    pub(crate) fn over(limit: Limit) -> Self {
        Fault(Box::new(Inner {
            limit: Some(limit),
            reason: "over budget",
            detail: Zeroizing::new(format!("over budget: {limit}")),
            ..Inner::default()
        }))
    }

    /// Whether the budget ended this, which no function may swallow.
    pub(crate) fn is_limit(&self) -> bool {
        self.0.limit.is_some()
    }
}

/// What every stage returns.
pub(crate) type Outcome<T> = Result<T, Fault>;
