//! Finding the icon somebody meant by a name that Lucide does not have.

use std::collections::BTreeSet;

use strsim::damerau_levenshtein;

use super::trade::trade_icons;
use super::words::{is_number, words};
use super::{ICONS, Icon, Lookup, lookup, names, newer, respell};

/// The names that an unknown name most likely stands for, the best first.
///
/// The right spelling of the same name comes first; then the icons that mean the same, be it as a
/// phrase or word by word; then the names it may be a slip of the keyboard for; and last the icons
/// that mean a part of it.
pub fn suggest(name: &str, limit: usize) -> Vec<&'static str> {
    let words = words(name);
    let (whole, partial) = by_words(&words);
    let mut offered = BTreeSet::new();
    respell(name)
        .into_iter()
        .chain(by_phrase(&words))
        .chain(whole)
        .chain(by_slip(&words.concat()))
        .chain(partial)
        .filter(|name| offered.insert(canonical(name)))
        .take(limit)
        .collect()
}

fn canonical(name: &'static str) -> &'static str {
    match (lookup(name), newer(name)) {
        (Lookup::Alias(canonical), _) | (_, Some(canonical)) => canonical,
        (Lookup::Canonical | Lookup::Unknown, None) => name,
    }
}

/// The icons that are worth being suggested by their meaning.
fn lasting_icons() -> impl Iterator<Item = &'static Icon> {
    ICONS.iter().filter(|icon| !icon.deprecated)
}

/// The icons that several words mean together, such as `sign off` or `credit card`.
fn by_phrase(words: &[String]) -> Vec<&'static str> {
    if words.len() < 2 {
        return Vec::new();
    }
    let phrase = words.join(" ");
    let tagged = lasting_icons().filter_map(|icon| Some((tag_cost(icon, &phrase)?, icon.name)));
    let picked = trade_icons(&words.concat()).iter().copied();
    picked.chain(sorted(tagged)).collect()
}

/// The icons that mean every one of the words, and those that mean only some of them. The number
/// of a variant means nothing.
fn by_words(words: &[String]) -> (Vec<&'static str>, Vec<&'static str>) {
    let meanings: Vec<_> = words
        .iter()
        .filter(|word| !is_number(word))
        .map(|word| (word.as_str(), trade_icons(word)))
        .collect();
    let mut whole = Vec::new();
    let mut partial = Vec::new();
    for icon in lasting_icons() {
        let costs: Vec<_> = meanings
            .iter()
            .filter_map(|(word, picked)| meaning_cost(icon, word, picked))
            .collect();
        let missing = meanings.len() - costs.len();
        let cost: usize = costs.iter().sum();
        match (costs.is_empty(), missing) {
            (true, _) => {}
            (false, 0) => whole.push((cost, icon.name)),
            (false, _) => partial.push(((missing, cost), icon.name)),
        }
    }
    (sorted(whole), sorted(partial))
}

/// How far an icon is from meaning a word. What was picked by hand for the word is nearest.
fn meaning_cost(icon: &Icon, word: &str, picked: &[&str]) -> Option<usize> {
    let pick = picked.iter().position(|name| *name == icon.name);
    pick.or_else(|| name_cost(icon, word))
        .or_else(|| tag_cost(icon, word))
}

/// A word of the name itself is what the icon shows, or one of few things that it shows.
fn name_cost(icon: &Icon, word: &str) -> Option<usize> {
    let parts = words(icon.name);
    let found = parts.iter().any(|part| singular(part) == singular(word));
    found.then(|| variant_cost(icon))
}

/// Lucide lists telling tags first, and an icon with many tags is about none of them in
/// particular.
fn tag_cost(icon: &Icon, phrase: &str) -> Option<usize> {
    let mut tags = icon.each_tag();
    let position = tags.position(|tag| singular(tag) == singular(phrase))?;
    Some(4 * position + icon.each_tag().count() + variant_cost(icon))
}

/// A name of several words is a variant of a more basic icon, which is the better answer unless
/// the word is much less telling about it.
fn variant_cost(icon: &Icon) -> usize {
    8 * (words(icon.name).len() - 1)
}

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') => stem,
        _ => word,
    }
}

/// The names in which at most every third letter would have to change. A former name counts too:
/// it is what the author had in mind.
fn by_slip(letters: &str) -> Vec<&'static str> {
    let most = letters.len() / 3;
    sorted(names().filter_map(|name| {
        if name.len().abs_diff(letters.len()) > most {
            return None;
        }
        let distance = damerau_levenshtein(letters, &name.to_ascii_lowercase());
        (distance <= most).then_some((distance, name))
    }))
}

/// The names by increasing cost, then by name.
fn sorted<C: Ord>(costs: impl IntoIterator<Item = (C, &'static str)>) -> Vec<&'static str> {
    let mut costs: Vec<_> = costs.into_iter().collect();
    costs.sort();
    costs.into_iter().map(|(_, name)| name).collect()
}
