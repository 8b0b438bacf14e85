//! Manifests as many hands would write them.

use proptest::prelude::*;

/// How one manifest is written throughout.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    line_break: &'static str,
    step: usize,
    mark: bool,
    final_break: bool,
    json: u8,
}

/// A value with its own style.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Text(String, u8, Comment),
    Null(u8, Comment),
    Number(i32),
    Alias(prop::sample::Index),
    Map(Vec<(String, u8, Tree, Comment)>, u8),
    List(Vec<Tree>, u8),
}

/// Comments and blank lines around a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comment(u8);

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z0-9+/]{1,90}={0,2}",
        2 => "[a-z0-9.:#, -]{0,20}",
        1 => "[ \\n\\t:#'\"\\\\a-c{}\\[\\],?&*!|>%@`0-9_.+=-]{0,12}",
        1 => "[a-z]{1,5}(\\n[ a-z]{0,5}){0,3}\\n?",
        1 => prop::sample::select(vec!["0777", "no", "~", "null", "", "1:30", "<<", "=", "é🔑", "\u{85}", "---"])
            .prop_map(str::to_owned),
    ]
}

pub(crate) fn comment() -> impl Strategy<Value = Comment> {
    any::<u8>().prop_map(Comment)
}

pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        6 => (text(), any::<u8>(), comment()).prop_map(|(text, style, c)| Tree::Text(text, style, c)),
        1 => (any::<u8>(), comment()).prop_map(|(style, c)| Tree::Null(style, c)),
        1 => any::<i32>().prop_map(Tree::Number),
        1 => any::<prop::sample::Index>().prop_map(Tree::Alias),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        let entry = (prop_oneof![3 => "[a-z]{1,4}", 1 => text()], any::<u8>(), inner.clone(), comment());
        prop_oneof![
            3 => (prop::collection::vec(entry, 0..5), any::<u8>()).prop_map(|(entries, style)| Tree::Map(entries, style)),
            1 => (prop::collection::vec(inner, 0..4), any::<u8>()).prop_map(|(items, style)| Tree::List(items, style)),
        ]
    })
}

fn style() -> impl Strategy<Value = Style> {
    let line_break = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\r"]);
    (
        line_break,
        1usize..6,
        prop::bool::weighted(0.2),
        any::<bool>(),
        0u8..12,
    )
        .prop_map(|(line_break, step, mark, final_break, json)| Style {
            line_break,
            step,
            mark,
            final_break,
            json,
        })
}

/// A stream of one to three documents.
pub(crate) fn manifest() -> impl Strategy<Value = String> {
    let entry = (
        prop_oneof!["[a-z]{1,4}", text()],
        any::<u8>(),
        tree(),
        comment(),
    );
    let document = (prop::collection::vec(entry, 1..6), any::<u8>())
        .prop_map(|(entries, kind)| (as_list(Tree::Map(entries, 0), kind), kind));
    stream_of(prop::collection::vec(document, 1..4))
}

/// A stream of these mappings, each with a number by which its document is written one way or another.
pub(crate) fn stream_of(
    documents: impl Strategy<Value = Vec<(Tree, u8)>>,
) -> impl Strategy<Value = String> {
    (style(), documents).prop_map(|(style, documents)| written(&style, &documents))
}

fn written(style: &Style, documents: &[(Tree, u8)]) -> String {
    let mut text = if style.mark {
        "\u{feff}".to_owned()
    } else {
        String::new()
    };
    for (at, (root, kind)) in documents.iter().enumerate() {
        let mut writer = Writer {
            style,
            anchors: Vec::new(),
            count: 0,
        };
        if style.json == 0 {
            text.push_str(&writer.json(root, 0, kind % 2 == 0));
            text.push_str(style.line_break);
            continue;
        }
        if at > 0 || kind % 3 == 0 {
            text.push_str("---");
            text.push_str(style.line_break);
        }
        text.push_str(writer.block(root, 0, true).trim_start_matches(['\n', '\r']));
        text.push_str(style.line_break);
    }
    if !style.final_break {
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    text
}

/// Some documents are lists of objects.
fn as_list(root: Tree, kind: u8) -> Tree {
    if !kind.is_multiple_of(5) {
        return root;
    }
    let none = Comment(255);
    let plain = |text: &str| Tree::Text(text.to_owned(), 0, none);
    Tree::Map(
        vec![
            ("kind".to_owned(), 0, plain("List"), none),
            (
                "items".to_owned(),
                0,
                Tree::List(vec![root.clone(), root], kind),
                none,
            ),
        ],
        0,
    )
}

struct Writer<'a> {
    style: &'a Style,
    anchors: Vec<(String, bool)>,
    count: usize,
}

