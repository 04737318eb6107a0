//! YAML with the place of every node, read as the platform reads it.
//!
//! The platform uses PyYAML, that is YAML 1.1. The syntax comes from a parser for YAML 1.2, whose
//! few differences matter here are made up for: plain scalars are typed by the rules of 1.1, and
//! what PyYAML refuses (tabs between tokens, control characters, unknown tags) is an error.

use lint_core::diagnostic::Span;
use rustc_hash::FxHashMap;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::scalar::{self, Kind};

/// How the messages begin about texts that PyYAML takes, found by comparison on random texts.
const DOUBTFUL: [&str; 5] = [
    "invalid indentation",
    "comments must be separated",
    "plain scalar cannot start with '-'",
    "expected whitespace",
    "simple key expected",
];
/// Deeper documents are not written by people.
const MAX_DEPTH: usize = 100;
/// How many nodes a document may have once its aliases are replaced by what they stand for.
const MAX_NODES: usize = 100_000;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Mapping),
    /// An alias inside of what it stands for.
    Recursive,
}

#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Mapping {
    /// In the order of the text; those of merged mappings come first.
    pub(crate) entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Node,
    pub(crate) value: Node,
}

/// Why the text is no YAML for the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) message: String,
    pub(crate) span: Span,
    /// YAML 1.2 wants lines within brackets and quotes to be indented, PyYAML does not; there are a few
    /// more such rules. The text may be fine, and what it says is not known.
    pub(crate) is_doubtful: bool,
}

/// A key that an earlier entry of the same mapping has too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Duplicate {
    pub(crate) key: String,
    pub(crate) first: Span,
    pub(crate) second: Span,
}

#[derive(Debug, Default)]
pub(crate) struct Document {
    /// `None` when there is nothing but comments.
    pub(crate) root: Option<Node>,
    pub(crate) duplicates: Vec<Duplicate>,
}

impl Node {
    /// The text of a scalar that is a string.
    pub(crate) fn string(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind == Kind::Text => Some(&scalar.text),
            _ => None,
        }
    }

    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    pub(crate) fn sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Nothing, or what PyYAML makes `None` of.
    pub(crate) fn is_null(&self) -> bool {
        self.scalar().is_some_and(|it| it.kind == Kind::Null)
    }

    /// What the node is, with its article.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => scalar.kind.describe(),
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Recursive => "an alias of itself",
        }
    }
}

impl Mapping {
    /// The entry that counts: of several with one key, the last.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .rev()
            .find(|it| it.key.string() == Some(key))
    }
}

/// Parses one document. `base` is where `text` begins in its file.
pub(crate) fn parse(text: &str, base: u32) -> Result<Document, YamlError> {
    let offsets = Offsets::new(text, base);
    if let Some(error) = unprintable(text, base) {
        return Err(error);
    }
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        text,
        offsets,
        anchors: FxHashMap::default(),
        protected: Vec::new(),
        duplicates: Vec::new(),
        nodes: 0,
    };
    let root = builder.document();
    // A tab comes first in the text where it is what confused the parser.
    let stray = stray_tab(text, base, &builder.protected);
    let root = match (root, stray) {
        (Ok(root), None) => root,
        (Ok(_), Some(error)) => return Err(error),
        (Err(error), Some(tab))
            if tab.span.start <= error.span.start || error.message.contains("tab") =>
        {
            return Err(tab);
        }
        (Err(error), _) => return Err(error),
    };
    Ok(Document {
        root,
        duplicates: builder.duplicates,
    })
}

/// Turns the parser's character offsets into byte offsets of the file.
struct Offsets {
    base: u32,
    /// `None` when all characters are ASCII.
    bytes: Option<Vec<u32>>,
    len: u32,
}

impl Offsets {
    fn new(text: &str, base: u32) -> Self {
        let bytes =
            (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at as u32).collect());
        Self {
            base,
            bytes,
            len: text.len() as u32,
        }
    }

    /// Relative to the text.
    fn byte(&self, index: usize) -> u32 {
        match &self.bytes {
            Some(bytes) => bytes.get(index).copied().unwrap_or(self.len),
            None => (index as u32).min(self.len),
        }
    }
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Within {
    depth: usize,
    /// Somewhere within `[…]` or `{…}`.
    brackets: bool,
}

