//! What can be written at the cursor. While somebody types, the code does not parse, so this looks
//! at the text before the cursor; what there is to name comes from the last analysis.

use lint_core::diagnostic::Span;
use lint_core::knowledge::Role;
use lint_core::source::SourceFile;
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTag, CompletionItemTextEdit, CompletionList,
    CompletionParams, CompletionResponse, Documentation, InsertTextFormat, MarkupContent,
    MarkupKind, TextEdit,
};
use rules::{HINT_COMPONENTS, icons};

use super::client::Capabilities;
use super::hover::of_icon;
use super::lookup::{Looked, line_at, suppression_in};
use super::running::{Outcome, Running};

/// More icons than anybody looks through.
const MAX_ICONS: usize = 200;
/// How far back the beginning of a call is looked for.
const MAX_CALL: usize = 2_000;
const STEP_ARGUMENTS: [(&str, &str); 4] = [
    ("name", "the id of the step, in kebab case"),
    ("title", "what the breadcrumb shows"),
    ("icon", "the name of a Lucide icon"),
    ("config", "settings of the step"),
];

/// Where the cursor is.
enum Place {
    /// In a comment that names rules.
    Suppression,
    /// In the text that is the value of this key or keyword.
    Value(String),
    /// Where an argument of a step begins; these are there already.
    StepArgument(Vec<&'static str>),
}

impl Running<'_> {
    pub(super) fn completion(
        &mut self,
        params: CompletionParams,
    ) -> Outcome<Option<CompletionResponse>> {
        let can = self.client.can.clone();
        let at = self.look_at(&params.text_document_position_params)?;
        let Some((looked, offset)) = at else {
            return Ok(None);
        };
        let source = &looked.document.source;
        let Some((place, start)) = place(source, offset) else {
            return Ok(None);
        };
        let span = Span::new(start, offset);
        let written = source.slice(span);
        let mut items = match &place {
            Place::Suppression => of_rules(),
            Place::StepArgument(given) => of_step(given, &can),
            Place::Value(key) => of_value(key, written, &looked, offset),
        };
        let range = can.encoding.range(source, span);
        for (index, item) in items.iter_mut().enumerate() {
            let new_text = item
                .insert_text
                .take()
                .unwrap_or_else(|| item.label.clone());
            item.text_edit = Some(CompletionItemTextEdit::TextEdit(TextEdit {
                range,
                new_text,
            }));
            item.sort_text = Some(format!("{index:04}"));
        }
        let list = CompletionList {
            // Icons are also found by what they depict, which only we know.
            is_incomplete: matches!(&place, Place::Value(key) if key == "icon"),
            items,
            ..CompletionList::default()
        };
        Ok(Some(list.into()))
    }
}

fn place(source: &SourceFile, offset: u32) -> Option<(Place, u32)> {
    let (line, line_start) = line_at(source, offset);
    let before = &line[..(offset - line_start) as usize];
    let word_start = |is_part: fn(char) -> bool| {
        let kept = before.trim_end_matches(is_part);
        line_start + kept.len() as u32
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if suppression_in(before).is_some_and(|at| before[at..].contains([':', '['])) {
        return Some((Place::Suppression, word_start(is_name)));
    }
    // Only runbooks have what follows, and they name the SDK.
    if !source.text.contains("ntro") {
        return None;
    }
    if let Some((key, start)) = open_value(before) {
        return Some((Place::Value(key), line_start + start as u32));
    }
    let given = step_arguments(&source.text[..offset as usize])?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    Some((Place::StepArgument(given), word_start(is_word)))
}

/// The key or keyword whose text the cursor is in: `icon="Bel` and `"icon": "Bel`. Also returns
/// where the text begins.
fn open_value(before: &str) -> Option<(String, usize)> {
    let mut open: Option<(char, usize)> = None;
    for (at, c) in before.char_indices() {
        match open {
            None if c == '"' || c == '\'' => open = Some((c, at)),
            None if c == '#' => return None,
            Some((quote, _)) if c == quote => open = None,
            _ => {}
        }
    }
    let (_, at) = open?;
    let head = before[..at].trim_end();
    let key = if let Some(head) = head.strip_suffix('=') {
        let head = head.trim_end();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        &head[head.trim_end_matches(is_part).len()..]
    } else {
        let head = head.strip_suffix(':')?.trim_end();
        let head = head.strip_suffix(['"', '\''])?;
        &head[head.rfind(['"', '\''])? + 1..]
    };
    (!key.is_empty()).then(|| (key.to_owned(), at + 1))
}

/// The arguments that are there already, if the text ends where one of a step may begin.
fn step_arguments(before: &str) -> Option<Vec<&'static str>> {
    let mut from = before.len().saturating_sub(MAX_CALL);
    while !before.is_char_boundary(from) {
        from += 1;
    }
    let tail = &before[from..];
    let decorator = &tail[tail.rfind('@')?..];
    let (callee, arguments) = decorator.split_once('(')?;
    if callee != "@step" && !callee.ends_with(".step") {
        return None;
    }
    let mut depth = 0_i32;
    let mut quote: Option<char> = None;
    for c in arguments.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if "([{".contains(c) => depth += 1,
            None if ")]}".contains(c) => depth -= 1,
            None => {}
        }
        if depth < 0 {
            return None;
        }
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let head = arguments.trim_end_matches(is_word).trim_end();
    let begins = quote.is_none() && depth == 0 && (head.is_empty() || head.ends_with(','));
    let names = STEP_ARGUMENTS.into_iter().map(|(name, _)| name);
    begins.then(|| {
        names
            .filter(|name| head.contains(&format!("{name}=")))
            .collect()
    })
}

