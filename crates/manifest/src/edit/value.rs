//! Another text for a scalar or an alias.

use zeroize::Zeroizing;

use super::error::EditError;
use super::layout::{Header, Layout};
use super::plan::Replacement;
use super::spelling::{Context, Habit, Quotes, concat, spell};
use crate::style::Shape;
use crate::tree::{Content, NodeId, ScalarStyle, Tag};

pub(super) fn replace(
    layout: &Layout<'_>,
    id: NodeId,
    text: &str,
) -> Result<Vec<Replacement>, EditError> {
    let mut replacements = drop_tag(layout, id);
    let node = layout.node(id);
    let style = match layout.data(id).map(|data| &data.content) {
        Some(Content::Scalar { style, .. }) => *style,
        _ => ScalarStyle::Plain,
    };
    if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
        let header = layout.header(id).ok_or_else(|| EditError::unproven(node))?;
        replacements.extend(block_scalar(layout, id, &header, style, text));
        return Ok(replacements);
    }
    let spelled = spelled(layout, id, style, text);
    let span = node.span();
    replacements.push(if span.is_empty() {
        let (at, before) = place_of_nothing(layout, id)?;
        Replacement::insert(at, concat(&[before, &spelled]))
    } else {
        Replacement::new(span, spelled)
    });
    Ok(replacements)
}

/// The text in the node's own style or, where it has none to go by, in that of its siblings.
fn spelled(layout: &Layout<'_>, id: NodeId, style: ScalarStyle, text: &str) -> Zeroizing<String> {
    let parent = layout.family.parent(id);
    let siblings = parent.map(|parent| layout.habits(parent, Some(id)));
    let (values, context) = match siblings {
        Some(habits) => (habits.values, habits.context),
        None if layout.is_json() => (Habit::PLAIN, Context::Json),
        None => (Habit::PLAIN, Context::Block),
    };
    let alias = matches!(
        layout.data(id).map(|data| &data.content),
        Some(Content::Alias(_))
    );
    let habit = match style {
        ScalarStyle::SingleQuoted => Habit::quoted(Quotes::Single),
        ScalarStyle::DoubleQuoted => Habit::quoted(Quotes::Double),
        // Only a text shows how texts are written here.
        _ if alias || layout.node(id).type_name() != "text" => values,
        _ => Habit {
            plain: true,
            quotes: values.quotes,
        },
    };
    spell(text, habit, context)
}

/// Where the value of a node that takes no bytes goes, and what comes before it.
pub(super) fn place_of_nothing(
    layout: &Layout<'_>,
    id: NodeId,
) -> Result<(usize, &'static str), EditError> {
    if let Some(properties) = layout.node(id).properties_span() {
        return Ok((properties.end, " "));
    }
    let Some(key) = layout.family.key(id) else {
        // The parser puts an empty item behind the comments that follow its dash.
        let at = layout.node(id).span().start;
        return if layout.slice(0..at).ends_with('-') {
            Ok((at, " "))
        } else {
            Err(layout.unsupported(id, "a list item is empty here; write \"null\" for it"))
        };
    };
    match layout.after_colon(key) {
        Some(at) => Ok((at, " ")),
        None if layout.in_flow(id) => Ok((layout.node(key).span().end, ": ")),
        None => {
            Err(layout.unsupported(key, "this key is written with \"?\"; write it as \"key:\""))
        }
    }
}

/// Removes a tag that does not go with text.
pub(super) fn drop_tag(layout: &Layout<'_>, id: NodeId) -> Vec<Replacement> {
    let Some(data) = layout.data(id) else {
        return Vec::new();
    };
    let goes = !matches!(data.tag, Tag::None | Tag::Str | Tag::Other | Tag::Merge);
    let Some(properties) = data.properties.clone().filter(|_| goes) else {
        return Vec::new();
    };
    let text = layout.slice(properties.clone());
    let blank = [' ', '\t', '\r', '\n'];
    let start = text.match_indices('!').map(|(at, _)| at).find(|at| {
        *at == 0
            || text
                .get(..*at)
                .is_some_and(|before| before.ends_with(blank))
    });
    let Some(start) = start else {
        return Vec::new();
    };
    let rest = text.get(start..).unwrap_or_default();
    let mut end = properties.start + start + rest.find(blank).unwrap_or(rest.len());
    let behind = layout.slice(end..layout.text().len());
    if !data.span.is_empty() {
        end += behind.len() - behind.trim_start_matches([' ', '\t']).len();
    }
    vec![Replacement::delete(properties.start + start..end)]
}

/// Keeps the block form where that can hold the text, otherwise writes it in quotes.
fn block_scalar(
    layout: &Layout<'_>,
    id: NodeId,
    header: &Header,
    style: ScalarStyle,
    text: &str,
) -> Vec<Replacement> {
    let content_start = layout.line_end(header.range.end);
    let content = content_start..solid_end(layout, id, content_start);
    let Some(new_header) = new_header(layout, id, header, style, text) else {
        let quoted = spell(text, Habit::quoted(Quotes::Double), Context::Block);
        return vec![
            Replacement::new(header.range.clone(), quoted),
            Replacement::delete(content),
        ];
    };
    let line_break = layout.line_break(header.range.start);
    let indentation = " ".repeat(layout.column(layout.node(id).span().start));
    let mut pieces = Vec::new();
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        pieces.push(line_break);
        if !line.is_empty() {
            pieces.extend([indentation.as_str(), line]);
        }
    }
    vec![
        Replacement::new(header.range.clone(), Zeroizing::new(new_header)),
        Replacement::new(content, concat(&pieces)),
    ]
}

/// The end of the last line that is not empty.
fn solid_end(layout: &Layout<'_>, id: NodeId, content_start: usize) -> usize {
    let content = layout.slice(content_start..layout.node(id).span().end);
    let solid = content.trim_end().len();
    let rest = content.get(solid..).unwrap_or_default();
    content_start + solid + rest.find(['\n', '\r']).unwrap_or(rest.len())
}

/// The header for this text, if a block scalar in the same place can hold it.
fn new_header(
    layout: &Layout<'_>,
    id: NodeId,
    header: &Header,
    style: ScalarStyle,
    text: &str,
) -> Option<String> {
    let old = layout.node(id).as_str()?;
    if old.trim_matches(['\n', ' ']).is_empty() || !Shape::of(text).literal_allowed() {
        return None;
    }
    let line = text.strip_suffix('\n').unwrap_or(text);
    let blank_start = line.starts_with([' ', '\n']) || line.is_empty();
    if line.ends_with('\n') || (blank_start && header.indentation.is_none()) {
        return None;
    }
    let ends_input = layout.line_end(layout.end(id)) == layout.text().len();
    let chomping = match (text.ends_with('\n'), header.chomping) {
        (true, _) if ends_input => return None,
        (true, _) => "",
        (false, _) => "-",
    };
    let folded = style == ScalarStyle::Folded && !line.contains('\n') && !blank_start;
    let indicator = if folded { '>' } else { '|' };
    let indentation = header.indentation.map(String::from).unwrap_or_default();
    let old_header = layout.slice(header.range.clone());
    let same = old_header.starts_with(indicator) && header.chomping == chomping.chars().next();
    Some(if same {
        old_header.to_owned()
    } else {
        format!("{indicator}{indentation}{chomping}")
    })
}
