use zeroize::{Zeroize, Zeroizing};

use crate::budget::{Budget, Limit};
use crate::error::{Fault, Outcome};
use crate::text::{Text, push_rune};

/// Bytes being put together: every byte is charged for before it is written,
/// and what growing leaves behind is wiped.
pub(crate) struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    /// Set for the rendered text, which has a limit of its own.
    most: Option<usize>,
}

impl Buffer {
    /// A buffer that becomes a value.
    pub(crate) fn new() -> Self {
        Buffer {
            bytes: Zeroizing::default(),
            most: None,
        }
    }

    /// The buffer of the rendered text.
    pub(crate) fn for_output(most: usize) -> Self {
        Buffer {
            bytes: Zeroizing::default(),
            most: Some(most),
        }
    }

    pub(crate) fn push(&mut self, budget: &mut Budget, bytes: &[u8]) -> Outcome<()> {
        self.reserve(budget, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn push_rune(&mut self, budget: &mut Budget, rune: char) -> Outcome<()> {
        self.reserve(budget, 4)?;
        push_rune(&mut self.bytes, rune);
        Ok(())
    }

    pub(crate) fn pad(&mut self, budget: &mut Budget, byte: u8, count: usize) -> Outcome<()> {
        self.reserve(budget, count)?;
        let length = self.bytes.len() + count;
        self.bytes.resize(length, byte);
        Ok(())
    }

    fn reserve(&mut self, budget: &mut Budget, count: usize) -> Outcome<()> {
        match self.most {
            Some(most) if self.bytes.len() + count > most => {
                return Err(Fault::over(Limit::Output));
            }
            Some(_) => budget.step(count as u64 / 256)?,
            None => budget.allocate(count)?,
        }
        if self.bytes.capacity() - self.bytes.len() < count {
            self.grow(count);
        }
        Ok(())
    }

    fn grow(&mut self, count: usize) {
        let capacity = (self.bytes.len() + count)
            .max(self.bytes.capacity() * 3 / 2)
            .max(64);
        let mut larger = Vec::with_capacity(capacity);
        larger.extend_from_slice(&self.bytes);
        self.bytes.zeroize();
        self.bytes = Zeroizing::new(larger);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_text(mut self) -> Text {
        Text::new(std::mem::take(&mut self.bytes))
    }

    pub(crate) fn into_output(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }
}
