//! What Argo CD and Flux read out of every status that a pass may leave.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use jiff::Timestamp;
use seal_api::SealedSecretStatus;
use seal_controller::{
    outcome::{Failure, Reason},
    status::{self, Ending},
};
use serde_json::{Value, json};

const GENERATION: i64 = 3;

/// An object with this status, as its readers get it.
fn object(status: &Value) -> Value {
    json!({ "metadata": { "generation": GENERATION }, "status": status })
}

fn after(ending: Ending<'_>) -> Value {
    let status = status::next(None, Some(GENERATION), ending, None, Timestamp::UNIX_EPOCH);
    object(&serde_json::to_value(status.unwrap()).unwrap())
}

/// What the CRD gives an object that nobody has looked at.
fn untouched() -> Value {
    object(&json!({ "observedGeneration": -1 }))
}

/// A status of an older generation.
fn overtaken(ending: Ending<'_>) -> Value {
    let mut object = after(ending);
    object["metadata"]["generation"] = json!(GENERATION + 1);
    object
}

/// Every failure that there is.
fn failures() -> Vec<Failure> {
    let fresh = Reason::ALL.map(|reason| Failure::new(reason, format!("{reason}: do this")));
    let given_up = fresh.clone().map(|failure| failure.given_up(5));
    fresh.into_iter().chain(given_up).collect()
}

fn conditions(object: &Value) -> Vec<(&str, &str, &str)> {
    let conditions = object["status"]["conditions"].as_array();
    let text = |condition: &'_ Value, field: &str| -> &'static str {
        let text = condition[field].as_str().unwrap_or_default().to_owned();
        text.leak()
    };
    let read = |it: &Value| (text(it, "type"), text(it, "status"), text(it, "message"));
    conditions.into_iter().flatten().map(read).collect()
}

/// The health of a SealedSecret in Argo CD, and the message that it shows: the first condition
/// Synced decides, and without one the object is progressing
/// (`resource_customizations/bitnami.com/SealedSecret/health.lua` in argoproj/argo-cd).
fn argo_cd(object: &Value) -> (&'static str, String) {
    for (type_, status, message) in conditions(object) {
        match (type_, status) {
            ("Synced", "False") => return ("Degraded", message.into()),
            ("Synced", "True") => return ("Healthy", message.into()),
            _ => {}
        }
    }
    ("Progressing", String::new())
}

/// kstatus, which Flux (`wait: true`), kpt and Config Sync decide by: an unseen generation is in
/// progress; then the first of Reconciling and Stalled that holds decides; an object without either
/// is current (`pkg/kstatus/status/generic.go` and `status.go` in kubernetes-sigs/cli-utils).
fn kstatus(object: &Value) -> &'static str {
    let observed = object["status"]["observedGeneration"].as_i64();
    if observed.is_some_and(|observed| Some(observed) != object["metadata"]["generation"].as_i64())
    {
        return "InProgress";
    }
    for (type_, status, _) in conditions(object) {
        match (type_, status) {
            ("Reconciling", "True") => return "InProgress",
            ("Stalled", "True") => return "Failed",
            _ => {}
        }
    }
    "Current"
}

/// Flux with health expressions on Synced, for those who wrote them for upstream: failed and current
/// are what the condition says, everything else is in progress (fluxcd.io, CEL cheat sheet).
fn flux_expressions(object: &Value) -> &'static str {
    let synced = conditions(object);
    let synced = synced.iter().find(|(type_, ..)| *type_ == "Synced");
    match synced.map(|(_, status, _)| *status) {
        Some("True") => "Current",
        Some("False") => "Failed",
        _ => "InProgress",
    }
}

#[test]
fn a_right_secret_is_healthy_for_everybody() {
    for ending in [Ending::Right, Ending::Drifted] {
        let object = after(ending);
        assert_eq!(argo_cd(&object).0, "Healthy");
        assert_eq!(kstatus(&object), "Current");
        assert_eq!(flux_expressions(&object), "Current");
    }
}

#[test]
fn no_failure_is_healthy_for_anybody_and_its_message_is_shown() {
    for failure in failures() {
        let object = after(Ending::Failed(&failure));
        let shown = ("Degraded", failure.message.clone());
        assert_eq!(argo_cd(&object), shown, "{failure:?}");
        assert_eq!(flux_expressions(&object), "Failed", "{failure:?}");
        assert_ne!(kstatus(&object), "Current", "{failure:?}");
    }
}

/// Flux then stops waiting and says so, instead of running into its time limit.
#[test]
fn exactly_the_hopeless_failures_are_final_for_kstatus() {
    for failure in failures() {
        let expected = if failure.is_hopeless() {
            "Failed"
        } else {
            "InProgress"
        };
        assert_eq!(kstatus(&after(Ending::Failed(&failure))), expected);
    }
}

#[test]
fn an_object_that_nobody_has_looked_at_is_in_progress() {
    assert_eq!(argo_cd(&untouched()).0, "Progressing");
    assert_eq!(kstatus(&untouched()), "InProgress");
    assert_eq!(flux_expressions(&untouched()), "InProgress");
}

#[test]
fn what_was_said_of_an_older_generation_does_not_count_for_kstatus() {
    let failure = Failure::new(Reason::WrongKey, "no");
    for ending in [Ending::Right, Ending::Failed(&failure)] {
        assert_eq!(kstatus(&overtaken(ending)), "InProgress");
    }
}

/// A status is written over the one before: nothing of a failure may remain after a success.
#[test]
fn a_success_after_any_failure_is_healthy_for_everybody() {
    for failure in failures() {
        let time = Timestamp::UNIX_EPOCH;
        let failed = status::next(None, Some(1), Ending::Failed(&failure), None, time);
        let failed: Option<SealedSecretStatus> = failed;
        let after = status::next(failed.as_ref(), Some(GENERATION), Ending::Right, None, time);
        let object = object(&serde_json::to_value(after.unwrap()).unwrap());
        assert_eq!(argo_cd(&object).0, "Healthy");
        assert_eq!(kstatus(&object), "Current");
    }
}
