//! Renderings recorded from Go: tests/vectors/templates.json.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail"
)]

use std::collections::BTreeMap;

use seal_template::{Budget, Data, Error, Phase, Template, functions};
use serde_json::Value;

/// Cases that differ on purpose; docs/templates.md has the reasons.
const DIFFERING: &[&str] = &[];

fn recorded() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/templates.json"
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn render(source: &str, data: &Data) -> Result<Vec<u8>, Error> {
    let mut budget = Budget::default();
    let template = Template::parse("out", source.as_bytes(), &mut budget)?;
    template
        .render(data, &mut budget)
        .map(|bytes| bytes.to_vec())
}

fn data(case: &Value) -> Data {
    case["data"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap()))
        .collect()
}

/// What differs from Go, if anything.
fn difference(case: &Value) -> Option<String> {
    let source = case["template"].as_str().unwrap();
    let got = render(source, &data(case));
    match (&case["output"], &case["error"], &got) {
        (Value::String(wanted), _, Ok(got)) if wanted.as_bytes() == got => None,
        (Value::String(wanted), _, Ok(got)) => Some(format!(
            "wanted {wanted:?}, got {:?}",
            String::from_utf8_lossy(got)
        )),
        (Value::String(wanted), _, Err(error)) => Some(format!(
            "wanted {wanted:?}, got {error} ({})",
            error.detail()
        )),
        (_, Value::String(phase), Err(error)) => {
            let same = match error.phase() {
                Phase::Parse => phase == "parse",
                Phase::Execute => phase == "exec",
            };
            (!same).then(|| format!("wanted to fail in {phase}, got {error}"))
        }
        (_, phase, Ok(got)) => Some(format!(
            "wanted to fail in {phase}, got {:?}",
            String::from_utf8_lossy(got)
        )),
        _ => panic!("a case with neither output nor error"),
    }
}

#[test]
fn every_recorded_rendering_is_the_same_here() {
    let recorded = recorded();
    let (mut outputs, mut failures, mut limits) = ((0, 0), (0, 0), BTreeMap::new());
    let mut differing = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let difference = difference(case);
        if case["group"] == "limits" {
            limits.insert(name, difference);
            continue;
        }
        let tally = if case["output"].is_string() {
            &mut outputs
        } else {
            &mut failures
        };
        tally.1 += 1;
        match difference {
            None => tally.0 += 1,
            Some(difference) => {
                println!("{name}: {difference}\n    {}", case["template"]);
                differing.push(name);
            }
        }
    }
    println!("outputs {outputs:?}, failures {failures:?}");
    for (name, difference) in &limits {
        println!("limits {name}: {}", difference.as_deref().unwrap_or("same"));
    }
    assert_eq!(differing, DIFFERING);
}

#[test]
fn the_table_names_the_same_functions() {
    let recorded = recorded();
    let wanted: Vec<&str> = recorded["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut named: Vec<&str> = functions().map(|(name, _)| name).collect();
    named.sort_unstable();
    assert_eq!(named, wanted);
}
