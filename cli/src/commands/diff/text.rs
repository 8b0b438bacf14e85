//! The report for people.

use std::{
    fmt,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::report::{
    Change, DiffReport, FieldChange, ItemChange, ItemVerb, ObjectChange, Value, ValueVerb,
};

const HEADING: Style = Style::new().bold();
const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Lines that are shown around those that differ.
const CONTEXT: usize = 3;

/// Writes it piece by piece, so that no copy of a value is left in a buffer that grows.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &DiffReport, out: &mut impl Write) -> io::Result<()> {
    for object in &report.objects {
        write_object(object, out)?;
    }
    Ok(())
}

fn write_object(object: &ObjectChange, out: &mut impl Write) -> io::Result<()> {
    let name = match &object.namespace {
        Some(namespace) => format!("{namespace}/{}", object.name),
        None => object.name.clone(),
    };
    write!(out, "{HEADING}{}{HEADING:#}", Printable(&name))?;
    match (object.change, &object.old, &object.new) {
        (Change::Added, _, Some(place)) => writeln!(out, "  {ADDED}added{ADDED:#} in {place}")?,
        (Change::Removed, Some(place), _) => {
            writeln!(out, "  {REMOVED}removed{REMOVED:#} from {place}")?;
        }
        (_, _, Some(place)) => writeln!(out, "  {place}")?,
        _ => writeln!(out)?,
    }
    if let Some(scope) = &object.scope {
        line(
            out,
            CHANGED,
            "scope",
            &format_args!("{} -> {}", scope.old, scope.new),
        )?;
    }
    if let Some(recipients) = &object.recipients {
        let (old, new) = (listed(&recipients.old), listed(&recipients.new));
        line(out, CHANGED, "recipients", &format_args!("{old} -> {new}"))?;
    }
    for item in &object.items {
        write_item(item, out)?;
    }
    for field in &object.fields {
        write_field(field, out)?;
    }
    Ok(())
}

fn listed(ids: &[String]) -> String {
    if ids.is_empty() {
        return "not said".to_owned();
    }
    ids.join(", ")
}

fn write_item(item: &ItemChange, out: &mut impl Write) -> io::Result<()> {
    let key = Printable(&item.key);
    match item.change {
        ItemVerb::Added => line(out, ADDED, "added", &key)?,
        ItemVerb::Removed => line(out, REMOVED, "removed", &key)?,
        ItemVerb::Resealed => {
            let value = match item.value {
                None => "",
                Some(ValueVerb::Same) => ", the same value",
                Some(ValueVerb::Changed) => ", another value",
                Some(ValueVerb::DoesNotOpen) => ", does not open with these keys",
            };
            line(out, CHANGED, "resealed", &format_args!("{key}{value}"))?;
        }
    }
    if item.value == Some(ValueVerb::Same) {
        return Ok(());
    }
    match (&item.old_value, &item.new_value) {
        (Some(old), Some(new)) => write_difference(old, new, out),
        (Some(old), None) => write_value(old, ChangeTag::Delete, out),
        (None, Some(new)) => write_value(new, ChangeTag::Insert, out),
        (None, None) => Ok(()),
    }
}

fn write_field(field: &FieldChange, out: &mut impl Write) -> io::Result<()> {
    let path = Printable(&field.path);
    match field.change {
        Change::Added => line(out, ADDED, "added", &format_args!("field {path}")),
        Change::Removed => line(out, REMOVED, "removed", &format_args!("field {path}")),
        Change::Changed => line(out, CHANGED, "changed", &format_args!("field {path}")),
    }
}

fn line(out: &mut impl Write, style: Style, word: &str, what: &dyn fmt::Display) -> io::Result<()> {
    writeln!(out, "  {style}{word:<10}{style:#} {what}")
}

fn write_difference(old: &Value, new: &Value, out: &mut impl Write) -> io::Result<()> {
    let (Ok(was), Ok(is)) = (std::str::from_utf8(&old.0), std::str::from_utf8(&new.0)) else {
        write_value(old, ChangeTag::Delete, out)?;
        return write_value(new, ChangeTag::Insert, out);
    };
    let ends_differ = was.ends_with('\n') != is.ends_with('\n');
    let diff = TextDiff::from_lines(was, is);
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            writeln!(out, "      ...")?;
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let ends_bare = ends_differ && change.missing_newline();
            write_line(change.value(), change.tag(), ends_bare, out)?;
        }
    }
    Ok(())
}

fn write_value(value: &Value, tag: ChangeTag, out: &mut impl Write) -> io::Result<()> {
    match std::str::from_utf8(&value.0) {
        Ok(text) if !text.is_empty() => text
            .split_inclusive('\n')
            .try_for_each(|line| write_line(line, tag, false, out)),
        Ok(_) => write_line("(empty)", tag, false, out),
        Err(_) => {
            let size = format!("({} bytes that are no text)", value.0.len());
            write_line(&size, tag, false, out)
        }
    }
}

fn write_line(text: &str, tag: ChangeTag, ends_bare: bool, out: &mut impl Write) -> io::Result<()> {
    let (sign, style) = match tag {
        ChangeTag::Delete => ('-', REMOVED),
        ChangeTag::Insert => ('+', ADDED),
        ChangeTag::Equal => (' ', Style::new()),
    };
    let text = Printable(text.strip_suffix('\n').unwrap_or(text));
    let note = if ends_bare {
        "  (no line break at the end)"
    } else {
        ""
    };
    writeln!(out, "      {style}{sign} {text}{style:#}{note}")
}

/// Text that cannot command a terminal.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.0.chars().try_for_each(|letter| match letter {
            '\t' => f.write_char(letter),
            letter if letter.is_control() => write!(f, "{}", letter.escape_debug()),
            letter => f.write_char(letter),
        })
    }
}
