//! Assigning arguments to parameters.

use crate::diagnostic::Span;
use crate::index::FunctionNode;
use crate::knowledge::Role;
use crate::syntax::ast;
use crate::syntax::span_of;

use super::args::Args;
use super::{CellKey, ContainerKind, FuncId, FuncRef, How, Key, Machine, Obj, Sym, Value};

/// A parameter, and what it is given.
struct Slot {
    name: Sym,
    value: Option<Value>,
}

impl Slot {
    pub(super) fn join(&mut self, value: &Value) {
        self.value.get_or_insert_with(Value::bottom).join(value);
    }
}

/// Arguments on their way to the parameters of a function.
#[derive(Default)]
struct Distribution {
    positional: Vec<Slot>,
    keyword_only: Vec<Slot>,
    /// What `*args` gets.
    rest: Vec<(Key, Value)>,
    /// What `**kwargs` gets.
    extra: Vec<(Key, Value)>,
    /// How many positional arguments there are so far.
    at: usize,
}

impl Distribution {
    fn add_positional(&mut self, value: Value) {
        match self.positional.get_mut(self.at) {
            Some(slot) => slot.value = Some(value),
            None => {
                let place = self.at - self.positional.len();
                self.rest.push((Key::Int(place as i64), value));
            }
        }
        self.at += 1;
    }

    fn add_keyword(&mut self, name: Sym, value: &Value) {
        if let Some(slot) = self.slots().find(|slot| slot.name == name) {
            slot.join(value);
        } else {
            self.extra.push((Key::Str(name), value.clone()));
        }
    }

    fn slots(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.positional.iter_mut().chain(&mut self.keyword_only)
    }
}

impl<'p> Machine<'p> {
    /// Assigns arguments to parameters, in the order of the parameter cells: positional ones,
    /// `*args`, keyword-only ones, `**kwargs`. `None` is an argument that is not given.
    pub(super) fn distribute(
        &mut self,
        node: FunctionNode<'p>,
        receiver: Option<Obj>,
        args: &Args,
    ) -> Vec<Option<Value>> {
        let Some(parameters) = node.parameters() else {
            return Vec::new();
        };
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let mut given = Distribution {
            positional: self.slots(positional),
            keyword_only: self.slots(parameters.kwonlyargs.iter()),
            ..Distribution::default()
        };
        if let Some(receiver) = receiver {
            given.add_positional(Value::of(receiver));
        }
        self.distribute_positional(&mut given, args);
        for (name, value) in &args.keywords {
            match name {
                Some(name) => given.add_keyword(*name, value),
                None => self.distribute_mapping(&mut given, value),
            }
        }
        let take = |slots: Vec<Slot>| slots.into_iter().map(|slot| slot.value);
        let mut result: Vec<Option<Value>> = take(given.positional).collect();
        if let Some(vararg) = &parameters.vararg {
            let span = span_of(&vararg.name);
            result.push(Some(self.filled(ContainerKind::Tuple, given.rest, span)));
        }
        result.extend(take(given.keyword_only));
        if let Some(kwarg) = &parameters.kwarg {
            let span = span_of(&kwarg.name);
            result.push(Some(self.filled(ContainerKind::Dict, given.extra, span)));
        }
        result
    }

    /// Whether a call raises `TypeError` before the body runs: an argument is missing, or there is
    /// one too many. What is unpacked may be anything, decorators may change what is taken, and a
    /// partial may be a method whose receiver is not known here.
    pub(super) fn fails_to_bind(
        &self,
        node: FunctionNode<'p>,
        receiver: Option<Obj>,
        args: &Args,
    ) -> bool {
        let (FunctionNode::Def(def), Some(parameters)) = (node, node.parameters()) else {
            return false;
        };
        let unpacks = args.positional.iter().any(|it| it.starred)
            || args.keywords.iter().any(|(name, _)| name.is_none());
        let is_partial = self.frame.partials.values().any(|calls| calls.running);
        if unpacks || is_partial || !def.decorator_list.is_empty() {
            return false;
        }
        let is_named = |it: &ast::ParameterWithDefault| {
            let mut names = args.keywords.iter().filter_map(|(name, _)| *name);
            names.any(|name| self.str(name) == it.parameter.name.as_str())
        };
        let count = args.positional.len() + usize::from(receiver.is_some());
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let mut rest = positional.skip(count).chain(&parameters.kwonlyargs);
        let takes = |name: &str| {
            let mut all = parameters.args.iter().chain(&parameters.kwonlyargs);
            all.any(|it| it.parameter.name.as_str() == name)
        };
        let mut names = args.keywords.iter().filter_map(|(name, _)| *name);
        let most = parameters.posonlyargs.len() + parameters.args.len();
        rest.any(|it| it.default.is_none() && !is_named(it))
            || count > most && parameters.vararg.is_none()
            || parameters.kwarg.is_none() && names.any(|name| !takes(self.str(name)))
    }

