//! Values, their schema, their table in README.md, and the files that the chart shares with the rest of `deploy/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
};

use serde_json::Value;

use super::{read, repository, upstreams_chart};

#[test]
fn the_chart_has_the_same_definition_alerts_and_dashboard_as_the_rest_of_deploy() {
    for (copy, original) in [
        ("crd.yaml", "crd.yaml"),
        ("alerts.yaml", "monitoring/alerts.yaml"),
        ("dashboard.json", "monitoring/dashboard.json"),
    ] {
        let (copy, original) = (
            format!("deploy/helm/seal-controller/files/{copy}"),
            format!("deploy/{original}"),
        );
        assert!(
            read(&copy) == read(&original),
            "they differ: cp {original} {copy}"
        );
    }
}

#[test]
fn the_readme_has_every_value_with_its_default() {
    let readme = repository().join("deploy/helm/seal-controller/README.md");
    let text = fs::read_to_string(&readme).unwrap();
    let (prose, table) = text.split_once("## Values\n").unwrap();
    let expected = table_of_values();
    if std::env::var_os("SEAL_UPDATE").is_some() {
        fs::write(&readme, format!("{prose}## Values\n{expected}")).unwrap();
    } else {
        assert!(
            table == expected,
            "values.yaml has other values or descriptions: SEAL_UPDATE=1 scripts/test the_readme_has_every_value"
        );
    }
}

#[test]
fn every_value_is_in_the_schema_and_the_schema_knows_no_other() {
    let values = values(&read("deploy/helm/seal-controller/values.yaml"));
    let schema: Value =
        serde_json::from_str(&read("deploy/helm/seal-controller/values.schema.json")).unwrap();
    let mut missing = Vec::new();
    compare("", &values, &schema, &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

#[tokio::test]
async fn every_value_of_upstreams_chart_is_one_of_ours() {
    if seal_tests::ControlPlane::shared().await.is_none() {
        return;
    }
    let upstreams = fs::read_to_string(format!("{}/values.yaml", upstreams_chart())).unwrap();
    let (theirs, ours) = (
        values(&upstreams),
        values(&read("deploy/helm/seal-controller/values.yaml")),
    );
    let theirs: BTreeSet<String> = leaves("", &theirs).into_keys().collect();
    // Maps that are empty in one chart and have entries in the other are the same value.
    let known = |key: &String| {
        let pointer = format!("/{}", key.replace('.', "/"));
        ours.pointer(&pointer).is_some()
            || key.starts_with("podSecurityContext.")
            || key.starts_with("containerSecurityContext.")
    };
    let unknown: Vec<_> = theirs.iter().filter(|key| !known(key)).collect();
    assert!(theirs.len() > 100);
    assert_eq!(unknown, Vec::<&String>::new());
}

/// From the comments of values.yaml, in their order, as tables by section.
fn table_of_values() -> String {
    let text = read("deploy/helm/seal-controller/values.yaml");
    let values = values(&text);
    let mut table = String::new();
    for line in text.lines().map(str::trim_start) {
        if let Some(section) = line.strip_prefix("## @section ") {
            let _ = write!(
                table,
                "\n### {section}\n\n| value | what | default |\n|---|---|---|\n"
            );
        } else if let Some(parameter) = line.strip_prefix("## @param ") {
            let (key, what) = parameter.split_once(' ').unwrap();
            let pointer = format!("/{}", key.replace('.', "/"));
            let default = values.pointer(&pointer);
            let default = match default.expect(key) {
                // Too long for a table.
                Value::String(text) if text.contains('\n') => "as described".to_owned(),
                Value::Object(map) if map.len() > 1 => "see `values.yaml`".to_owned(),
                other => format!("`{other}`"),
            };
            let _ = writeln!(
                table,
                "| `{key}` | {} | {default} |",
                what.replace('|', "\\|")
            );
        }
    }
    table
}

fn values(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// Values that are no maps with entries, by their dotted keys.
fn leaves(prefix: &str, value: &Value) -> BTreeMap<String, Value> {
    match value {
        Value::Object(map) if !map.is_empty() => map
            .iter()
            .flat_map(|(key, value)| {
                let key = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                leaves(&key, value)
            })
            .collect(),
        other => [(prefix.to_owned(), other.clone())].into(),
    }
}

/// What either side alone has. Where the schema takes any object, what is in it is Kubernetes' and not ours.
fn compare(at: &str, value: &Value, schema: &Value, missing: &mut Vec<String>) {
    let (Some(known), Some(map)) = (schema["properties"].as_object(), value.as_object()) else {
        return;
    };
    for (key, value) in map {
        match known.get(key) {
            Some(schema) => compare(&format!("{at}/{key}"), value, schema, missing),
            None => missing.push(format!("{at}/{key} is not in the schema")),
        }
    }
    // Helm's own, for charts that depend on this one.
    let helms = ["global", "enabled", "tags", "exports"];
    for key in known.keys() {
        let is_helms = at.is_empty() && helms.contains(&key.as_str());
        if !map.contains_key(key) && !is_helms {
            missing.push(format!("{at}/{key} is not in values.yaml"));
        }
    }
    assert!(
        schema["additionalProperties"] != Value::Null,
        "{at} says whether it takes more"
    );
}
