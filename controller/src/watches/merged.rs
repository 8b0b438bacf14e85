//! Several watches as one: namespaces that are watched one by one fill one cache.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    mem,
};

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use kube::runtime::watcher::{Error, Event};

use super::denied::is_forbidden;

/// Merges watches of disjoint sets of objects. What all of them show at first is passed on as one
/// list, once it is there as a whole; a later list of one of them as the changes that it shows, since
/// it says nothing about the objects of the others. A single watch is passed on as it is.
///
/// A watch that may not be, for lack of rights, is waited for no more, as long as there is another one
/// that may: when it gets the rights, its objects are added.
///
/// `key` names an object, `gone` makes the object of a name that a later list no longer holds.
pub(super) fn merged<K, N>(
    mut watches: Vec<BoxStream<'static, Result<Event<K>, Error>>>,
    key: fn(&K) -> N,
    gone: fn(&N) -> K,
) -> BoxStream<'static, Result<Event<K>, Error>>
where
    K: Send + 'static,
    N: Clone + Eq + Hash + Send + 'static,
{
    if let [only] = watches.as_mut_slice() {
        return mem::replace(only, stream::empty().boxed());
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
                Err(error) => {
                    let denied = is_forbidden(&error).then(|| merge.deny(number));
                    let events = denied.into_iter().flatten().map(Ok);
                    std::iter::once(Err(error))
                        .chain(events)
                        .collect::<Vec<_>>()
                }
            })
        })
        .boxed()
}

struct Merge<K, N> {
    parts: Vec<Part<K, N>>,
    /// What is there before all of it is; `None` from then on.
    gathered: Option<HashMap<N, K>>,
    key: fn(&K) -> N,
    gone: fn(&N) -> K,
}

struct Part<K, N> {
    known: HashSet<N>,
    /// Of a list that has not come to its end. One that breaks off counts for nothing.
    coming: HashMap<N, K>,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Awaited,
    Denied,
    Listed,
}

