//! kubeseal by name: every recorded run of upstream's program, replayed with ours.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may fail, and speaks to who reads its output"
)]

mod compared;
mod comparison;
mod deviations;
mod devices;
mod edited;
mod envelopes;
mod hints;
mod interrupted;
mod live;
mod machine;
mod server;
mod transcripts;

use std::{collections::BTreeSet, fs};

use deviations::DEVIATIONS;
use transcripts::{Transcript, Transcripts};

/// Replays every transcript of a group that needs no cluster; the answer must be upstream's, or the
/// one that the table of deviations gives.
#[track_caller]
fn replay(group: &str) {
    let transcripts = Transcripts::recorded();
    let cases = || {
        transcripts
            .cases
            .iter()
            .filter(|case| case.group == group && !case.live)
    };
    assert!(cases().next().is_some(), "no case of the group {group}");
    let wrong: Vec<String> = cases().filter_map(|case| wrong(case, &[])).collect();
    let (wrong_count, all) = (wrong.len(), cases().count());
    assert!(
        wrong.is_empty(),
        "{}\n{wrong_count} of {all} of the group {group} differ",
        wrong.join("\n")
    );
}

/// `places` are placeholders besides the usual ones.
fn wrong(case: &Transcript, places: &[(&'static str, String)]) -> Option<String> {
    let deviation = DEVIATIONS
        .iter()
        .find(|deviation| deviation.name == case.name);
    let expected = match deviation {
        Some(deviation) => deviation.apply(case),
        None => case.clone(),
    };
    let differences = comparison::differences(&expected, &machine::run(case, places));
    let called = &case.name;
    (!differences.is_empty()).then(|| format!("== {called}\n{}", differences.join("\n")))
}

macro_rules! groups {
    ($($test:ident: $group:literal,)*) => {
        $(#[test]
        fn $test() {
            replay($group);
        })*

        #[test]
        fn every_group_that_needs_no_cluster_is_replayed() {
            let recorded = &Transcripts::recorded().cases;
            let groups: BTreeSet<_> = recorded.iter().filter(|case| !case.live)
                .map(|case| case.group.as_str()).collect();
            assert_eq!(groups, BTreeSet::from([$($group),*]));
        }
    };
}

groups! {
    certificates_are_read_as_upstream_reads_them: "cert",
    secrets_are_sealed_value_for_value: "data",
    the_environment_stands_for_flags: "env",
    flags_are_parsed_as_pflag_parses_them: "flags",
    output_has_upstreams_format: "format",
    input_is_read_as_go_reads_it: "input",
    items_are_merged_into_sealed_files: "merge",
    metadata_goes_where_upstream_puts_it: "meta",
    names_and_namespaces_come_from_where_upstream_takes_them: "names",
    the_cluster_is_asked_for_only_where_upstream_asks: "offline",
    output_files_are_replaced_as_a_whole: "out-file",
    single_values_are_sealed: "raw",
    lost_secrets_are_recovered: "recovery",
    scopes_come_from_flags_and_annotations: "scope",
}

#[test]
fn every_deviation_names_a_transcript_once_and_says_why() {
    let recorded = Transcripts::recorded();
    let mut names = BTreeSet::new();
    for deviation in DEVIATIONS {
        assert!(names.insert(deviation.name), "{} twice", deviation.name);
        let is_recorded = recorded
            .cases
            .iter()
            .any(|case| case.name == deviation.name);
        assert!(is_recorded, "{} was never recorded", deviation.name);
    }
}

#[test]
fn the_migration_guide_lists_the_same_deviations() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/migration.md");
    let guide = fs::read_to_string(path).unwrap();
    let heading = "## kubeseal: where we answer otherwise";
    let (_, section) = guide.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let named: BTreeSet<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let listed: BTreeSet<_> = DEVIATIONS.iter().map(|deviation| deviation.name).collect();
    assert_eq!(named, listed);
}
