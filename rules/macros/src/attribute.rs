//! The `#[rule(...)]` attribute.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, DeriveInput, Error, Expr, ExprLit, Lit, LitStr, Meta, MetaNameValue, Token};

use crate::errors::Errors;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct RuleAttribute {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) summary: String,
    /// A variant of `lint_core::diagnostic::Severity`.
    pub(crate) severity: &'static str,
    /// A variant of `lint_core::rule::Category`.
    pub(crate) category: &'static str,
    pub(crate) default: bool,
    pub(crate) preview: bool,
    /// A variant of `lint_core::fix::Applicability`.
    pub(crate) fix: Option<&'static str>,
    pub(crate) since: String,
}

struct Key {
    name: &'static str,
    /// What an author could write, for the error messages.
    sample: &'static str,
}

const CODE: Key = key("code", r#""RB101""#);
const SEVERITY: Key = key("severity", r#""error""#);
const CATEGORY: Key = key("category", r#""determinism""#);
const SINCE: Key = key("since", r#""0.1.0""#);
const SUMMARY: Key = key("summary", r#""workflow code reads the wall clock""#);
const NAME: Key = key("name", r#""wall-clock""#);
const DEFAULT: Key = key("default", "false");
const PREVIEW: Key = key("preview", "true");
const FIX: Key = key("fix", r#""safe""#);
const KEYS: [Key; 9] = [
    CODE, SEVERITY, CATEGORY, SINCE, SUMMARY, NAME, DEFAULT, PREVIEW, FIX,
];

const fn key(name: &'static str, sample: &'static str) -> Key {
    Key { name, sample }
}

/// Written values and the variants they stand for.
type Variants = [(&'static str, &'static str)];

const SEVERITIES: &Variants = &[("error", "Error"), ("warning", "Warning"), ("info", "Info")];

const FIXES: &Variants = &[
    ("safe", "Safe"),
    ("unsafe", "Unsafe"),
    ("display-only", "DisplayOnly"),
];

const CATEGORIES: &Variants = &[
    ("lint", "Lint"),
    ("determinism", "Determinism"),
    ("contract", "Contract"),
    ("steps", "Steps"),
    ("calls", "Calls"),
    ("bundle", "Bundle"),
    ("lifecycle", "Lifecycle"),
    ("versioning", "Versioning"),
];

impl RuleAttribute {
    pub(crate) fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let entries = Entries::parse(only_attribute(input)?, &mut errors)?;
        let attribute = Self {
            code: errors.take(entries.required(&CODE).and_then(code)),
            name: errors.take(name(&entries, &input.ident)),
            summary: errors.take(entries.required(&SUMMARY).and_then(summary)),
            severity: errors.take(variant(&entries, &SEVERITY, SEVERITIES)),
            category: errors.take(variant(&entries, &CATEGORY, CATEGORIES)),
            default: errors.take(entries.flag(&DEFAULT)).unwrap_or(true),
            preview: errors.take(entries.flag(&PREVIEW)).unwrap_or(false),
            fix: errors.take(optional_variant(&entries, &FIX, FIXES)),
            since: errors.take(entries.required(&SINCE).and_then(since)),
        };
        errors.finish(attribute)
    }
}

/// Whether the text has the form of a rule's code.
pub(crate) fn is_code(text: &str) -> bool {
    text.strip_prefix("RB")
        .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn only_attribute(input: &DeriveInput) -> syn::Result<&Attribute> {
    let mut attributes = input.attrs.iter().filter(|a| a.path().is_ident("rule"));
    let Some(attribute) = attributes.next() else {
        return Err(Error::new_spanned(
            &input.ident,
            r#"missing attribute: write `#[rule(code = "RB101", …)]`"#,
        ));
    };
    match attributes.next() {
        Some(second) => Err(Error::new_spanned(
            second,
            "second `#[rule(...)]`: write all keys in one attribute",
        )),
        None => Ok(attribute),
    }
}

/// The entries of the attribute by their keys, each key known and written once.
struct Entries<'a> {
    attribute: &'a Attribute,
    metas: Vec<(&'static str, Meta)>,
}

impl<'a> Entries<'a> {
    fn parse(attribute: &'a Attribute, errors: &mut Errors) -> syn::Result<Self> {
        let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
        let mut entries = Self {
            attribute,
            metas: Vec::new(),
        };
        for meta in metas {
            errors.take(entries.add(meta));
        }
        Ok(entries)
    }

    fn add(&mut self, meta: Meta) -> syn::Result<()> {
        let path = meta.path();
        let Some(Key { name, .. }) = KEYS.into_iter().find(|key| path.is_ident(key.name)) else {
            let known = KEYS.map(|key| format!("`{}`", key.name)).join(", ");
            return Err(Error::new_spanned(
                path,
                format!("unknown key: write one of {known}"),
            ));
        };
        if self.metas.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Error::new_spanned(
                path,
                format!("`{name}` is written twice: keep one"),
            ));
        }
        self.metas.push((name, meta));
        Ok(())
    }

    fn required(&self, key: &Key) -> syn::Result<&LitStr> {
        let Key { name, sample } = key;
        self.text(key)?.ok_or_else(|| {
            Error::new_spanned(
                self.attribute,
                format!("missing key: write `{name} = {sample}`"),
            )
        })
    }

    fn text(&self, key: &Key) -> syn::Result<Option<&LitStr>> {
        self.literal(key, |literal| match literal {
            Lit::Str(text) => Some(text),
            _ => None,
        })
    }

    fn flag(&self, key: &Key) -> syn::Result<Option<bool>> {
        self.literal(key, |literal| match literal {
            Lit::Bool(flag) => Some(flag.value),
            _ => None,
        })
    }

    fn literal<'b, T>(
        &'b self,
        key: &Key,
        accept: fn(&'b Lit) -> Option<T>,
    ) -> syn::Result<Option<T>> {
        let Some((_, meta)) = self.metas.iter().find(|(name, _)| *name == key.name) else {
            return Ok(None);
        };
        let accepted = match meta {
            Meta::NameValue(MetaNameValue {
                value: Expr::Lit(ExprLit { lit, .. }),
                ..
            }) => accept(lit),
            _ => None,
        };
        let Key { name, sample } = key;
        accepted.map(Some).ok_or_else(|| {
            Error::new_spanned(
                meta,
                format!("wrong type of value: write `{name} = {sample}`"),
            )
        })
    }
}

fn code(value: &LitStr) -> syn::Result<String> {
    let code = value.value();
    if is_code(&code) {
        return Ok(code);
    }
    Err(Error::new_spanned(
        value,
        "malformed code: write `RB` and three digits",
    ))
}

fn name(entries: &Entries, ident: &Ident) -> syn::Result<String> {
    let given = entries.text(&NAME)?;
    let name = given.map_or_else(|| kebab_case(&ident.unraw().to_string()), LitStr::value);
    if is_kebab_case(&name) {
        return Ok(name);
    }
    let message = "malformed name: write it in kebab case, such as `wall-clock`";
    Err(match given {
        Some(value) => Error::new_spanned(value, message),
        None => Error::new_spanned(ident, message),
    })
}

fn is_kebab_case(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('-').all(is_word)
}

/// A run of capitals is one word, whose last letter starts the next word if that goes on in lower
/// case: `SQLQuery` is `sql-query`.
fn kebab_case(camel_case: &str) -> String {
    let mut kebab = String::new();
    let mut previous: Option<char> = None;
    let mut rest = camel_case.chars().peekable();
    while let Some(letter) = rest.next() {
        let ends_run = rest.peek().is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase()
            && previous.is_some_and(|previous| !previous.is_ascii_uppercase() || ends_run)
        {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
        previous = Some(letter);
    }
    kebab
}

fn summary(value: &LitStr) -> syn::Result<String> {
    let summary = value.value();
    let problem = if summary.trim().is_empty() || summary.contains('\n') {
        "malformed summary: write one line"
    } else if starts_capitalised(&summary) {
        "malformed summary: start in lower case"
    } else if summary.ends_with('.') {
        "malformed summary: end without a period"
    } else {
        return Ok(summary);
    };
    Err(Error::new_spanned(value, problem))
}

/// An acronym such as `UUID` may start a summary, and is known by its second capital.
fn starts_capitalised(summary: &str) -> bool {
    let word = summary.split_whitespace().next().unwrap_or_default();
    word.starts_with(char::is_uppercase) && word.chars().filter(|c| c.is_uppercase()).count() == 1
}

fn variant(entries: &Entries, key: &Key, variants: &Variants) -> syn::Result<&'static str> {
    variant_of(entries.required(key)?, key, variants)
}

fn optional_variant(
    entries: &Entries,
    key: &Key,
    variants: &Variants,
) -> syn::Result<Option<&'static str>> {
    let value = entries.text(key)?;
    value
        .map(|value| variant_of(value, key, variants))
        .transpose()
}

fn variant_of(value: &LitStr, key: &Key, variants: &Variants) -> syn::Result<&'static str> {
    let written = value.value();
    let found = variants.iter().find(|(word, _)| *word == written);
    found.map(|(_, variant)| *variant).ok_or_else(|| {
        let words: Vec<_> = variants.iter().map(|(w, _)| format!("`{w}`")).collect();
        let (name, words) = (key.name, words.join(", "));
        Error::new_spanned(value, format!("unknown {name}: write one of {words}"))
    })
}

fn since(value: &LitStr) -> syn::Result<String> {
    let version = value.value();
    // Printing the number again refuses signs and leading zeros.
    let is_number = |part: &str| part.parse().is_ok_and(|n: u32| n.to_string() == part);
    let parts: Vec<_> = version.split('.').collect();
    if parts.len() == 3 && parts.into_iter().all(is_number) {
        return Ok(version);
    }
    Err(Error::new_spanned(
        value,
        "malformed version: write three numbers, such as `0.1.0`",
    ))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;
    use crate::testing::messages;

    fn refusals(input: DeriveInput) -> Vec<String> {
        messages(RuleAttribute::parse(&input))
    }

    /// The refusals of a complete attribute in which one key has this value.
    fn refusals_of(key: &str, value: &str) -> Vec<String> {
        let samples = KEYS.map(|Key { name, sample }| {
            let value = if name == key { value } else { sample };
            format!("{name} = {value}")
        });
        let entries: proc_macro2::TokenStream = samples.join(", ").parse().unwrap();
        refusals(parse_quote! { #[rule(#entries)] struct WallClock; })
    }

    #[test]
    fn complete_attribute() {
        let attribute = RuleAttribute::parse(&parse_quote! {
            #[rule(
                code = "RB101",
                severity = "warning",
                category = "steps",
                since = "0.10.0",
                summary = "`now` is read",
                name = "clock",
                default = false,
                preview = true,
                fix = "unsafe",
            )]
            struct WallClock;
        });
        let expected = RuleAttribute {
            code: "RB101".into(),
            name: "clock".into(),
            summary: "`now` is read".into(),
            severity: "Warning",
            category: "Steps",
            default: false,
            preview: true,
            fix: Some("Unsafe"),
            since: "0.10.0".into(),
        };
        assert_eq!(attribute.unwrap(), expected);
    }

    #[test]
    fn optional_keys() {
        let attribute = RuleAttribute::parse(&parse_quote! {
            #[rule(
                code = "RB101",
                severity = "error",
                category = "determinism",
                since = "0.1.0",
                summary = "UUIDs are made",
            )]
            struct WallClock;
        })
        .unwrap();
        assert_eq!(attribute.name, "wall-clock");
        assert!(attribute.default);
        assert!(!attribute.preview);
        assert_eq!(attribute.fix, None);
    }

    #[test]
    fn names_from_identifiers() {
        for (ident, name) in [
            ("WallClock", "wall-clock"),
            ("PlatformIo", "platform-io"),
            ("SqlIO", "sql-io"),
            ("SQLQuery", "sql-query"),
            ("HTTP", "http"),
            ("Uuid4Call", "uuid4-call"),
        ] {
            assert_eq!(kebab_case(ident), name);
        }
    }

    #[test]
    fn every_variant_is_known() {
        for (word, _) in SEVERITIES {
            assert!(refusals_of("severity", &format!("{word:?}")).is_empty());
        }
        for (word, _) in CATEGORIES {
            assert!(refusals_of("category", &format!("{word:?}")).is_empty());
        }
    }

    #[test]
    fn missing_attribute() {
        assert_eq!(
            refusals(parse_quote! { struct WallClock; }),
            [r#"missing attribute: write `#[rule(code = "RB101", …)]`"#]
        );
    }

    #[test]
    fn second_attribute() {
        assert_eq!(
            refusals(parse_quote! { #[rule()] #[rule()] struct WallClock; }),
            ["second `#[rule(...)]`: write all keys in one attribute"]
        );
    }

    #[test]
    fn attribute_without_a_list() {
        // The message is syn's.
        assert_eq!(
            refusals(parse_quote! { #[rule] struct WallClock; }).len(),
            1
        );
    }

    #[test]
    fn all_missing_keys_are_reported() {
        assert_eq!(
            refusals(parse_quote! { #[rule()] struct WallClock; }),
            [
                r#"missing key: write `code = "RB101"`"#,
                r#"missing key: write `summary = "workflow code reads the wall clock"`"#,
                r#"missing key: write `severity = "error"`"#,
                r#"missing key: write `category = "determinism"`"#,
                r#"missing key: write `since = "0.1.0"`"#,
            ]
        );
    }

    #[test]
    fn bad_keys() {
        let refused = refusals(parse_quote! {
            #[rule(code = "RB101", code = "RB102", colour = "red", a::b = 1)]
            struct WallClock;
        });
        let unknown = "unknown key: write one of `code`, `severity`, `category`, `since`, \
                       `summary`, `name`, `default`, `preview`, `fix`";
        assert_eq!(
            refused[..3],
            ["`code` is written twice: keep one", unknown, unknown,]
        );
    }

    #[test]
    fn wrong_types_of_values() {
        let wrong = |entry: &str| vec![format!("wrong type of value: write `{entry}`")];
        assert_eq!(refusals_of("code", "101"), wrong(r#"code = "RB101""#));
        assert_eq!(refusals_of("name", "true"), wrong(r#"name = "wall-clock""#));
        assert_eq!(
            refusals_of("since", r#"concat!("0.1.0")"#),
            wrong(r#"since = "0.1.0""#)
        );
        assert_eq!(
            refusals_of("default", r#""false""#),
            wrong("default = false")
        );
        let refused = refusals(parse_quote! { #[rule(code, since(1))] struct WallClock; });
        assert_eq!(refused[..1], wrong(r#"code = "RB101""#));
        assert_eq!(refused[4..], wrong(r#"since = "0.1.0""#));
    }

    #[test]
    fn malformed_codes() {
        for code in [r#""RB1""#, r#""RB1011""#, r#""rb101""#, r#""RBabc""#] {
            assert_eq!(
                refusals_of("code", code),
                ["malformed code: write `RB` and three digits"]
            );
        }
    }

    #[test]
    fn malformed_names() {
        let message = "malformed name: write it in kebab case, such as `wall-clock`";
        for name in [r#""WallClock""#, r#""wall--clock""#, r#""""#, r#""4-wall""#] {
            assert_eq!(refusals_of("name", name), [message]);
        }
        let refused = refusals(parse_quote! { #[rule()] struct Wall_Clock; });
        assert!(refused.contains(&message.to_owned()));
    }

    #[test]
    fn malformed_summaries() {
        for (summary, problem) in [
            (r#""""#, "write one line"),
            (r#""two\nlines""#, "write one line"),
            (r#""Reads the clock""#, "start in lower case"),
            (r#""A clock is read""#, "start in lower case"),
            (r#""reads the clock.""#, "end without a period"),
        ] {
            assert_eq!(
                refusals_of("summary", summary),
                [format!("malformed summary: {problem}")]
            );
        }
    }

    #[test]
    fn unknown_variants() {
        assert_eq!(
            refusals_of("severity", r#""fatal""#),
            ["unknown severity: write one of `error`, `warning`, `info`"]
        );
        assert_eq!(
            refusals_of("fix", r#""sometimes""#),
            ["unknown fix: write one of `safe`, `unsafe`, `display-only`"]
        );
        assert_eq!(
            refusals_of("category", r#""Steps""#),
            [
                "unknown category: write one of `lint`, `determinism`, `contract`, `steps`, \
                 `calls`, `bundle`, `lifecycle`, `versioning`"
            ]
        );
    }

    #[test]
    fn malformed_versions() {
        for version in [r#""0.1""#, r#""0.1.0.0""#, r#""v0.1.0""#, r#""0.01.0""#] {
            assert_eq!(
                refusals_of("since", version),
                ["malformed version: write three numbers, such as `0.1.0`"]
            );
        }
    }
}