impl<K, N: Clone + Eq + Hash> Merge<K, N> {
    fn new(parts: usize, key: fn(&K) -> N, gone: fn(&N) -> K) -> Self {
        let part = || Part {
            known: HashSet::new(),
            coming: HashMap::new(),
            standing: Standing::Awaited,
        };
        Self {
            parts: std::iter::repeat_with(part).take(parts).collect(),
            gathered: Some(HashMap::new()),
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
                Vec::new()
            }
            Event::InitApply(object) => {
                part.coming.insert((self.key)(&object), object);
                Vec::new()
            }
            Event::InitDone => {
                part.standing = Standing::Listed;
                let coming = mem::take(&mut part.coming);
                let names = coming.keys().cloned().collect();
                let before = mem::replace(&mut part.known, names);
                let gone: Vec<N> = before.difference(&part.known).cloned().collect();
                self.listed(coming, &gone)
            }
            Event::Apply(object) => {
                let name = (self.key)(&object);
                part.known.insert(name.clone());
                match &mut self.gathered {
                    Some(gathered) => {
                        gathered.insert(name, object);
                        Vec::new()
                    }
                    None => vec![Event::Apply(object)],
                }
            }
            Event::Delete(object) => {
                let name = (self.key)(&object);
                part.known.remove(&name);
                match &mut self.gathered {
                    Some(gathered) => {
                        gathered.remove(&name);
                        Vec::new()
                    }
                    None => vec![Event::Delete(object)],
                }
            }
        }
    }

    fn listed(&mut self, objects: HashMap<N, K>, gone: &[N]) -> Vec<Event<K>> {
        let Some(gathered) = &mut self.gathered else {
            let gone = gone.iter().map(|name| Event::Delete((self.gone)(name)));
            let there = objects.into_values().map(Event::Apply);
            return there.chain(gone).collect();
        };
        gathered.retain(|name, _| !gone.contains(name));
        gathered.extend(objects);
        self.first_list()
    }

    /// The part may not be watched.
    fn deny(&mut self, number: usize) -> Vec<Event<K>> {
        match self.parts.get_mut(number) {
            Some(part) if part.standing == Standing::Awaited => {
                part.standing = Standing::Denied;
                self.first_list()
            }
            _ => Vec::new(),
        }
    }

    /// The first list, when nothing of it is awaited any more.
    fn first_list(&mut self) -> Vec<Event<K>> {
        let is = |standing| move |part: &Part<K, N>| part.standing == standing;
        let complete = self.parts.iter().any(is(Standing::Listed))
            && !self.parts.iter().any(is(Standing::Awaited));
        let Some(objects) = self.gathered.take_if(|_| complete) else {
            return Vec::new();
        };
        let objects = objects.into_values().map(Event::InitApply);
        let list = std::iter::once(Event::Init).chain(objects);
        list.chain([Event::InitDone]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::denied::forbidden, *};

    type Texts = Merge<&'static str, &'static str>;

    /// Objects are texts whose first letter is their name.
    fn two_parts() -> Texts {
        Merge::new(2, |object| object.get(..1).unwrap(), |name| *name)
    }

    fn shown(merge: &mut Texts, part: usize, event: Event<&'static str>) -> Vec<String> {
        texts(&merge.apply(part, event))
    }

    fn texts(events: &[Event<&'static str>]) -> Vec<String> {
        let mut texts: Vec<_> = events.iter().map(|event| format!("{event:?}")).collect();
        // Objects of a list come in any order.
        if let [_, objects @ .., _] = texts.as_mut_slice() {
            objects.sort();
        }
        texts
    }

    fn list(merge: &mut Texts, part: usize, objects: &[&'static str]) -> Vec<String> {
        assert_eq!(shown(merge, part, Event::Init), [""; 0]);
        for object in objects {
            assert_eq!(shown(merge, part, Event::InitApply(*object)), [""; 0]);
        }
        shown(merge, part, Event::InitDone)
    }

    #[test]
    fn two_first_lists_become_one() {
        let mut merge = two_parts();
        assert_eq!(list(&mut merge, 0, &["a"]), [""; 0]);
        assert_eq!(
            list(&mut merge, 1, &["b"]),
            ["Init", "InitApply(\"a\")", "InitApply(\"b\")", "InitDone"]
        );
    }

    #[test]
    fn what_happens_in_one_part_before_the_others_are_listed_is_in_the_list() {
        let mut merge = two_parts();
        list(&mut merge, 0, &["a old", "b", "c"]);
        merge.apply(0, Event::Apply("a new"));
        merge.apply(0, Event::Delete("b"));
        // A watch may begin again meanwhile.
        list(&mut merge, 0, &["a new"]);
        assert_eq!(
            list(&mut merge, 1, &[]),
            ["Init", "InitApply(\"a new\")", "InitDone"]
        );
    }

    #[test]
    fn a_list_that_breaks_off_leaves_nothing_behind() {
        let mut merge = two_parts();
        list(&mut merge, 1, &["x"]);
        merge.apply(0, Event::Init);
        merge.apply(0, Event::InitApply("a"));
        // It fails here, and "a" is deleted before it begins again.
        assert_eq!(
            list(&mut merge, 0, &["b"]),
            ["Init", "InitApply(\"b\")", "InitApply(\"x\")", "InitDone"]
        );
        merge.apply(1, Event::Init);
        merge.apply(1, Event::InitApply("y"));
        assert_eq!(list(&mut merge, 1, &["x"]), ["Apply(\"x\")"]);
    }

    #[test]
    fn a_later_list_of_one_part_leaves_the_other_alone() {
        let mut merge = two_parts();
        list(&mut merge, 0, &["a"]);
        list(&mut merge, 1, &["b"]);
        assert_eq!(shown(&mut merge, 0, Event::Apply("c")), ["Apply(\"c\")"]);
        assert_eq!(
            list(&mut merge, 0, &["c"]),
            ["Apply(\"c\")", "Delete(\"a\")"]
        );
    }

    #[test]
    fn a_part_that_may_not_be_watched_is_not_waited_for_and_joins_when_it_may() {
        let mut merge = two_parts();
        assert_eq!(texts(&merge.deny(0)), [""; 0]);
        assert_eq!(
            list(&mut merge, 1, &["b"]),
            ["Init", "InitApply(\"b\")", "InitDone"]
        );
        assert_eq!(texts(&merge.deny(0)), [""; 0]);
        assert_eq!(list(&mut merge, 0, &["a"]), ["Apply(\"a\")"]);
        // Or the other way round.
        let mut merge = two_parts();
        list(&mut merge, 1, &["b"]);
        assert_eq!(
            texts(&merge.deny(0)),
            ["Init", "InitApply(\"b\")", "InitDone"]
        );
    }

    #[tokio::test]
    async fn when_none_may_be_watched_there_is_no_list() {
        let denied = || stream::iter([Ok(Event::Init), Err(forbidden())]).boxed();
        let both = merged(vec![denied(), denied()], |text: &&str| *text, |name| *name);
        let events: Vec<_> = both.collect().await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(Result::is_err));
    }
}
