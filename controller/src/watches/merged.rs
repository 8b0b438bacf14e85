//! Several watches as one: namespaces that are watched one by one fill one cache.

use std::collections::HashSet;

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use kube::runtime::watcher::{Error, Event};

/// Merges watches of disjoint sets of objects. The first lists of all of them are passed on as one
/// list; a later list of one of them as the changes that it shows, since it says nothing about the
/// objects of the others. A single watch is passed on as it is.
///
/// `key` names an object, `gone` makes the object of a name that a later list no longer holds.
pub(super) fn merged<K, N>(
    mut watches: Vec<BoxStream<'static, Result<Event<K>, Error>>>,
    key: fn(&K) -> N,
    gone: fn(&N) -> K,
) -> BoxStream<'static, Result<Event<K>, Error>>
where
    K: Send + 'static,
    N: Clone + Eq + std::hash::Hash + Send + 'static,
{
    if let [only] = watches.as_mut_slice() {
        return std::mem::replace(only, stream::empty().boxed());
    }
    let mut merge = Merge::new(watches.len(), key, gone);
    let numbered = watches
        .into_iter()
        .enumerate()
        .map(|(number, watch)| watch.map(move |event| (number, event)).boxed());
    stream::select_all(numbered)
        .flat_map(move |(number, event)| {
            stream::iter(match event {
                Ok(event) => merge.apply(number, event).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        })
        .boxed()
}

struct Merge<K, N> {
    parts: Vec<Part<N>>,
    /// Whether the first list has begun, and whether all of it is in.
    begun: bool,
    complete: bool,
    key: fn(&K) -> N,
    gone: fn(&N) -> K,
}

struct Part<N> {
    known: HashSet<N>,
    coming: HashSet<N>,
    complete: bool,
}

impl<K, N: Clone + Eq + std::hash::Hash> Merge<K, N> {
    fn new(parts: usize, key: fn(&K) -> N, gone: fn(&N) -> K) -> Self {
        let part = || Part {
            known: HashSet::new(),
            coming: HashSet::new(),
            complete: false,
        };
        let parts = std::iter::repeat_with(part).take(parts).collect();
        Self {
            parts,
            begun: false,
            complete: false,
            key,
            gone,
        }
    }

    fn apply(&mut self, number: usize, event: Event<K>) -> Vec<Event<K>> {
        let Some(part) = self.parts.get_mut(number) else {
            return Vec::new();
        };
        match event {
            Event::Init => {
                part.coming.clear();
                let first = !std::mem::replace(&mut self.begun, true);
                first.then_some(Event::Init).into_iter().collect()
            }
            Event::InitApply(object) => {
                part.coming.insert((self.key)(&object));
                let event = if self.complete {
                    Event::Apply
                } else {
                    Event::InitApply
                };
                vec![event(object)]
            }
            Event::InitDone => {
                let coming = std::mem::take(&mut part.coming);
                let known = std::mem::replace(&mut part.known, coming);
                part.complete = true;
                if self.complete {
                    let gone = known.difference(&part.known);
                    return gone.map(|name| Event::Delete((self.gone)(name))).collect();
                }
                self.complete = self.parts.iter().all(|part| part.complete);
                self.complete
                    .then_some(Event::InitDone)
                    .into_iter()
                    .collect()
            }
            Event::Apply(object) => {
                part.known.insert((self.key)(&object));
                vec![Event::Apply(object)]
            }
            Event::Delete(object) => {
                part.known.remove(&(self.key)(&object));
                vec![Event::Delete(object)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(
        merge: &mut Merge<&'static str, &'static str>,
        part: usize,
        event: Event<&'static str>,
    ) -> Vec<String> {
        merge
            .apply(part, event)
            .iter()
            .map(|event| format!("{event:?}"))
            .collect()
    }

    fn two_parts() -> Merge<&'static str, &'static str> {
        Merge::new(2, |name| *name, |name| *name)
    }

    #[test]
    fn two_first_lists_become_one() {
        let mut merge = two_parts();
        assert_eq!(shown(&mut merge, 0, Event::Init), ["Init"]);
        assert_eq!(shown(&mut merge, 1, Event::Init), [""; 0]);
        assert_eq!(
            shown(&mut merge, 0, Event::InitApply("a")),
            ["InitApply(\"a\")"]
        );
        assert_eq!(shown(&mut merge, 0, Event::InitDone), [""; 0]);
        assert_eq!(
            shown(&mut merge, 1, Event::InitApply("b")),
            ["InitApply(\"b\")"]
        );
        assert_eq!(shown(&mut merge, 1, Event::InitDone), ["InitDone"]);
    }

    #[test]
    fn a_later_list_of_one_part_leaves_the_other_alone() {
        let mut merge = two_parts();
        for part in 0..2 {
            merge.apply(part, Event::Init);
        }
        merge.apply(0, Event::InitApply("a"));
        merge.apply(1, Event::InitApply("b"));
        for part in 0..2 {
            merge.apply(part, Event::InitDone);
        }
        merge.apply(0, Event::Apply("c"));
        assert_eq!(shown(&mut merge, 0, Event::Init), [""; 0]);
        assert_eq!(
            shown(&mut merge, 0, Event::InitApply("c")),
            ["Apply(\"c\")"]
        );
        assert_eq!(shown(&mut merge, 0, Event::InitDone), ["Delete(\"a\")"]);
    }
}
