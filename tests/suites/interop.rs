//! Between the two programs of each side.
