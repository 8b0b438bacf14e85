//! What a scrape shows.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // A test may fail.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::{reflector, watcher::Event};
use seal_api::SealedSecret;
use seal_controller::{
    clock::Clock,
    keys,
    leader::Leadership,
    metrics::{Inventory, Metrics, scrape},
    outcome::{Failure, Reason},
    status::{self, Ending},
    watched::Watched,
};

fn object(name: &str, failure: Option<Reason>) -> Watched {
    let mut sealed = SealedSecret::default();
    sealed.metadata.name = Some(name.into());
    sealed.metadata.namespace = Some("team-a".into());
    sealed.status = failure.and_then(|reason| {
        let failure = Failure::new(reason, "no");
        status::next(
            None,
            Some(1),
            Ending::Failed(&failure),
            None,
            Timestamp::UNIX_EPOCH,
        )
    });
    Watched(Ok(sealed))
}

fn scraped(omit_names: bool, events: Vec<Event<Watched>>) -> String {
    let (objects, mut writer) = reflector::store();
    for event in events {
        writer.apply_watcher_event(&event);
    }
    let (_sink, keys) = keys::keys();
    let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
    let metrics = Metrics::default();
    metrics.pass(Duration::from_millis(20));
    metrics.failed("unseal", "team-a");
    metrics.published("seal-public-keys", false);
    metrics.http("/v1/verify", "post", 409, Duration::from_millis(1));
    scrape(&metrics.registry(Inventory {
        objects,
        keys,
        leadership: Leadership::sole(),
        clock,
        renew_period: SignedDuration::from_hours(720),
        makes_age_keys: true,
        omit_names,
    }))
    .unwrap()
}

#[test]
fn upstreams_names_are_there() {
    let text = scraped(
        false,
        vec![Event::Apply(object("db", Some(Reason::WrongKey)))],
    );
    for line in [
        "sealed_secrets_controller_build_info{revision=\"0.1.0\"} 1",
        "sealed_secrets_controller_unseal_requests_total 1",
        "sealed_secrets_controller_unseal_errors_total{reason=\"unseal\",namespace=\"team-a\"} 1",
        "sealed_secrets_controller_condition_info{namespace=\"team-a\",name=\"db\",condition=\"Synced\",ss_app_kubernetes_io_instance=\"\"} -1",
        "sealed_secrets_controller_http_requests_total{path=\"/v1/verify\",code=\"409\",method=\"post\"} 1",
        "sealed_secrets_controller_http_request_duration_seconds_count{path=\"/v1/verify\",method=\"post\"} 1",
        "sealed_secrets_controller_reconcile_duration_seconds_count 1",
        "sealed_secrets_controller_objects{ready=\"False\",reason=\"WrongKey\"} 1",
        "sealed_secrets_controller_conditions{condition=\"Stalled\",status=\"True\"} 1",
        "sealed_secrets_controller_key_renew_period_seconds{kind=\"rsa\"} 2592000",
        "sealed_secrets_controller_key_renew_period_seconds{kind=\"age\"} 2592000",
        "sealed_secrets_controller_keys 0",
        "sealed_secrets_controller_published{configmap=\"seal-public-keys\"} 0",
        "sealed_secrets_controller_leader 1",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn a_removed_objects_series_goes_away_and_the_others_stay() {
    let apply = |name| Event::Apply(object(name, Some(Reason::WrongKey)));
    let gone = Event::Delete(object("gone", None));
    let text = scraped(false, vec![apply("gone"), apply("stays"), gone]);
    assert!(
        !text.contains("name=\"gone\"") && text.contains("name=\"stays\""),
        "{text}"
    );
}

/// Upstream #1747.
#[test]
fn the_errors_of_a_namespace_go_when_its_last_object_goes() {
    let errors = |text: &str| text.contains("unseal_errors_total{");
    let apply = || Event::Apply(object("db", Some(Reason::WrongKey)));
    assert!(errors(&scraped(false, vec![apply()])));
    let gone = vec![apply(), Event::Delete(object("db", None))];
    assert!(!errors(&scraped(false, gone)));
}

#[test]
fn names_are_left_out_where_that_is_asked_for_and_counts_stay() {
    let text = scraped(
        true,
        vec![Event::Apply(object("db", Some(Reason::WrongKey)))],
    );
    assert!(!text.contains("\"db\""), "{text}");
    assert!(
        text.contains("sealed_secrets_controller_objects{ready=\"False\""),
        "{text}"
    );
}