struct Builder<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    text: &'t str,
    offsets: Offsets,
    anchors: FxHashMap<usize, Node>,
    /// Where tabs are text: quoted and block scalars, relative to the text.
    protected: Vec<Span>,
    duplicates: Vec<Duplicate>,
    nodes: usize,
}

type Item<'t> = (Event<'t>, Span);

impl<'t> Builder<'t> {
    fn document(&mut self) -> Result<Option<Node>, YamlError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(self.error("a second document starts here", span));
                }
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                event => {
                    root = Some(self.node(
                        event,
                        span,
                        Within {
                            depth: 0,
                            brackets: false,
                        },
                    )?)
                }
            }
        }
    }

    /// The next event with its span, relative to the text.
    fn next(&mut self) -> Result<Item<'t>, YamlError> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                let span = Span::new(
                    self.offsets.byte(span.start.index()),
                    self.offsets.byte(span.end.index()),
                );
                Ok((event, span))
            }
            Some(Err(error)) => {
                let at = self.offsets.byte(error.marker().index());
                Err(self.error(error.info(), Span::new(at, at)))
            }
            None => Ok((
                Event::StreamEnd,
                Span::new(self.offsets.len, self.offsets.len),
            )),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, within: Within) -> Result<Node, YamlError> {
        self.nodes += 1;
        if within.depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(self.error("the document is too large or nested too deep", span));
        }
        let (anchor, node) = match event {
            Event::Alias(id) => return Ok(self.alias(id, span)),
            Event::Scalar(text, style, anchor, tag) => {
                let span = match style {
                    ScalarStyle::SingleQuoted => self.quoted(span, '\''),
                    ScalarStyle::DoubleQuoted => self.quoted(span, '"'),
                    _ => span,
                };
                let scalar = self.scalar_value(text.into_owned(), style, tag.as_deref(), span)?;
                let span = self.trimmed(span);
                if style == ScalarStyle::Plain && within.brackets {
                    self.check_plain_in_brackets(span)?;
                }
                (
                    anchor,
                    Node {
                        span: self.place(span),
                        value: Value::Scalar(scalar),
                    },
                )
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &["seq", "omap", "pairs"], span)?;
                let mut items = Vec::new();
                let within = self.within(within, span);
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, at) => items.push(self.node(event, at, within)?),
                    }
                };
                (
                    anchor,
                    Node {
                        span: self.cover(span, end),
                        value: Value::Sequence(items),
                    },
                )
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &["map", "set"], span)?;
                let mut entries = Vec::new();
                let within = self.within(within, span);
                let end = loop {
                    match self.next()? {
                        (Event::MappingEnd, end) => break end,
                        (event, at) => {
                            let key = self.node(event, at, within)?;
                            let (event, at) = self.next()?;
                            let value = self.node(event, at, within)?;
                            entries.push(Entry { key, value });
                        }
                    }
                };
                let mapping = self.mapping(entries)?;
                (
                    anchor,
                    Node {
                        span: self.cover(span, end),
                        value: Value::Mapping(mapping),
                    },
                )
            }
            _ => return Err(self.error("the document ends too early", span)),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// What the children of a collection are within.
    fn within(&self, outer: Within, collection: Span) -> Within {
        let text = &self.text[collection.start as usize..collection.end as usize];
        Within {
            depth: outer.depth + 1,
            brackets: outer.brackets || text.trim_end().ends_with(['[', '{']),
        }
    }

    /// YAML 1.1 ends a plain scalar within brackets at a `?`, and lets none begin with `>` or `|`.
    fn check_plain_in_brackets(&self, span: Span) -> Result<(), YamlError> {
        let text = &self.text[span.start as usize..span.end as usize];
        let at = if text.starts_with(['>', '|']) {
            Some(0)
        } else {
            text.find('?').filter(|&at| at > 0)
        };
        match at {
            Some(at) => {
                let at = span.start + at as u32;
                Err(self.error(
                    "this character needs quotes around the text within brackets",
                    Span::new(at, at + 1),
                ))
            }
            None => Ok(()),
        }
    }

    fn alias(&mut self, id: usize, span: Span) -> Node {
        let span = self.place(span);
        match self.anchors.get(&id) {
            Some(node) => {
                self.nodes += size(node);
                Node {
                    span,
                    value: node.value.clone(),
                }
            }
            None => Node {
                span,
                value: Value::Recursive,
            },
        }
    }

    fn scalar_value(
        &mut self,
        text: String,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Scalar, YamlError> {
        if style != ScalarStyle::Plain {
            self.protected.push(span);
        }
        let kind = match tag.map(standard) {
            None if style == ScalarStyle::Plain => scalar::resolve(&text),
            None | Some(Some("str" | "!")) => Ok(Kind::Text),
            Some(Some("null")) => Ok(Kind::Null),
            Some(Some("bool")) => Ok(Kind::Bool),
            Some(Some("int")) => Ok(Kind::Int),
            Some(Some("float")) => Ok(Kind::Float),
            Some(Some("timestamp")) => Ok(Kind::Date),
            Some(Some("binary")) => Ok(Kind::Text),
            Some(_) => return Err(self.error("this tag is not known", span)),
        };
        match kind {
            Ok(kind) => Ok(Scalar { text, kind }),
            Err(message) => Err(self.error(message, span)),
        }
    }

    fn check_tag(&self, tag: Option<&Tag>, known: &[&str], span: Span) -> Result<(), YamlError> {
        match tag.map(standard) {
            None => Ok(()),
            Some(Some(name)) if known.contains(&name) => Ok(()),
            Some(_) => Err(self.error("this tag is not known", span)),
        }
    }

    /// Notes duplicates, and puts what `<<` merges before the mapping's own entries.
    fn mapping(&mut self, own: Vec<Entry>) -> Result<Mapping, YamlError> {
        let mut seen: FxHashMap<String, Span> = FxHashMap::default();
        let mut merged = Vec::new();
        let mut entries = Vec::new();
        for entry in own {
            let Some(key) = entry.key.scalar() else {
                return Err(YamlError {
                    message: format!("{} cannot be a key", entry.key.describe()),
                    span: entry.key.span,
                    is_doubtful: false,
                });
            };
            if key.kind == Kind::Merge {
                match entry.value.value {
                    Value::Mapping(mapping) => merged.extend(mapping.entries),
                    Value::Sequence(items) => {
                        let parts = items.into_iter().rev().filter_map(|item| match item.value {
                            Value::Mapping(mapping) => Some(mapping.entries),
                            _ => None,
                        });
                        merged.extend(parts.flatten());
                    }
                    _ => {
                        return Err(YamlError {
                            message: "`<<` merges mappings only".to_owned(),
                            span: entry.value.span,
                            is_doubtful: false,
                        });
                    }
                }
                continue;
            }
            if let Some(&first) = seen.get(&key.text) {
                let second = entry.key.span;
                self.duplicates.push(Duplicate {
                    key: key.text.clone(),
                    first,
                    second,
                });
            } else {
                seen.insert(key.text.clone(), entry.key.span);
            }
            entries.push(entry);
        }
        merged.append(&mut entries);
        Ok(Mapping { entries: merged })
    }

    fn place(&self, span: Span) -> Span {
        Span::new(span.start + self.offsets.base, span.end + self.offsets.base)
    }

    /// From the token that starts a collection to the one that ends it: the closing bracket, or what
    /// comes after a block.
    fn cover(&self, start: Span, end: Span) -> Span {
        let is_bracket = self.text[end.start as usize..].starts_with([']', '}']);
        let end = end.start + u32::from(is_bracket);
        self.place(self.trimmed(Span::new(start.start, end.max(start.start))))
    }

    /// The span of a quoted scalar up to the closing quote; the parser's goes on to the next token.
    fn quoted(&self, span: Span, quote: char) -> Span {
        let text = &self.text[span.start as usize..span.end as usize];
        let Some(open) = text.find(quote) else {
            return span;
        };
        let mut rest = text[open + 1..].char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let is_escape = match quote {
                '"' => c == '\\',
                _ => c == quote && rest.peek().is_some_and(|&(_, next)| next == quote),
            };
            if is_escape {
                rest.next();
            } else if c == quote {
                return Span::new(span.start, span.start + (open + 1 + at + 1) as u32);
            }
        }
        span
    }

    /// Without white space and comments of following lines at the end.
    fn trimmed(&self, span: Span) -> Span {
        let text = self
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("");
        let mut text = text.trim_end();
        while let Some((before, line)) = text.rsplit_once('\n')
            && line.trim_start().starts_with('#')
        {
            text = before.trim_end();
        }
        Span::new(span.start, span.start + text.len() as u32)
    }

    /// An error at the first character of the span, or at the last one of the text.
    fn error(&self, message: &str, span: Span) -> YamlError {
        let last = self
            .text
            .trim_end()
            .char_indices()
            .next_back()
            .map_or(0, |(at, _)| at as u32);
        let start = span.start.min(last);
        let rest = self.text.get(start as usize..).unwrap_or("");
        let width = rest.chars().next().map_or(0, |c| {
            if c == '\n' || c == '\r' {
                0
            } else {
                c.len_utf8() as u32
            }
        });
        let start = start + self.offsets.base;
        YamlError {
            message: message.replace('`', "'"),
            span: Span::new(start, start + width),
            is_doubtful: DOUBTFUL.iter().any(|it| message.starts_with(it)),
        }
    }
}

