//! Renderings recorded from Go: tests/vectors/templates.json.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected shall fail"
)]

use seal_template::{Budget, Data, Error, Phase, Template, functions};
use serde_json::Value;

/// Cases that differ on purpose, all because the budget is lower than what Go
/// allows; docs/templates.md names each with the reason.
const DIFFERING: &[&str] = &["depth-06", "depth-10", "depth-12"];

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/templates.md");

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
    let (mut outputs, mut failures) = ((0, 0), (0, 0));
    let mut differing = Vec::new();
    for case in recorded["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let difference = difference(case);
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
    assert_eq!(differing, DIFFERING);
    let documented = std::fs::read_to_string(DOCUMENT).unwrap();
    for name in DIFFERING {
        assert!(
            documented.contains(&format!("`{name}`")),
            "{name} has no reason"
        );
    }
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
    let documented = std::fs::read_to_string(DOCUMENT).unwrap();
    for name in wanted {
        assert!(
            documented.contains(&format!("`{name}`")),
            "{name} is not documented"
        );
    }
}

#[test]
fn random_and_timed_functions_are_marked() {
    let recorded = recorded();
    let marked: Vec<&str> = functions()
        .filter_map(|(name, varies)| varies.then_some(name))
        .collect();
    for name in recorded["nondeterministic"].as_array().unwrap() {
        assert!(marked.contains(&name.as_str().unwrap()), "{name}");
    }
    let uses = |source: &str| {
        Template::parse("out", source.as_bytes(), &mut Budget::default())
            .unwrap()
            .uses_random_or_time()
    };
    assert!(uses(
        "{{ define \"t\" }}{{ if false }}{{ (genCA \"a\" 1).Cert }}{{ end }}{{ end }}"
    ));
    assert!(uses("{{ date \"2006\" .day }}"));
    assert!(uses("{{ now.Year }}"));
    assert!(!uses(
        "{{ .now | b64enc | derivePassword 1 \"long\" \"a\" \"b\" }}"
    ));
}

#[test]
fn templates_data_and_budgets_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Template>();
    crosses::<Data>();
    crosses::<Budget>();
    crosses::<Error>();
}
