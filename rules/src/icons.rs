//! The icon names of Lucide, which the `icon` argument of a step takes, and ways to find one.
//!
//! The tables are static data written by `scripts/generate-icons`, so a look-up costs a binary
//! search and nothing at start-up. Only a name that is not found is worth a walk over all icons.

mod suggest;
#[cfg(test)]
mod tests;
mod trade;
mod words;

pub use suggest::suggest;

use trade::trade_icons;
use words::words;

include!("../catalogue/icons/table.rs");

/// A line for each icon: its name, a tab, and its shapes.
static SHAPES: &str = include_str!("../catalogue/icons/shapes.txt");

/// One icon of Lucide.
#[derive(Debug, PartialEq, Eq)]
pub struct Icon {
    /// The name of its component, in Pascal case. It is the name to recommend: the newest one that
    /// [`TAGS_VERSION`] already knows, if the icon is that old.
    pub name: &'static str,
    /// The name that it has got since then.
    pub newer: &'static [&'static str],
    /// Its other names, mostly former ones, in Pascal case. They still name the same component.
    pub aliases: &'static [&'static str],
    /// What Lucide says it depicts or stands for: phrases in lower case, separated by `, `. They
    /// are one text because each separate text would have to be relocated at start-up.
    pub tags: &'static str,
    /// Whether Lucide is going to remove it.
    pub deprecated: bool,
}

impl Icon {
    fn each_tag(&self) -> impl Iterator<Item = &'static str> {
        self.tags.split(", ")
    }
}

/// What a name is to Lucide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    Canonical,
    /// A former name of the icon with this name.
    Alias(&'static str),
    Unknown,
}

/// All icons, sorted by name.
pub fn all() -> impl Iterator<Item = &'static Icon> {
    ICONS.iter()
}

/// The icon with this name, be it a former one.
pub fn get(name: &str) -> Option<&'static Icon> {
    let name = match lookup(name) {
        Lookup::Canonical => newer(name).unwrap_or(name),
        Lookup::Alias(current) => current,
        Lookup::Unknown => return None,
    };
    let found = ICONS.binary_search_by(|icon| icon.name.cmp(name));
    found.ok().map(|index| &ICONS[index])
}

/// What stands inside the `<svg>` of an icon, under any of its names.
pub fn shapes(name: &str) -> Option<&'static str> {
    let name = match (lookup(name), newer(name)) {
        (_, Some(older)) => older,
        (Lookup::Alias(canonical), _) => canonical,
        _ => name,
    };
    SHAPES.lines().find_map(|line| {
        let (icon, shapes) = line.split_once('\t')?;
        (icon == name).then_some(shapes)
    })
}

/// Looks up a name exactly as it is spelled.
pub fn lookup(name: &str) -> Lookup {
    let is_listed = ICONS.binary_search_by(|icon| icon.name.cmp(name)).is_ok();
    if is_listed || newer(name).is_some() {
        return Lookup::Canonical;
    }
    match ALIASES.binary_search_by(|(alias, _)| (*alias).cmp(name)) {
        Ok(index) => Lookup::Alias(ALIASES[index].1),
        Err(_) => Lookup::Unknown,
    }
}

/// The icon that has got this name lately, by the name to recommend.
fn newer(name: &str) -> Option<&'static str> {
    let found = NEWER.binary_search_by(|(newer, _)| (*newer).cmp(name));
    found.ok().map(|index| NEWER[index].1)
}

/// The right spelling of a name that only differs in case and separators, or that has the prefix
/// or the suffix under which lucide-react exports every icon once more (`LucideTrash`,
/// `TrashIcon`).
///
/// A former name is answered in its own right spelling (`check-circle-2` is `CheckCircle2`), since
/// that is the name its author knows; [`lookup`] then tells the current one.
pub fn respell(name: &str) -> Option<&'static str> {
    let key = letters(name);
    let key = key.strip_prefix("lucide").unwrap_or(&key);
    let key = key.strip_suffix("icon").unwrap_or(key);
    names().find(|name| name.eq_ignore_ascii_case(key))
}

/// The icons that each word of the query leads to, the best first: by a word of the name or of a
/// tag, or by the start of one. A query without a word finds nothing.
pub fn search(query: &str) -> Vec<&'static Icon> {
    let wanted = words(query);
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<_> = ICONS
        .iter()
        .filter_map(|icon| Some((search_cost(icon, &wanted)?, words(icon.name).len(), icon)))
        .collect();
    found.sort_by_key(|(cost, length, icon)| (icon.deprecated, *cost, *length, icon.name));
    found.into_iter().map(|(_, _, icon)| icon).collect()
}

/// How far the words wanted are from an icon, if all of them lead to it.
fn search_cost(icon: &Icon, wanted: &[String]) -> Option<usize> {
    let name = words(icon.name);
    let others = icon.newer.iter().chain(icon.aliases);
    let aliases = others.flat_map(|alias| words(alias)).collect();
    let tags = words(icon.tags);
    let sources = [name, aliases, tags];
    wanted
        .iter()
        .map(|word| word_cost(icon, &sources, word))
        .sum()
}

/// The name counts before the aliases and these before the tags. What was picked for the word by
/// hand counts as much as a tag, and a mere start of a word counts last.
fn word_cost(icon: &Icon, sources: &[Vec<String>], wanted: &str) -> Option<usize> {
    let source_with = |matches: &dyn Fn(&str) -> bool| {
        sources
            .iter()
            .position(|words| words.iter().any(|word| matches(word)))
    };
    let picked = || {
        trade_icons(wanted)
            .contains(&icon.name)
            .then_some(sources.len() - 1)
    };
    let start = || source_with(&|word| word.starts_with(wanted));
    source_with(&|word| word == wanted)
        .or_else(picked)
        .or_else(|| Some(sources.len() + start()?))
}

/// All names, the canonical ones first.
fn names() -> impl Iterator<Item = &'static str> {
    let canonical = ICONS.iter().map(|icon| icon.name);
    let others = NEWER.iter().chain(&ALIASES);
    canonical.chain(others.map(|(other, _)| *other))
}

/// The letters and digits of a name in lower case: what is left of it in every style of spelling.
fn letters(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}
