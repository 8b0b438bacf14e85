//! Help: the commands in groups, and the name by which the program was called.

use std::fmt::Write;

use clap::{Command, builder::StyledStr};

/// The commands in the order in which people meet them. What stands in no group stands behind all.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Seal", &["encrypt", "value", "init"]),
    ("Change", &["set", "unset", "edit", "rotate"]),
    ("Review", &["check", "diff", "template"]),
    ("Keys and recovery", &["keys", "decrypt"]),
    ("This program", &["completions"]),
];
const REST: &str = "Other commands";

/// The same with its commands in groups.
#[must_use]
pub fn grouped(command: Command) -> Command {
    let header = command.get_styles().get_header();
    let literal = command.get_styles().get_literal();
    let mut text = String::new();
    let mut write_group = |title: &str, members: &[&Command]| {
        if members.is_empty() {
            return;
        }
        let _ = writeln!(text, "{header}{title}:{header:#}");
        for member in members {
            let about = member.get_about().map(ToString::to_string);
            let (name, about) = (member.get_name(), about.unwrap_or_default());
            let _ = writeln!(text, "  {literal}{name:<11}{literal:#}  {about}");
        }
        text.push('\n');
    };
    let mut rest: Vec<_> = command
        .get_subcommands()
        .filter(|it| !it.is_hide_set())
        .collect();
    for (title, names) in GROUPS {
        let members: Vec<_> = names
            .iter()
            .filter_map(|name| rest.iter().copied().find(|it| it.get_name() == *name))
            .collect();
        rest.retain(|it| !names.contains(&it.get_name()));
        write_group(title, &members);
    }
    write_group(REST, &rest);
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{text}\
         {header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    command.help_template(template)
}

/// The same as a plugin of kubectl: usage and examples are what people have to type.
#[must_use]
pub fn for_kubectl(command: Command) -> Command {
    retold(command).bin_name("kubectl seal")
}

fn retold(command: Command) -> Command {
    let examples = command.get_after_help().map(|text| {
        let mut told = String::new();
        for line in text.to_string().lines() {
            let _ = writeln!(told, "{}", retold_line(line));
        }
        StyledStr::from(told.trim_end().to_owned())
    });
    let command = match examples {
        Some(examples) => command.after_help(examples),
        None => command,
    };
    command.mut_subcommands(retold)
}

/// A line that calls the program, after a pipe, too.
fn retold_line(line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    let (indent, text) = line.split_at(start);
    let text = match text.strip_prefix("seal ") {
        Some(rest) if !indent.is_empty() => format!("kubectl seal {rest}"),
        _ => text.to_owned(),
    };
    format!("{indent}{}", text.replace("| seal ", "| kubectl seal "))
}