impl Writer<'_> {
    fn line(&self, column: usize) -> String {
        format!("{}{}", self.style.line_break, " ".repeat(column))
    }

    /// What stands behind a key or dash: a blank with the value, or lines below.
    fn block(&mut self, tree: &Tree, column: usize, root: bool) -> String {
        match tree {
            Tree::Map(entries, style) if root || !(entries.is_empty() || style % 4 == 0) => {
                let anchored = style % 7 == 1 && !root;
                let anchor = if anchored {
                    self.anchor()
                } else {
                    String::new()
                };
                let lines = self.map_lines(entries, column);
                if anchored {
                    // Behind its end it may be merged.
                    let name = anchor.trim_start_matches([' ', '&']).to_owned();
                    self.anchors.push((name, true));
                }
                format!("{anchor}{lines}")
            }
            Tree::List(items, style) if !(items.is_empty() || style % 4 == 0) => {
                let column = if style % 2 == 0 {
                    column.saturating_sub(self.style.step)
                } else {
                    column
                };
                let lines: Vec<String> = items
                    .iter()
                    .map(|item| self.item(item, column, *style))
                    .collect();
                lines.concat()
            }
            Tree::Text(text, style, comment) => self.text(text, *style, *comment, column),
            Tree::Null(style, comment) => {
                let null = ["", " ~", " null", " {}", " # nothing here"][usize::from(style % 5)];
                format!(
                    "{null}{}",
                    if style % 5 < 4 {
                        self.behind(*comment)
                    } else {
                        String::new()
                    }
                )
            }
            other => format!(" {}", self.flow(other, column)),
        }
    }

    fn item(&mut self, item: &Tree, column: usize, style: u8) -> String {
        let dash = format!("{}-", self.line(column));
        match item {
            Tree::Map(entries, own)
                if !(entries.is_empty() || own % 4 == 0 || style.is_multiple_of(3)) =>
            {
                let blanks = 1 + usize::from(style % 3) * 2 - 2;
                let lines = self.map_lines(entries, column + 1 + blanks);
                let first = lines.trim_start_matches(['\n', '\r', ' ']);
                if first.starts_with('#') {
                    return format!("{dash}{lines}");
                }
                format!("{dash}{}{first}", " ".repeat(blanks))
            }
            other => format!(
                "{dash}{}",
                self.block(other, column + self.style.step, false)
            ),
        }
    }

    fn map_lines(&mut self, entries: &[(String, u8, Tree, Comment)], column: usize) -> String {
        let mut lines = String::new();
        let mut seen = Vec::new();
        for (at, (key, style, value, comment)) in entries.iter().enumerate() {
            if at == 0
                && style % 9 == 0
                && let Some((name, _)) = self.anchors.iter().rev().find(|(_, map)| *map)
            {
                lines.push_str(&format!("{}<<: *{name}", self.line(column)));
            }
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            lines.push_str(&self.above(*comment, column));
            let key = quoted(key, *style, false);
            let value = self.block(value, column + self.style.step, false);
            lines.push_str(&format!("{}{key}:{value}", self.line(column)));
            if comment.0 % 11 == 0 && !value.contains(['|', '>']) {
                lines.push_str(&format!(
                    "{}# below: x",
                    self.line(column + usize::from(comment.0 % 3))
                ));
            }
        }
        lines
    }

    fn above(&self, comment: Comment, column: usize) -> String {
        match comment.0 % 6 {
            0 => format!("{}# about\tthis: [", self.line(column)),
            1 => self.style.line_break.to_owned(),
            2 if comment.0.is_multiple_of(4) => format!("{0}{0}# far", self.style.line_break),
            _ => String::new(),
        }
    }

    fn behind(&self, comment: Comment) -> String {
        match comment.0 % 5 {
            0 => "   # tab\there: | '".to_owned(),
            1 => " ".to_owned(),
            _ => String::new(),
        }
    }

    fn anchor(&mut self) -> String {
        self.count += 1;
        format!(" &a{}", self.count)
    }

    fn scalar_anchor(&mut self) -> String {
        let anchor = self.anchor();
        let name = anchor.trim_start_matches([' ', '&']).to_owned();
        self.anchors.push((name, false));
        anchor
    }

    fn text(&mut self, text: &str, style: u8, comment: Comment, column: usize) -> String {
        let properties = match style / 8 % 8 {
            0 => self.scalar_anchor(),
            1 => " !!str".to_owned(),
            2 => format!("{} !!str", self.scalar_anchor()),
            _ => String::new(),
        };
        let indentation = column.max(1);
        let body: String = text
            .split('\n')
            .map(|line| {
                if line.is_empty() {
                    self.style.line_break.to_owned()
                } else {
                    format!("{}{line}", self.line(indentation))
                }
            })
            .collect();
        let blockable = !text.is_empty()
            && text
                .split('\n')
                .all(|line| line.trim() == line && !line.contains(['\t', '\u{85}']))
            && !text.starts_with('\n')
            && !text.contains("\n\n")
            && !text.ends_with('\n');
        match style % 8 {
            0 if blockable => {
                format!(
                    "{properties} |{}",
                    ["-", "-  # strip", "", "+"][usize::from(comment.0 % 4)]
                ) + &body
            }
            1 if blockable => {
                format!(
                    "{properties} >{}",
                    ["-", "", " # fold"][usize::from(comment.0 % 3)]
                ) + &body
            }
            2 if !text.contains(['\n', '\t', '\u{85}', '\'', '"', '\\'])
                && text.trim() == text
                && text.contains(' ') =>
            {
                format!(
                    "{properties} \"{}\"{}",
                    text.replacen(' ', &self.line(column), 1),
                    self.behind(comment)
                )
            }
            _ => format!(
                "{properties} {}{}",
                quoted(text, style, false),
                self.behind(comment)
            ),
        }
    }

    fn flow(&mut self, tree: &Tree, column: usize) -> String {
        match tree {
            Tree::Text(text, style, _) => quoted(text, *style, true),
            Tree::Null(..) => "null".to_owned(),
            Tree::Number(number) => number.to_string(),
            Tree::Alias(at) => {
                if self.anchors.is_empty() {
                    return "~".to_owned();
                }
                format!("*{} ", at.get(&self.anchors).0)
            }
            Tree::List(items, style) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item, column)).collect();
                format!("[{}]", items.join(if style % 2 == 0 { ", " } else { "," }))
            }
            Tree::Map(entries, style) => {
                let lines = style % 3 == 1;
                let mut seen = Vec::new();
                let mut parts = Vec::new();
                for (key, key_style, value, _) in entries {
                    if seen.contains(&key) {
                        continue;
                    }
                    seen.push(key);
                    let value = self.flow(value, column + 2);
                    parts.push(format!("{}: {value}", quoted(key, *key_style, true)));
                }
                let trailing = if style % 5 == 0 && !parts.is_empty() {
                    ","
                } else {
                    ""
                };
                if lines && !parts.is_empty() {
                    let comment = if style % 2 == 0 { " # in flow" } else { "" };
                    let joined = parts.join(&format!(",{comment}{}", self.line(column + 2)));
                    format!(
                        "{{{}{joined}{trailing}{comment}{}}}",
                        self.line(column + 2),
                        self.line(column.max(1))
                    )
                } else if style % 2 == 0 {
                    format!("{{ {}{trailing} }}", parts.join(", "))
                } else {
                    format!("{{{}{trailing}}}", parts.join(" , "))
                }
            }
        }
    }

    fn json(&self, tree: &Tree, depth: usize, pretty: bool) -> String {
        let line = |depth: usize| {
            if pretty {
                self.line(depth * self.style.step)
            } else {
                String::new()
            }
        };
        let blank = if pretty { " " } else { "" };
        let (open, parts, close) = match tree {
            Tree::Text(text, ..) => {
                return serde_json::to_string(text)
                    .unwrap()
                    .replace('\u{85}', "\\u0085");
            }
            Tree::Number(number) => return number.to_string(),
            Tree::Null(..) | Tree::Alias(_) => return "null".to_owned(),
            Tree::List(items, _) => {
                let items = items.iter().map(|item| self.json(item, depth + 1, pretty));
                ('[', items.collect::<Vec<_>>(), ']')
            }
            Tree::Map(entries, _) => {
                let mut seen = Vec::new();
                let mut parts = Vec::new();
                for (key, _, value, _) in entries {
                    if !seen.contains(&key) {
                        seen.push(key);
                        let key = serde_json::to_string(key)
                            .unwrap()
                            .replace('\u{85}', "\\u0085");
                        parts.push(format!(
                            "{key}:{blank}{}",
                            self.json(value, depth + 1, pretty)
                        ));
                    }
                }
                ('{', parts, '}')
            }
        };
        if parts.is_empty() {
            return format!("{open}{close}");
        }
        let joined = parts.join(&format!(",{}", line(depth + 1)));
        format!("{open}{}{joined}{}{close}", line(depth + 1), line(depth))
    }
}

/// A text in the wanted quotes, or in double quotes where those are needed.
fn quoted(text: &str, style: u8, flow: bool) -> String {
    let bare = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+/=.".contains(c) || (c == '-' && !flow))
        && !matches!(
            text,
            "no" | "null" | "y" | "n" | "on" | "off" | "yes" | "true" | "false"
        );
    let single = !text.contains(|c: char| c.is_control());
    match style % 3 {
        0 if bare => text.to_owned(),
        1 if single => format!("'{}'", text.replace('\'', "''")),
        _ => serde_json::to_string(text)
            .unwrap()
            .replace('\u{85}', "\\u0085"),
    }
}
