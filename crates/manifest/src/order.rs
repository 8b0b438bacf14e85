//! The order in which `yaml.v2` writes keys.

use std::cmp::Ordering;

use crate::mapping::Entry;

/// Sorts by `yaml.v2`'s order, in which `a2` comes before `a10`.
///
/// That order has cycles (`a10` < `a1b` < `a2` < `a10`), for which the standard sorts may panic:
/// hence a merge sort of our own over entries in byte order, so that equal mappings are written
/// equally.
pub(crate) fn natural_order(mut entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    entries.sort_by(|left, right| left.key.cmp(&right.key));
    merge_sort(entries)
}

fn merge_sort(mut entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    if entries.len() < 2 {
        return entries;
    }
    let upper = merge_sort(entries.split_off(entries.len() / 2));
    let lower = merge_sort(entries);
    let mut merged = Vec::with_capacity(lower.len() + upper.len());
    let mut upper = upper.into_iter().peekable();
    for entry in lower {
        while let Some(next) = upper.next_if(|next| compare(&next.key, &entry.key).is_lt()) {
            merged.push(next);
        }
        merged.push(entry);
    }
    merged.extend(upper);
    merged
}

/// `keyList.Less` of `yaml.v2`: runs of digits by their value, other characters before letters.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let Some(at) = left
        .iter()
        .zip(&right)
        .position(|(left, right)| left != right)
    else {
        return left.len().cmp(&right.len());
    };
    let (l, r) = (left.get(at).copied(), right.get(at).copied());
    match (
        l.is_some_and(char::is_alphabetic),
        r.is_some_and(char::is_alphabetic),
    ) {
        (true, true) => return l.cmp(&r),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero here may stand inside a number that began before.
    let before = left.get(..at).unwrap_or_default();
    let inside = (l == Some('0') || r == Some('0'))
        && before
            .iter()
            .rev()
            .take_while(|digit| digit.is_ascii_digit())
            .any(|digit| *digit != '0');
    number(&left, at, inside)
        .cmp(&number(&right, at, inside))
        .then(l.cmp(&r))
}

/// The value of the digits from `at` on, and where they end.
fn number(text: &[char], at: usize, inside: bool) -> (i64, usize) {
    let digits = text
        .get(at..)
        .unwrap_or_default()
        .iter()
        .map_while(|digit| digit.to_digit(10));
    digits.fold((i64::from(inside), at), |(value, end), digit| {
        (
            value.wrapping_mul(10).wrapping_add(i64::from(digit)),
            end + 1,
        )
    })
}
