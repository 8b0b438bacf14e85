use std::ops::Deref;

use zeroize::Zeroize;

/// Text that is wiped when it is dropped, all at once: `Zeroizing<String>` goes byte by byte, which
/// takes milliseconds for a manifest of some megabytes.
pub(crate) struct Wiped(String);

impl Wiped {
    /// An empty one with so much room that it will not have to move.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Adds to its end, which must have room for it.
    pub(crate) fn push_str(&mut self, text: &str) {
        debug_assert!(self.0.capacity() - self.0.len() >= text.len());
        self.0.push_str(text);
    }
}

impl From<String> for Wiped {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Deref for Wiped {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.as_mut_str().zeroize();
        // What lies between length and capacity.
        self.0.clear();
        self.0.zeroize();
    }
}