    fn slots<'a>(&mut self, of: impl Iterator<Item = &'a ast::ParameterWithDefault>) -> Vec<Slot> {
        let slots = of.map(|it| Slot {
            name: self.sym(it.parameter.name.as_str()),
            value: None,
        });
        slots.collect()
    }

    /// `value` and `*iterable`. How many places an iterable fills may not be known, and then its
    /// elements may be in each of them.
    fn distribute_positional(&mut self, given: &mut Distribution, args: &Args) {
        let mut open_ended: Option<Value> = None;
        for argument in &args.positional {
            let value = &argument.value;
            if !argument.starred {
                given.add_positional(value.clone());
            } else if let Some(elements) = self.exact_elements(value) {
                for element in elements {
                    given.add_positional(element.tainted_by(value));
                }
            } else {
                let elements = self.iterate(value, argument.span, How::Iterate);
                let open_ended = open_ended.get_or_insert_with(Value::bottom);
                open_ended.join(&elements.tainted_by(value));
            }
        }
        if let Some(value) = open_ended {
            for slot in &mut given.positional {
                slot.join(&value);
            }
            given.rest.push((Key::Any, value));
        }
    }

    /// `**mapping`
    fn distribute_mapping(&mut self, given: &mut Distribution, mapping: &Value) {
        for slot in given.slots().filter(|slot| slot.value.is_none()) {
            let element = self.element(mapping, Key::Str(slot.name), Span::default());
            if !element.is_bottom() && !element.is_vague() {
                slot.value = Some(element.tainted_by(mapping));
            }
        }
        for (key, element) in self.entries(mapping) {
            let is_taken = given.slots().any(|slot| key == Key::Str(slot.name));
            if !is_taken {
                given.extra.push((key, element.tainted_by(mapping)));
            }
        }
    }

    fn filled(&mut self, kind: ContainerKind, entries: Vec<(Key, Value)>, span: Span) -> Value {
        let id = self.container(kind, span);
        for (key, value) in entries {
            self.put(id, key, &value);
        }
        Value::of(Obj::Container(id))
    }

    /// Gives the parameters of the running context their values.
    pub(super) fn bind_parameters(&mut self, function: FuncRef) {
        let Some(parameters) = self.frame.function.node.parameters() else {
            return;
        };
        let positional = parameters
            .posonlyargs
            .iter()
            .chain(&parameters.args)
            .map(|it| &it.parameter);
        let kwonly = parameters.kwonlyargs.iter().map(|it| &it.parameter);
        let all: Vec<(&'p ast::Parameter, bool)> = positional
            .map(|it| (it, false))
            .chain(parameters.vararg.as_deref().map(|it| (it, true)))
            .chain(kwonly.map(|it| (it, false)))
            .chain(parameters.kwarg.as_deref().map(|it| (it, true)))
            .collect();
        let is_method = self.frame.function.class.is_some();
        let is_decoded = self
            .function_marks(function.func)
            .any(|mark| matches!(mark.role, Some(Role::Run | Role::Signal | Role::Update)));
        for (ix, (parameter, variadic)) in all.into_iter().enumerate() {
            let mut value = self.read(CellKey::Param(self.frame.ctx, ix as u16));
            let is_receiver = ix == 0 && is_method && !variadic;
            let only_default = value.is_bottom();
            if only_default {
                let default = self.default_of(function, ix, span_of(&parameter.name));
                value.join(&default.opened());
            }
            let lacks_type =
                value.is_vague() || value.objs().iter().all(|obj| matches!(obj, Obj::None));
            if !variadic
                && let Some(annotation) = &parameter.annotation
                && (only_default || value.is_vague() || lacks_type && value.is_open())
            {
                let declared = self.annotation(annotation);
                value = value.joined(&declared);
                // A type says what an argument is not: `str` is not `None`.
                if !only_default {
                    value = value.opened();
                }
            }
            if let (true, Some(annotation), false) = (
                is_decoded && only_default,
                &parameter.annotation,
                is_receiver,
            ) {
                self.run_decoding(&value.clone(), span_of(&**annotation));
            }
            if is_receiver && value.is_bottom() {
                value = self.unknown_receiver(function.func);
            }
            if value.is_bottom() {
                value = Value::unknown();
            }
            let name = self.sym(parameter.name.as_str());
            if self
                .frame
                .function
                .captured
                .contains(parameter.name.as_str())
            {
                self.write(CellKey::Local(self.frame.ctx, name), &value);
            }
            self.frame.state.vars.insert(name, value);
        }
    }

    /// The default of a parameter, which the import of its module evaluated for all calls.
    pub(super) fn default_of(&mut self, function: FuncRef, ix: usize, span: Span) -> Value {
        let default = self.read(CellKey::Default(function, ix as u16));
        if default.taint().is_empty() || !self.is_defined_at_import(function) {
            return default;
        }
        let name = self.parameter_name(function, ix);
        self.read_shared(default, name, span)
    }

    pub(super) fn parameter_name(&mut self, function: FuncRef, ix: usize) -> Sym {
        let node = self.function(function.func).map(|it| it.node);
        let name = node.and_then(|it| it.parameters()).and_then(|parameters| {
            let positional = parameters.posonlyargs.len() + parameters.args.len();
            let ix = if ix < positional {
                ix
            } else {
                ix - usize::from(parameters.vararg.is_some())
            };
            parameters.iter_non_variadic_params().nth(ix)
        });
        self.sym(name.map_or("", |parameter| parameter.parameter.name.as_str()))
    }

    /// The receiver of a method that is analysed without a call: an instance of its class.
    fn unknown_receiver(&mut self, func: FuncId) -> Value {
        let Some(class) = self.function(func).and_then(|function| function.class) else {
            return Value::unknown();
        };
        let class = super::ClassId {
            file: func.file,
            ix: class,
        };
        let is = |name: &str| {
            let mut marks = self.function_marks(func);
            marks.any(|mark| self.str(mark.name) == name)
        };
        if is("staticmethod") {
            return Value::unknown();
        }
        Value::of(if is("classmethod") {
            Obj::Class(class)
        } else {
            Obj::Instance(class, 0)
        })
    }
}
