//! Several errors at once: a run tells all that is wrong, not the first of it.

use std::fmt;

use super::Error;

/// Everything that is wrong, in the order of the input. Empty only while it is collected.
#[derive(Debug, Default)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// Adds one.
    pub fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, or nothing where it is wrong, which is added.
    pub fn ok<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Keeps the value, or adds what is wrong with it.
    pub fn take<T>(&mut self, result: Result<T, Errors>, values: &mut Vec<T>) {
        match result {
            Ok(value) => values.push(value),
            Err(errors) => self.0.extend(errors.0),
        }
    }

    /// The values, when nothing was wrong.
    ///
    /// # Errors
    /// Itself, unless it is empty.
    pub fn or<T>(self, values: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(values)
        } else {
            Err(self)
        }
    }
}

impl<E: Into<Error>> From<E> for Errors {
    fn from(error: E) -> Self {
        Self(vec![error.into()])
    }
}

impl FromIterator<Error> for Errors {
    fn from_iter<I: IntoIterator<Item = Error>>(errors: I) -> Self {
        Self(errors.into_iter().collect())
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| writeln!(f, "{error}"))
    }
}
