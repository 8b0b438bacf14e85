//! The Helm chart, with real Helm: what it renders, what it refuses, and releases on the real API server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here fails its test"
)]

mod documentation;
mod releases;
mod rights;
mod values;

use std::{
    fs,
    path::{Path, PathBuf},
};

use seal_tests::{Workdir, program};
use serde_json::Value;

/// Where the chart is.
pub(crate) fn chart() -> String {
    path_text(repository().join("deploy/helm/seal-controller"))
}

/// Where upstream's chart is.
pub(crate) fn upstreams_chart() -> String {
    path_text(program("sealed-secrets", "chart").unwrap_or_else(|why| panic!("{why}")))
}

/// The objects that a chart renders for a release `sealed-secrets` in `kube-system`, with these options of Helm.
pub(crate) fn rendered(chart: &str, options: &[&str]) -> Vec<Value> {
    let template = ["template", "sealed-secrets", chart, "-n", "kube-system"];
    let stream = Workdir::new().helm(&[&template, options].concat(), "");
    objects(&stream.expect_success())
}

/// The objects of a YAML stream.
pub(crate) fn objects(stream: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_yaml::from_multiple(stream).unwrap();
    let objects = documents.into_iter();
    objects.filter(|object| !object.is_null()).collect()
}

/// The only object of a kind.
pub(crate) fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut those = objects.iter().filter(|object| object["kind"] == kind);
    let first = those.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(those.next().is_none(), "several {kind}");
    first
}

/// The controller's arguments in the Deployment.
pub(crate) fn arguments(objects: &[Value]) -> Vec<String> {
    let container = &only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().into_iter().flatten();
    arguments
        .map(|argument| argument.as_str().unwrap().to_owned())
        .collect()
}

/// The values files of the chart's `ci/`, by their names without `-values.yaml`.
fn values_files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(Path::new(&chart()).join("ci"))
        .unwrap()
        .map(|entry| path_text(entry.unwrap().path()))
        .map(|path| {
            let name = path.rsplit('/').next().unwrap();
            (name.strip_suffix("-values.yaml").unwrap().to_owned(), path)
        })
        .collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    files
}

/// Those of upstream's defaults, which name upstream's image, with ours instead.
fn upstreams_defaults() -> [String; 2] {
    let values = format!("{}/values.yaml", upstreams_chart());
    let image =
        "image.registry=registry.example.com,image.repository=seal-controller,image.tag=0.1.0";
    [format!("--values={values}"), format!("--set={image}")]
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn path_text(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap()
}
