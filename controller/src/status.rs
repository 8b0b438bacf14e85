//! The status that a pass leaves behind: one table from endings to conditions.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seal_api::{Condition, ConditionStatus, ConditionType, Record, SealedSecretStatus};

use crate::outcome::Failure;

/// How a pass ended, as far as conditions tell it.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// The Secret is right.
    Right,
    /// The Secret was changed by somebody else and is left so, as the drift policy asks.
    Drifted,
    /// There is no right Secret.
    Failed(&'a Failure),
}

/// The status after a pass, or `None` when `before` says the same already.
///
/// Times are kept where nothing changed: `lastTransitionTime` moves when a condition's status
/// changes, `lastUpdateTime` when the condition is written at all. Conditions of others stay, and so
/// does the record where there is no new one.
#[must_use]
pub fn next(
    before: Option<&SealedSecretStatus>,
    generation: Option<i64>,
    ending: Ending<'_>,
    record: Option<Record>,
    now: Timestamp,
) -> Option<SealedSecretStatus> {
    let empty = SealedSecretStatus::default();
    let before = before.unwrap_or(&empty);
    let mut conditions = table(ending);
    for condition in &mut conditions {
        condition.last_transition_time = Some(Time(now));
        condition.last_update_time = Some(Time(now));
        if let Some(old) = find(before, &condition.type_)
            && old.status == condition.status
        {
            condition
                .last_transition_time
                .clone_from(&old.last_transition_time);
        }
    }
    let others = before
        .conditions
        .iter()
        .filter(|old| matches!(old.type_, ConditionType::Other(_)));
    conditions.extend(others.cloned());
    let after = SealedSecretStatus {
        observed_generation: generation,
        conditions,
        record: record.or_else(|| before.record.clone()),
    };
    (!says_the_same(before, &after)).then_some(after)
}

/// Whether `before` already tells that a pass over this generation ended so, so that no event is owed
/// either.
#[must_use]
pub fn tells(
    before: Option<&SealedSecretStatus>,
    generation: Option<i64>,
    ending: Ending<'_>,
) -> bool {
    before.is_some_and(|before| {
        before.observed_generation == generation
            && table(ending).iter().all(|new| {
                find(before, &new.type_).is_some_and(|old| {
                    (&old.status, &old.reason, &old.message)
                        == (&new.status, &new.reason, &new.message)
                })
            })
    })
}

/// | ending                 | Synced | Ready | Reconciling | Stalled | Drifted |
/// |------------------------|--------|-------|-------------|---------|---------|
/// | right                  | True   | True  |             |         |         |
/// | drifted and left so    | True   | True  |             |         | True    |
/// | time can mend          | False  | False | True        |         |         |
/// | hopeless, or given up  | False  | False |             | True    |         |
///
/// Synced stays first: upstream's printer columns show the first condition.
fn table(ending: Ending<'_>) -> Vec<Condition> {
    use ConditionType::{Drifted, Ready, Reconciling, Stalled, Synced};
    let (holds, reason, message) = match ending {
        Ending::Right | Ending::Drifted => {
            (ConditionStatus::True, "Unsealed".to_owned(), String::new())
        }
        Ending::Failed(failure) => (
            ConditionStatus::False,
            failure.reason.to_string(),
            failure.message.clone(),
        ),
    };
    let condition = |type_, status| Condition {
        type_,
        status,
        reason: reason.clone(),
        message: message.clone(),
        last_update_time: None,
        last_transition_time: None,
    };
    let mut conditions = vec![condition(Synced, holds.clone()), condition(Ready, holds)];
    match ending {
        Ending::Right => {}
        Ending::Drifted => conditions.push(Condition {
            reason: "ChangedByOthers".into(),
            message: DRIFTED.into(),
            ..condition(Drifted, ConditionStatus::True)
        }),
        Ending::Failed(failure) => {
            let type_ = if failure.is_hopeless() {
                Stalled
            } else {
                Reconciling
            };
            conditions.push(condition(type_, ConditionStatus::True));
        }
    }
    conditions
}

const DRIFTED: &str = "the Secret was changed by somebody else and is left so, as \
                       --drift-policy=report asks; delete it to have it made anew";

fn find<'a>(status: &'a SealedSecretStatus, type_: &ConditionType) -> Option<&'a Condition> {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == *type_)
}

fn says_the_same(a: &SealedSecretStatus, b: &SealedSecretStatus) -> bool {
    let told = |status: &SealedSecretStatus| {
        let conditions = status.conditions.iter().map(|condition| {
            let Condition {
                type_,
                status,
                reason,
                message,
                ..
            } = condition.clone();
            (type_, status, reason, message)
        });
        (
            status.observed_generation,
            status.record.clone(),
            conditions.collect::<Vec<_>>(),
        )
    };
    told(a) == told(b)
}

#[cfg(test)]
mod tests {
    use seal_api::{Mode, RecordedSecret};

