//! Times recorded templates: one line per template with nanoseconds for
//! parsing and for rendering, as `tests/go/sprig` prints them for Go.
//!
//! Arguments: the file of recordings and the group to time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that meets the unexpected shall fail"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use seal_template::{Budget, Data, Template};
use serde_json::Value;

/// Nanoseconds of one call, the fastest of several rounds.
fn per_call(mut work: impl FnMut()) -> u128 {
    const ROUNDS: usize = 5;
    const SPAN: Duration = Duration::from_millis(10);
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let mut calls = 0;
            while start.elapsed() < SPAN {
                for _ in 0..16 {
                    work();
                }
                calls += 16;
            }
            start.elapsed().as_nanos() / calls
        })
        .min()
        .unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    // Cargo runs benchmarks without the arguments when it runs them all.
    let (Some(path), Some(group)) = (arguments.next(), arguments.next()) else {
        return;
    };
    let recorded: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for case in recorded["cases"].as_array().unwrap() {
        let (Some(output), true) = (case["output"].as_str(), case["group"] == group.as_str())
        else {
            continue;
        };
        let (name, source) = (
            case["name"].as_str().unwrap(),
            case["template"].as_str().unwrap().as_bytes(),
        );
        let data: Data = case["data"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().unwrap()))
            .collect();
        let parse = || Template::parse("out", source, &mut Budget::default()).unwrap();
        let template = parse();
        let parsing = per_call(|| {
            black_box(parse());
        });
        let rendering = per_call(|| {
            let rendered = template.render(&data, &mut Budget::default()).unwrap();
            assert_eq!(rendered.as_slice(), output.as_bytes(), "{name}");
        });
        println!("{name} {parsing} {rendering}");
    }
}
