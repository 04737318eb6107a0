//! The arguments of a call, and what it gives for a parameter of something known.

use crate::diagnostic::Span;
use crate::knowledge::{Arg, When};

use super::{Machine, Obj, Sym, Value};

/// The arguments of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    /// The object outside the project whose method is called, where that matters.
    pub(crate) receiver: Option<Obj>,
    pub(crate) positional: Vec<Argument>,
    /// `None` is `**mapping`.
    pub(crate) keywords: Vec<(Option<Sym>, Value)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) value: Value,
    /// `*iterable`.
    pub(crate) starred: bool,
    pub(crate) span: Span,
}

impl Args {
    pub(super) fn of(values: &[Value]) -> Self {
        let argument = |value: &Value| Argument {
            value: value.clone(),
            starred: false,
            span: Span::default(),
        };
        Self {
            receiver: None,
            positional: values.iter().map(argument).collect(),
            keywords: Vec::new(),
        }
    }

    pub(super) fn unknown(count: usize) -> Self {
        Self::of(&vec![Value::unknown(); count])
    }

    /// The positional argument at a place.
    pub(super) fn at(&self, ix: usize) -> Option<&Value> {
        self.positional.get(ix).map(|argument| &argument.value)
    }

    pub(super) fn keyword(&self, name: Sym) -> Option<&Value> {
        let mut keywords = self.keywords.iter();
        let (_, value) = keywords.find(|(keyword, _)| *keyword == Some(name))?;
        Some(value)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        let positional = self.positional.iter().map(|it| &it.value);
        positional.chain(self.keywords.iter().map(|(_, value)| value))
    }

    fn has_star(&self) -> bool {
        self.positional.iter().any(|argument| argument.starred)
    }

    fn has_double_star(&self) -> bool {
        self.keywords.iter().any(|(name, _)| name.is_none())
    }
}

/// What a call gives for one parameter of something known.
pub(super) enum Given<'a> {
    Value(&'a Value),
    /// The object whose method is called.
    Receiver(Obj),
    Absent,
    /// It may be hidden behind `*args` or `**kwargs`.
    Hidden,
}

impl Machine<'_> {
    /// What is known of an argument that is text put together.
    fn known_text(&self, args: &Args, arg: Arg) -> Option<&str> {
        match self.given(args, arg) {
            Given::Value(value) => match value.objs() {
                [Obj::ExternalInstance(ty)] => self.str(*ty).strip_prefix("str#"),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn given<'a>(&self, args: &'a Args, arg: Arg) -> Given<'a> {
        if arg.name == "self" {
            return args.receiver.map_or(Given::Absent, Given::Receiver);
        }
        let by_name = args
            .keywords
            .iter()
            .find(|(name, _)| name.is_some_and(|name| self.str(name) == arg.name));
        if let Some((_, value)) = by_name {
            return Given::Value(value);
        }
        if let Some(position) = arg.position {
            let before = args.positional.iter().take(usize::from(position) + 1);
            if before.clone().any(|argument| argument.starred) {
                return Given::Hidden;
            }
            if let Some(argument) = args.positional.get(usize::from(position)) {
                return Given::Value(&argument.value);
            }
        }
        if args.has_double_star() || arg.position.is_some() && args.has_star() {
            return Given::Hidden;
        }
        Given::Absent
    }

    /// Whether an entry of the catalogue is meant, by what the call gives.
    pub(super) fn holds(&mut self, when: When, args: Option<&Args>) -> bool {
        if when == When::Always {
            return true;
        }
        let Some(args) = args else { return false };
        match when {
            When::Always => true,
            When::Missing(arg) => match self.given(args, arg) {
                Given::Absent => true,
                Given::Value(value) => matches!(value.objs(), [Obj::None]) && !value.is_open(),
                Given::Hidden | Given::Receiver(_) => false,
            },
            When::Present(arg) => match self.given(args, arg) {
                Given::Value(value) => !matches!(value.objs(), [Obj::None]),
                _ => false,
            },
            When::Literal(arg, values) => {
                let literal = self.literal(args, arg);
                literal.is_some_and(|text| values.contains(&text))
            }
            When::Contains(arg, parts) => {
                let has = |text: &str, part: &&str| text.contains(part);
                let literal = self.literal(args, arg);
                let known = self.known_text(args, arg);
                // Every literal has the empty text, which asks whether it is one.
                literal.is_some_and(|text| parts.iter().any(|part| has(text, part)))
                    || known.is_some_and(|text| {
                        parts.iter().any(|part| !part.is_empty() && has(text, part))
                    })
            }
            When::True(arg) => match self.given(args, arg) {
                Given::Value(value) => matches!(value.objs(), [Obj::Bool(true)]),
                _ => false,
            },
            When::Entry(arg, key, constant) => match self.given(args, arg) {
                Given::Value(value) => {
                    let entry = self.entry_of(&value.clone(), key);
                    self.is_constant(&entry, constant)
                }
                _ => false,
            },
            When::Holds(arg, names) => {
                let value = match self.given(args, arg) {
                    Given::Value(value) => value.clone(),
                    Given::Hidden => self.unpacked(args, arg.name),
                    Given::Absent | Given::Receiver(_) => return false,
                };
                let (types, _) = self.types_within(&value);
                types.into_iter().any(|ty| self.is_one_of(ty, names))
            }
            When::Unclear(arg) => match self.given(args, arg) {
                Given::Value(value) => !self.types_within(&value.clone()).1,
                Given::Hidden => true,
                Given::Absent | Given::Receiver(_) => false,
            },
            When::All(all) => all.iter().all(|when| self.holds(*when, Some(args))),
            When::Any(any) => any.iter().any(|when| self.holds(*when, Some(args))),
        }
    }

    /// What mappings that a call unpacks have under a name.
    pub(super) fn unpacked(&mut self, args: &Args, name: &str) -> Value {
        let mut value = Value::bottom();
        for (keyword, mapping) in &args.keywords {
            if keyword.is_none() {
                value.join(&self.entry_of(mapping, name));
            }
        }
        value
    }

    /// The text of an argument that is a literal.
    fn literal(&self, args: &Args, arg: Arg) -> Option<&str> {
        match self.given(args, arg) {
            Given::Value(value) => match value.objs() {
                [Obj::Str(sym)] => Some(self.str(*sym)),
                _ => None,
            },
            _ => None,
        }
    }
}
