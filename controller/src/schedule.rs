//! Whose turn it is: lanes by priority, and in each of them one turn for every namespace in a
//! circle.

use std::collections::{HashMap, VecDeque};

/// Of so many turns the background lane and HTTP get one each, however busy the other lanes are.
const ROUND: u32 = 8;

/// How urgent work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it: a generation that has not been observed yet.
    New,
    /// It was fine before: repairs, retries, resyncs.
    Background,
    /// Somebody outside asks.
    Http,
}

/// Work by priority and namespace. Pure: the pool of threads stands around it.
#[derive(Debug)]
pub struct Schedule<T> {
    new: Lane<T>,
    background: Lane<T>,
    http: Lane<T>,
    turn: u32,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self {
            new: Lane::default(),
            background: Lane::default(),
            http: Lane::default(),
            turn: 0,
        }
    }
}

impl<T> Schedule<T> {
    /// Adds work behind all other work of its namespace.
    pub fn push(&mut self, priority: Priority, namespace: &str, work: T) {
        self.lane(priority).push(namespace, work);
    }

    /// Puts unfinished work back: it is the next of its namespace, whose turn comes again after
    /// that of all others.
    pub fn resume(&mut self, priority: Priority, namespace: &str, work: T) {
        self.lane(priority).resume(namespace, work);
    }

    /// Takes the work whose turn it is.
    pub fn pop(&mut self) -> Option<(Priority, String, T)> {
        self.turn = self.turn.wrapping_add(1);
        let order = match self.turn % ROUND {
            0 => [Priority::Background, Priority::New, Priority::Http],
            1 => [Priority::Http, Priority::New, Priority::Background],
            _ => [Priority::New, Priority::Background, Priority::Http],
        };
        order.into_iter().find_map(|priority| {
            let (namespace, work) = self.lane(priority).pop()?;
            Some((priority, namespace, work))
        })
    }

    fn lane(&mut self, priority: Priority) -> &mut Lane<T> {
        match priority {
            Priority::New => &mut self.new,
            Priority::Background => &mut self.background,
            Priority::Http => &mut self.http,
        }
    }
}

#[derive(Debug)]
struct Lane<T> {
    circle: VecDeque<String>,
    waiting: HashMap<String, VecDeque<T>>,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self {
            circle: VecDeque::new(),
            waiting: HashMap::new(),
        }
    }
}

impl<T> Lane<T> {
    fn push(&mut self, namespace: &str, work: T) {
        self.queue(namespace).push_back(work);
    }

    fn resume(&mut self, namespace: &str, work: T) {
        self.queue(namespace).push_front(work);
    }

    fn queue(&mut self, namespace: &str) -> &mut VecDeque<T> {
        if !self.waiting.contains_key(namespace) {
            self.circle.push_back(namespace.to_owned());
        }
        self.waiting.entry(namespace.to_owned()).or_default()
    }

    fn pop(&mut self) -> Option<(String, T)> {
        let namespace = self.circle.pop_front()?;
        let queue = self.waiting.get_mut(&namespace)?;
        let work = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&namespace);
        } else {
            self.circle.push_back(namespace.clone());
        }
        Some((namespace, work?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(schedule: &mut Schedule<u32>) -> Vec<u32> {
        std::iter::from_fn(|| schedule.pop().map(|(_, _, work)| work)).collect()
    }

    #[test]
    fn namespaces_take_turns_however_much_one_of_them_brings() {
        let mut schedule = Schedule::default();
        (0..4).for_each(|work| schedule.push(Priority::New, "flood", work));
        schedule.push(Priority::New, "quiet", 100);
        assert_eq!(drain(&mut schedule), [0, 100, 1, 2, 3]);
        assert!(schedule.pop().is_none());
    }

    #[test]
    fn new_generations_come_before_resyncs() {
        let mut schedule = Schedule::default();
        (0..3).for_each(|work| schedule.push(Priority::Background, "a", work));
        schedule.push(Priority::New, "a", 100);
        assert_eq!(drain(&mut schedule), [100, 0, 1, 2]);
    }

    #[test]
    fn resyncs_get_their_share_beside_a_flood_of_new_generations() {
        let mut schedule = Schedule::default();
        (0..20).for_each(|work| schedule.push(Priority::New, "flood", work));
        schedule.push(Priority::Background, "quiet", 100);
        let order = drain(&mut schedule);
        assert!(order.iter().position(|work| *work == 100).unwrap() < 8);
    }

    #[test]
    fn http_gets_its_share_beside_a_flood_and_no_more() {
        let mut schedule = Schedule::default();
        (0..16).for_each(|work| schedule.push(Priority::New, "flood", work));
        (100..116).for_each(|work| schedule.push(Priority::Http, "", work));
        let order = drain(&mut schedule);
        let served = order.iter().take(16).filter(|work| **work >= 100).count();
        assert_eq!(served, 2);
    }

    #[test]
    fn unfinished_work_goes_on_in_the_next_turn_of_its_namespace() {
        let mut schedule = Schedule::default();
        schedule.push(Priority::New, "flood", 0);
        schedule.push(Priority::New, "flood", 1);
        schedule.push(Priority::New, "quiet", 100);
        let (priority, namespace, work) = schedule.pop().unwrap();
        schedule.resume(priority, &namespace, work);
        assert_eq!(drain(&mut schedule), [100, 0, 1]);
    }
}
