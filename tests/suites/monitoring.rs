//! What `deploy/monitoring` asks for is in a scrape of a real controller.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use seal_tests::eventually;
use serde_json::Value;

use crate::site::Site;

const PREFIX: &str = "sealed_secrets_controller_";
/// What Prometheus itself adds to every series.
const ADDED: [&str; 3] = ["job", "instance", "le"];

/// Labels by metric.
type Series = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_operations_manual_says_what_to_do_about_every_alert() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path| fs::read_to_string(deploy.join(path)).unwrap();
    let (manual, alerts) = (
        read("docs/operations.md"),
        read("deploy/monitoring/alerts.yaml"),
    );
    let names = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    let names: Vec<_> = names.collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(manual.contains(&format!("\n| `{name}` |")), "{name}");
    }
}

#[tokio::test]
async fn every_metric_and_label_that_alerts_and_dashboard_name_is_in_a_scrape() {
    let Some((site, controller)) = Site::shared("monitoring").await else {
        return;
    };
    site.unseal(&site.seal("good", &[("a", "1")])).await;
    let mut wrong = site.seal("other", &[("a", "1")]);
    wrong.metadata.name = Some("wrong".into());
    site.create(&wrong).await;
    site.failed("wrong", "WrongScope").await;
    let series = eventually("series of a failed and a good object", async || {
        let series = scraped(&controller.metrics.get("/metrics").await.body);
        let errors = &series["sealed_secrets_controller_unseal_errors_total"];
        let keys = &series["sealed_secrets_controller_objects_by_key"];
        (!errors.is_empty() && !keys.is_empty()).then_some(series)
    })
    .await;

    let expressions = [alerts(), dashboard()].concat();
    assert!(expressions.len() > 20, "{expressions:#?}");
    for expression in &expressions {
        for (metric, matched) in selectors(expression) {
            let labels = series.get(&metric);
            let labels = labels.unwrap_or_else(|| panic!("no metric {metric}: {expression}"));
            for label in matched {
                let known = labels.contains(&label) || ADDED.contains(&label.as_str());
                assert!(known, "{metric} has no label {label}: {expression}");
            }
        }
        for label in groupings(expression) {
            let metrics = selectors(expression);
            let known = |(metric, _): &(String, _)| series[metric].contains(&label);
            let known = ADDED.contains(&label.as_str()) || metrics.iter().any(known);
            assert!(known, "no metric has the label {label}: {expression}");
        }
    }
}

fn alerts() -> Vec<String> {
    let alerts: Value = serde_yaml::from_str(&read("alerts.yaml")).unwrap();
    let rules = alerts["groups"].as_array().unwrap().iter();
    rules
        .flat_map(|group| group["rules"].as_array().unwrap())
        .map(|rule| rule["expr"].as_str().unwrap().to_owned())
        .collect()
}

fn dashboard() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

fn read(name: &str) -> String {
    let monitoring = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring");
    fs::read_to_string(monitoring.join(name)).unwrap()
}

/// The metrics of a scrape: those without a series now have none of its labels.
fn scraped(text: &str) -> Series {
    let mut series = Series::new();
    for line in text.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').unwrap();
            let suffix = if kind == "counter" { "_total" } else { "" };
            series.entry(format!("{name}{suffix}")).or_default();
        } else if !line.starts_with('#') {
            let name: String = line.chars().take_while(|it| is_name(*it)).collect();
            let labels = series.entry(name).or_default();
            let braces = line.split_once('{').and_then(|(_, it)| it.split_once('}'));
            labels.extend(braces.map(|(inside, _)| names(inside)).unwrap_or_default());
        }
    }
    series
}

/// Each metric of an expression with the labels that it is selected by.
fn selectors(expression: &str) -> Vec<(String, Vec<String>)> {
    let found = expression.match_indices(PREFIX).map(|(at, _)| {
        let rest = &expression[at..];
        let end = rest.find(|it| !is_name(it)).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let braces = rest.strip_prefix('{').and_then(|it| it.split_once('}'));
        let labels = braces.map(|(inside, _)| names(inside)).unwrap_or_default();
        (name.to_owned(), labels)
    });
    found.collect()
}

/// The labels that an expression groups by.
fn groupings(expression: &str) -> Vec<String> {
    let parts = expression.split("by (").skip(1);
    let inside = parts.filter_map(|part| part.split_once(')'));
    inside
        .flat_map(|(labels, _)| labels.split(','))
        .map(|label| label.trim().to_owned())
        .collect()
}

/// The names in `name="value",name=~"value"`.
fn names(pairs: &str) -> Vec<String> {
    let names = pairs.split(',').filter_map(|pair| pair.split_once('='));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}
