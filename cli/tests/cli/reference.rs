//! What is made from the program itself: the reference, the manual pages and the schemas.
//!
//! Run `SNAPSHOTS=overwrite cargo test -p seal-cli --test cli reference` to make them anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::PathBuf,
};

use clap::Command;
use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use seal_cli::commands::{
    check::finding::CheckReport,
    diff::report::DiffReport,
    keys::report::{BackupReport, KeyList, NewKeyReport},
    rotate::report::RotateReport,
};
use snapbox::{Data, assert_data_eq};

#[test]
fn the_reference_tells_of_every_command() {
    let mut text =
        "# Commands and options\n\nMade from the program; `seal COMMAND --help` says the \
                    same.\n"
            .to_owned();
    for (path, command) in commands() {
        let help = command.clone().render_long_help().to_string();
        write!(text, "\n## {path}\n\n```text\n{}\n```\n", trimmed(&help)).unwrap();
    }
    is_current("cli-reference.md", text);
}

#[test]
fn every_command_has_a_manual_page() {
    let mut pages = BTreeSet::new();
    for (path, command) in commands() {
        let name = path.replace(' ', "-");
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
        is_current(&format!("man/{name}.1"), page);
        pages.insert(format!("{name}.1"));
    }
    let there = fs::read_dir(docs("man")).unwrap();
    let there: BTreeSet<_> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, pages, "pages of commands that are gone");
}

#[test]
fn the_schemas_are_those_of_the_types() {
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        is_current(&format!("schemas/{name}.json"), text);
    }
}

#[test]
fn every_command_with_output_for_machines_has_a_schema_that_is_documented() {
    let prints_json = |command: &Command| {
        let output = command.get_arguments().find(|it| it.get_id() == "output");
        let forms = output.map(clap::Arg::get_possible_values);
        forms.is_some_and(|forms| forms.iter().any(|form| form.matches("json", false)))
    };
    let commands = commands().into_iter();
    let commands: BTreeSet<_> = commands
        .filter(|(_, command)| prints_json(command))
        .map(|(path, _)| path)
        .collect();
    let name = |path: &String| path.trim_start_matches("seal ").replace(' ', "-");
    let names: BTreeSet<_> = commands.iter().map(name).collect();
    assert_eq!(names, schemas().into_keys().map(str::to_owned).collect());
    let there = fs::read_dir(docs("schemas")).unwrap();
    let there: BTreeSet<_> = there
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let files = names.iter().map(|name| format!("{name}.json")).collect();
    assert_eq!(there, files, "schemas of commands that are gone");
    let documented = fs::read_to_string(docs("machine-output.md")).unwrap();
    for path in &commands {
        let file = format!("schemas/{}.json", name(path));
        let row = format!("| `{path} --output json` | [{file}]({file}) |");
        assert!(documented.contains(&row), "{row}");
    }
}

/// Of what is printed for machines, by command.
fn schemas() -> BTreeMap<&'static str, Schema> {
    fn of<T: JsonSchema>() -> Schema {
        // As it is written, not as it might be read.
        let settings = SchemaSettings::draft2020_12().for_serialize();
        settings.into_generator().into_root_schema_for::<T>()
    }
    [
        ("check", of::<CheckReport>()),
        ("diff", of::<DiffReport>()),
        ("keys-list", of::<KeyList>()),
        ("keys-rotate", of::<NewKeyReport>()),
        ("keys-verify-backup", of::<BackupReport<'_>>()),
        ("rotate", of::<RotateReport>()),
    ]
    .into()
}

/// Every command with the words that call it, those of commands within commands too.
fn commands() -> Vec<(String, Command)> {
    let mut root = seal_cli::command();
    root.build();
    let mut commands = Vec::new();
    collect("seal", &root, &mut commands);
    commands
}

fn collect(path: &str, command: &Command, commands: &mut Vec<(String, Command)>) {
    commands.push((path.to_owned(), command.clone()));
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        collect(&format!("{path} {}", inner.get_name()), inner, commands);
    }
}

/// Without the blanks that help leaves at the ends of lines.
fn trimmed(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

fn is_current(name: &str, text: String) {
    let path = docs(name);
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    assert_data_eq!(Data::text(text), Data::read_from(&path, None).raw());
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).join(name)
}