/// The name of a tag of YAML itself, `str` of `!!str`.
fn standard(tag: &Tag) -> Option<&str> {
    if tag.handle == "tag:yaml.org,2002:" {
        return Some(&tag.suffix);
    }
    // A lone `!`, which decides nothing.
    if tag.handle.is_empty() && tag.suffix == "!" || tag.handle == "!" && tag.suffix.is_empty() {
        return Some("!");
    }
    tag.suffix.strip_prefix("tag:yaml.org,2002:")
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar(_) | Value::Recursive => 0,
        Value::Sequence(items) => items.iter().map(size).sum(),
        Value::Mapping(mapping) => mapping
            .entries
            .iter()
            .map(|it| size(&it.key) + size(&it.value))
            .sum(),
    }
}

/// The first character that PyYAML's reader refuses.
fn unprintable(text: &str, base: u32) -> Option<YamlError> {
    let is_printable = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    let (at, c) = text.char_indices().find(|&(_, c)| !is_printable(c))?;
    let start = base + at as u32;
    Some(YamlError {
        message: format!("the control character U+{:04X} is not allowed", c as u32),
        span: Span::new(start, start + c.len_utf8() as u32),
        is_doubtful: false,
    })
}

/// The first tab that is neither in a quoted or block scalar nor in a comment. YAML 1.2 allows some
/// of them, PyYAML none.
fn stray_tab(text: &str, base: u32, protected: &[Span]) -> Option<YamlError> {
    let is_protected = |at: usize| {
        protected
            .iter()
            .any(|it| it.start as usize <= at && at < it.end as usize)
    };
    let (at, _) = text.match_indices('\t').find(|&(at, _)| {
        if is_protected(at) {
            return false;
        }
        let line_start = text[..at].rfind(['\n', '\r']).map_or(0, |it| it + 1);
        let is_comment = text[line_start..at].match_indices('#').any(|(hash, _)| {
            let hash = line_start + hash;
            !is_protected(hash) && (hash == line_start || text[..hash].ends_with(' '))
        });
        !is_comment
    })?;
    let start = base + at as u32;
    Some(YamlError {
        message: "a tab stands where only spaces may stand".to_owned(),
        span: Span::new(start, start + 1),
        is_doubtful: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Node {
        parse(text, 0).expect("valid").root.expect("not empty")
    }

    /// The text at the span of an error.
    fn error(text: &str) -> Option<(&str, String)> {
        let error = parse(text, 0).err()?;
        Some((
            &text[error.span.start as usize..error.span.end as usize],
            error.message,
        ))
    }

    #[test]
    fn every_node_knows_its_place() {
        let text = "é: 1\r\nslug: \"x\"\r\nlist: [é, {b: c}]\r\nfolded: >\r\n  some\r\n  text\r\n\r\n# end\r\nlast: 'l' # c\r\nflow: [a] # c\r\n";
        let root = root(text);
        let at = |span: Span| &text[span.start as usize..span.end as usize];
        let mapping = root.mapping().expect("a mapping");
        let shown: Vec<(&str, &str)> = mapping
            .entries
            .iter()
            .map(|it| (at(it.key.span), at(it.value.span)))
            .collect();
        assert_eq!(
            shown,
            [
                ("é", "1"),
                ("slug", "\"x\""),
                ("list", "[é, {b: c}]"),
                ("folded", "some\r\n  text"),
                ("last", "'l'"),
                ("flow", "[a]"),
            ]
        );
        assert_eq!(
            mapping.get("folded").and_then(|it| it.value.string()),
            Some("some text\n")
        );
    }

    #[test]
    fn anchors_merges_and_duplicates() {
        let text = "base: &b {type: string, default: x}\nuse:\n  <<: *b\n  default: y\n  default: z\nsame: *b\n";
        let document = parse(text, 10).expect("valid");
        let root = document.root.expect("not empty");
        let used = root
            .mapping()
            .and_then(|it| it.get("use"))
            .and_then(|it| it.value.mapping());
        let used = used.expect("a mapping");
        assert_eq!(
            used.get("type").and_then(|it| it.value.string()),
            Some("string")
        );
        assert_eq!(
            used.get("default").and_then(|it| it.value.string()),
            Some("z")
        );
        let duplicates: Vec<&str> = document
            .duplicates
            .iter()
            .map(|it| it.key.as_str())
            .collect();
        assert_eq!(duplicates, ["default"]);
        let second = document.duplicates[0].second.start as usize - 10;
        assert!(text[second..].starts_with("default: z"));
    }

    #[test]
    fn what_pyyaml_refuses_is_an_error() {
        let at = |text| error(text).map(|(at, _)| at);
        for (text, expected) in [
            ("a: b: c\n", ":"),
            ("a:\n\t- b\n", "\t"),
            ("a:\t1\n", "\t"),
            ("a: b\t\nc: d\n", "\t"),
            ("a: b\tc\n", "\t"),
            ("a: [1\n", "1"),
            ("a: [b, why? c]\n", "?"),
            ("a: {b: > c}\n", ">"),
            ("a: *nope\n", "*"),
            ("a: @x\n", "@"),
            ("a: !foo x\n", "!"),
            ("a: =\n", "="),
            ("a: 2026-13-45\n", "2"),
            ("a: 1\n...\nb: 2\n", "b"),
            ("a: \u{7}\n", "\u{7}"),
            ("[1]: 2\n", "[1]"),
            ("- a\nb: 1\n", "b"),
        ] {
            assert_eq!(at(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_pyyaml_accepts_is_none() {
        for text in [
            "a: 'x\ty' # c\td\n# \t\nb: |\n  x\ty\n",
            "a: {b:1}\n",
            "a: {'b':1}\n",
            "? a\n: b\n",
            "a: [b, ? c]\n",
            "%YAML 1.1\n---\na: 1\n",
            "a: &x [*x]\n",
            "a: b\n...\n",
            "a: [\n  b,\n]\n",
            "a: !!str 1\n",
            "a: 'it''s'\n",
            "a: x:y\n",
            "# only a comment\n",
            "",
            "a: 😀\n",
        ] {
            assert_eq!(error(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_only_yaml_1_2_refuses_is_doubtful() {
        for text in [
            "a: [\nb\n]\n",
            "a: [b]#c\n",
            "a: 'x\ny'\n",
            "x:\n  a: {\n  b: 1\n  }\n",
        ] {
            assert_eq!(
                parse(text, 0).map(|_| ()).map_err(|it| it.is_doubtful),
                Err(true),
                "{text:?}"
            );
        }
    }

    #[test]
    fn exponential_aliases_end() {
        let mut text = "a0: &a0 [x]\n".to_owned();
        for n in 1..30 {
            let inner = [format!("*a{}", n - 1), format!("*a{}", n - 1)].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{inner}]\n"));
        }
        assert!(parse(&text, 0).is_err());
        assert!(parse(&"[".repeat(5_000), 0).is_err());
    }
}