fn of_rules() -> Vec<CompletionItem> {
    rules::metadata()
        .flat_map(|rule| {
            let docs = rule.docs.split("## Example").next().unwrap_or(rule.docs);
            let item = |label: &str, detail: String| CompletionItem {
                label: label.to_owned(),
                kind: Some(CompletionItemKind::EnumMember),
                detail: Some(detail),
                documentation: Some(markdown(docs.trim().to_owned())),
                ..CompletionItem::default()
            };
            [
                item(rule.code, format!("{}: {}", rule.name, rule.summary)),
                item(rule.name, format!("{}: {}", rule.code, rule.summary)),
            ]
        })
        .collect()
}

fn markdown(value: String) -> Documentation {
    Documentation::MarkupContent(MarkupContent {
        kind: MarkupKind::Markdown,
        value,
    })
}

fn of_step(given: &[&str], can: &Capabilities) -> Vec<CompletionItem> {
    let missing = STEP_ARGUMENTS
        .into_iter()
        .filter(|(name, _)| !given.contains(name));
    missing
        .map(|(name, detail)| {
            let text = match (name, can.snippets) {
                ("config", _) => "config=".to_owned(),
                (_, true) => format!("{name}=\"$1\""),
                (_, false) => format!("{name}="),
            };
            CompletionItem {
                label: format!("{name}="),
                kind: Some(CompletionItemKind::Field),
                detail: Some(detail.to_owned()),
                insert_text_format: text.contains('$').then_some(InsertTextFormat::Snippet),
                insert_text: Some(text),
                ..CompletionItem::default()
            }
        })
        .collect()
}

fn of_value(key: &str, written: &str, looked: &Looked<'_>, offset: u32) -> Vec<CompletionItem> {
    let outline = &looked.renderer.snapshot.outline;
    match key {
        "icon" => of_icons(written),
        "component" => {
            let known = HINT_COMPONENTS.iter();
            plain(known.map(|it| (*it).to_owned()), "a component of the UI")
        }
        "slug" | "runbook_slug" => {
            let mut slugs: Vec<String> = outline
                .bundles
                .iter()
                .flat_map(|it| it.slugs.clone())
                .collect();
            slugs.sort();
            slugs.dedup();
            plain(slugs.into_iter(), "a runbook of this project")
        }
        "signal_name" => {
            let runbooks = outline.runbooks.iter();
            let here = runbooks.filter(|it| looked.is_at(it.place, offset));
            let handlers = here.flat_map(|it| &it.handlers);
            let signals = handlers.filter(|it| it.role == Role::Signal);
            plain(
                signals.map(|it| it.name.clone().unwrap_or_else(|| it.method.clone())),
                "a signal of this runbook",
            )
        }
        _ => Vec::new(),
    }
}

fn plain(labels: impl Iterator<Item = String>, detail: &str) -> Vec<CompletionItem> {
    labels
        .map(|label| CompletionItem {
            label,
            kind: Some(CompletionItemKind::Value),
            detail: Some(detail.to_owned()),
            ..CompletionItem::default()
        })
        .collect()
}

/// Icons whose name begins with what is written, then those that it describes.
fn of_icons(written: &str) -> Vec<CompletionItem> {
    let lower = written.to_ascii_lowercase();
    let mut found: Vec<&'static icons::Icon> = icons::all()
        .filter(|it| it.name.to_ascii_lowercase().starts_with(&lower) && !it.deprecated)
        .collect();
    for icon in icons::search(written) {
        if !found.iter().any(|it| it.name == icon.name) {
            found.push(icon);
        }
    }
    found.truncate(MAX_ICONS);
    found
        .into_iter()
        .map(|icon| CompletionItem {
            label: icon.name.to_owned(),
            kind: Some(CompletionItemKind::EnumMember),
            detail: Some(icon.tags.to_owned()),
            documentation: of_icon(icon.name).map(markdown),
            tags: icon.deprecated.then(|| vec![CompletionItemTag::Deprecated]),
            // The client would throw out what was found by its tags.
            filter_text: Some(written.to_owned()).filter(|it| !it.is_empty()),
            ..CompletionItem::default()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_key_or_keyword_is_found() {
        let value = |text: &str| open_value(text).map(|(key, at)| (key, text[at..].to_owned()));
        let found = |key: &str, text: &str| Some((key.to_owned(), text.to_owned()));
        assert_eq!(
            value(r#"    @runbook.step(name="é", icon="Bel"#),
            found("icon", "Bel")
        );
        assert_eq!(value("  icon = 'B"), found("icon", "B"));
        assert_eq!(value(r#"{"component": ""#), found("component", ""));
        assert_eq!(value(r#"x = f("a", "b"#), None);
        assert_eq!(value(r#"icon="Bell""#), None);
        assert_eq!(value(r#"# icon="Bel"#), None);
    }

    #[test]
    fn arguments_of_a_step_begin_after_a_bracket_or_a_comma() {
        assert_eq!(step_arguments("@runbook.step("), Some(vec![]));
        assert_eq!(
            step_arguments("@runbook.step(name=\"a\",\n    ti"),
            Some(vec!["name"])
        );
        assert_eq!(step_arguments("@runbook.step(name=\"a\" "), None);
        assert_eq!(step_arguments("@runbook.step(name=f("), None);
        assert_eq!(
            step_arguments("@runbook.step(name=\"a\")\nasync def f("),
            None
        );
        assert_eq!(step_arguments("@runbook.signal("), None);
        assert_eq!(step_arguments("print(a, "), None);
    }
}