    use super::{
        Ending::{Failed, Right},
        *,
    };
    use crate::outcome::Reason;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn record() -> Record {
        Record {
            version: Record::VERSION,
            inputs: "h".into(),
            secret: RecordedSecret {
                uid: "u".into(),
                resource_version: "1".into(),
            },
            mode: Mode::Owned,
            keys: vec![],
            values: vec![],
            voucher: String::new(),
        }
    }

    fn types(status: &SealedSecretStatus) -> Vec<ConditionType> {
        status
            .conditions
            .iter()
            .map(|condition| condition.type_.clone())
            .collect()
    }

    #[test]
    fn synced_is_the_first_condition_whatever_happened() {
        for reason in [Reason::WrongKey, Reason::ApiError] {
            let failure = Failure::new(reason, "no");
            let status = next(None, Some(1), Failed(&failure), None, time(1)).unwrap();
            assert_eq!(types(&status)[0], ConditionType::Synced);
            assert_eq!(status.observed_generation, Some(1));
        }
    }

    #[test]
    fn hopeless_failures_are_stalled_and_others_reconciling() {
        let ending = |reason| {
            types(
                &next(
                    None,
                    Some(1),
                    Failed(&Failure::new(reason, "no")),
                    None,
                    time(1),
                )
                .unwrap(),
            )
        };
        use ConditionType::{Ready, Reconciling, Stalled, Synced};
        assert_eq!(ending(Reason::WrongKey), [Synced, Ready, Stalled]);
        assert_eq!(ending(Reason::ApiError), [Synced, Ready, Reconciling]);
        let good = next(None, Some(1), Right, Some(record()), time(1)).unwrap();
        assert_eq!(types(&good), [Synced, Ready]);
    }

    #[test]
    fn what_has_not_changed_is_not_written_again() {
        let first = next(None, Some(1), Right, Some(record()), time(1)).unwrap();
        assert_eq!(
            next(Some(&first), Some(1), Right, Some(record()), time(2)),
            None
        );
        let failure = Failure::new(Reason::WrongKey, "no");
        let failed = next(Some(&first), Some(1), Failed(&failure), None, time(3)).unwrap();
        assert_eq!(
            next(Some(&failed), Some(1), Failed(&failure), None, time(4)),
            None
        );
    }

    #[test]
    fn a_changed_message_and_a_new_generation_are_written() {
        let failed = |message, generation, before: Option<&SealedSecretStatus>| {
            next(
                before,
                Some(generation),
                Failed(&Failure::new(Reason::WrongKey, message)),
                None,
                time(9),
            )
        };
        let first = failed("a", 1, None).unwrap();
        assert!(failed("b", 1, Some(&first)).is_some());
        assert!(failed("a", 2, Some(&first)).is_some());
        assert!(failed("a", 1, Some(&first)).is_none());
    }

    #[test]
    fn the_transition_time_moves_only_when_the_status_does() {
        let good = next(None, Some(1), Right, Some(record()), time(1)).unwrap();
        let synced = &good.conditions[0];
        assert_eq!(synced.last_update_time, synced.last_transition_time);
        let again = next(Some(&good), Some(2), Right, Some(record()), time(2)).unwrap();
        assert_eq!(
            again.conditions[0].last_transition_time,
            Some(Time(time(1)))
        );
        assert_eq!(again.conditions[0].last_update_time, Some(Time(time(2))));
        let failure = Failure::new(Reason::WrongKey, "no");
        let failed = next(Some(&again), Some(3), Failed(&failure), None, time(3)).unwrap();
        assert_eq!(
            failed.conditions[0].last_transition_time,
            Some(Time(time(3)))
        );
    }

    #[test]
    fn a_failure_keeps_the_record_and_the_conditions_of_others() {
        let mut good = next(None, Some(1), Right, Some(record()), time(1)).unwrap();
        good.conditions.push(Condition {
            type_: ConditionType::Other("Theirs".into()),
            ..good.conditions[0].clone()
        });
        let failure = Failure::new(Reason::WrongKey, "no");
        let failed = next(Some(&good), Some(1), Failed(&failure), None, time(2)).unwrap();
        assert_eq!(failed.record, Some(record()));
        assert_eq!(
            types(&failed).last(),
            Some(&ConditionType::Other("Theirs".into()))
        );
    }

    #[test]
    fn an_event_is_owed_once_for_each_generation_and_outcome() {
        let failure = Failure::new(Reason::WrongKey, "no");
        let failed = next(None, Some(1), Failed(&failure), None, time(1)).unwrap();
        assert!(tells(Some(&failed), Some(1), Failed(&failure)));
        assert!(!tells(Some(&failed), Some(2), Failed(&failure)));
        assert!(!tells(Some(&failed), Some(1), Right));
        assert!(!tells(None, Some(1), Right));
    }
}
