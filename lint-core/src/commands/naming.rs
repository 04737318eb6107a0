//! What the history calls things: activities, workflow types and handlers by the names that they
//! are registered under, and commands by what a replay compares of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::index::{Function, FunctionNode, Module};
use crate::interp::{ClassId, FuncId, Obj, Seen};
use crate::knowledge;
use crate::place::FileId;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::builder::{Builder, Scope};
use super::structure::{Command, Value, plain_string};

/// The command that a call issues.
pub(super) fn command<'p>(
    builder: &mut Builder<'_, 'p>,
    scope: &Rc<Scope<'p>>,
    call: &'p ast::ExprCall,
    api: &'static knowledge::Command,
) -> Command {
    let mut properties = BTreeMap::new();
    let target = api.target.map(|it| it.name);
    for arg in api.compared {
        let name = if Some(arg.name) == target {
            "name"
        } else {
            arg.name
        };
        if let Some(value) = property(builder, scope, call, *arg) {
            properties.insert(name.to_owned(), value);
        }
    }
    Command {
        kind: api.event.unwrap_or_default().to_owned(),
        properties,
    }
}

/// What a call gives for an argument; `None` if nothing.
fn property<'p>(
    builder: &mut Builder<'_, 'p>,
    scope: &Rc<Scope<'p>>,
    call: &'p ast::ExprCall,
    arg: knowledge::Arg,
) -> Option<Value> {
    let seen = scope.run.seen.get(&span_of(call))?;
    let given = seen.iter().filter_map(|seen| match seen {
        Seen::Given(name, obj) if *name == arg.name => Some(*obj),
        _ => None,
    });
    let given: Vec<Obj> = given.collect();
    let written = argument(call, arg);
    match given[..] {
        [] | [Obj::None] => return None,
        [one] => {
            if let Some(name) = builder.name_of(one) {
                return Some(Value::Fixed(name));
            }
        }
        _ => {}
    }
    let Some(written) = written.or_else(|| unpacked(builder, scope, call, arg.name)) else {
        return hides(builder, scope, call).then_some(Value::Unknown);
    };
    if let Some(text) = builder.constant_string(scope, written) {
        return Some(Value::Fixed(text));
    }
    let text = builder.describe(scope, written);
    if let Some(name) = builder.function_meant(&given, &text) {
        return Some(Value::Fixed(name));
    }
    Some(Value::of(text))
}

/// The mappings that a call unpacks; `None` stands for one that is not written out.
fn mappings<'p>(
    builder: &Builder<'_, 'p>,
    scope: &Scope<'p>,
    call: &'p ast::ExprCall,
) -> Vec<Option<&'p ast::ExprDict>> {
    let unpacked = call.arguments.keywords.iter().filter(|it| it.arg.is_none());
    let written = unpacked.map(|it| match &it.value {
        Expr::Dict(dict) => Some(dict),
        Expr::Name(name) => {
            let name = name.id.as_str();
            let value = match scope.definitions.get(name) {
                Some(_) => scope.definitions.only_value(name),
                None => {
                    let module = builder.machine.project.module(scope.file)?;
                    only_value(module, name)
                }
            };
            value?.as_dict_expr()
        }
        _ => None,
    });
    written.collect()
}

/// What a call gives for an argument in a mapping that is written out.
fn unpacked<'p>(
    builder: &Builder<'_, 'p>,
    scope: &Scope<'p>,
    call: &'p ast::ExprCall,
    name: &str,
) -> Option<&'p Expr> {
    let known = mappings(builder, scope, call).into_iter().flatten();
    let items = known.flat_map(|dict| &dict.items);
    let mut found = items.filter_map(|item| match &item.key {
        Some(Expr::StringLiteral(key)) if key.value.to_str() == name => Some(&item.value),
        _ => None,
    });
    found.next()
}

/// Whether something may be given that is not written out.
fn hides<'p>(builder: &Builder<'_, 'p>, scope: &Scope<'p>, call: &'p ast::ExprCall) -> bool {
    let is_open = |dict: &ast::ExprDict| {
        dict.items
            .iter()
            .any(|item| !matches!(item.key, Some(Expr::StringLiteral(_))))
    };
    let starred = call.arguments.args.iter().any(Expr::is_starred_expr);
    let mappings = mappings(builder, scope, call);
    starred || mappings.is_empty() || mappings.iter().any(|it| it.is_none_or(is_open))
}

pub(super) fn argument(call: &ast::ExprCall, arg: knowledge::Arg) -> Option<&Expr> {
    if let Some(keyword) = call.arguments.find_keyword(arg.name) {
        return Some(&keyword.value);
    }
    let args = &call.arguments.args[..];
    let position = usize::from(arg.position?);
    let before = args.get(..=position)?;
    before
        .iter()
        .all(|it| !it.is_starred_expr())
        .then(|| &args[position])
}

impl<'p> Builder<'_, 'p> {
    /// The name of that function of several that is left if patches answer as they are taken to.
    fn function_meant(&mut self, given: &[Obj], text: &str) -> Option<String> {
        if self.assumed.is_empty() {
            return None;
        }
        let is_it = |obj: &&Obj| match obj {
            Obj::Func(it) => {
                let name = self.machine.function_name(it.func);
                name.rsplit('.').next() == text.rsplit('.').next()
            }
            _ => false,
        };
        let found = *given.iter().find(is_it)?;
        self.name_of(found)
    }

    /// The name under which the history knows an activity, a workflow or a text.
    fn name_of(&mut self, obj: Obj) -> Option<String> {
        match obj {
            Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => {
                self.function_name(it.func)
            }
            Obj::Bound(id) => self.name_of(self.machine.bound_callee(id)),
            Obj::Class(class) => Some(self.workflow_type(class)),
            Obj::Str(text) => Some(self.machine.str(text).to_owned()),
            Obj::Int(int) => Some(int.to_string()),
            Obj::External(name) => {
                let name = self.machine.str(name);
                let name = name.strip_suffix(".run").unwrap_or(name);
                name.rsplit('.').next().map(str::to_owned)
            }
            _ => None,
        }
    }

    /// An activity has the name that its decorator says; the run method stands for its workflow.
    fn function_name(&mut self, func: FuncId) -> Option<String> {
        let function = self.machine.function(func)?;
        let method = function.qualname.rsplit('.').next().unwrap_or_default();
        let class = function.class.map(|ix| ClassId {
            file: func.file,
            ix,
        });
        let is_workflow = |class: &ClassId| {
            let mut marks = self.machine.class_marks(*class).iter();
            marks.any(|mark| mark.role == Some(knowledge::Role::WorkflowClass))
        };
        if let Some(class) = class.filter(is_workflow) {
            return Some(self.workflow_type(class));
        }
        match decorator_argument(function, "name") {
            Some(name) => self.string(func.file, class, name),
            None => Some(method.to_owned()),
        }
    }

    pub(super) fn workflow_type(&mut self, class: ClassId) -> String {
        let Some(node) = self.machine.class_node(class) else {
            return String::new();
        };
        let name = keyword(&node.decorator_list, "name");
        let name = name.and_then(|name| self.string(class.file, None, name));
        name.unwrap_or_else(|| node.name.to_string())
    }

    /// Whether the decorator keeps executions on the version of the worker that started them.
    pub(super) fn is_pinned(&mut self, class: ClassId) -> bool {
        let node = self.machine.class_node(class);
        let behavior = node.and_then(|node| keyword(&node.decorator_list, "versioning_behavior"));
        let scope = self.module_scope(class.file);
        behavior.zip(scope).is_some_and(|(behavior, scope)| {
            let text = self.describe(&scope, behavior);
            text.rsplit('.').next() == Some("PINNED")
        })
    }

    /// The name of a handler, `*` for one that takes all others.
    pub(super) fn handler(&mut self, func: FuncId, method: &str) -> String {
        let Some(function) = self.machine.function(func) else {
            return method.to_owned();
        };
        let dynamic = decorator_argument(function, "dynamic");
        if dynamic.is_some_and(|it| matches!(it, Expr::BooleanLiteral(it) if it.value)) {
            return "*".to_owned();
        }
        let class = function.class.map(|ix| ClassId {
            file: func.file,
            ix,
        });
        let name = decorator_argument(function, "name");
        let name = name.and_then(|name| self.string(func.file, class, name));
        name.unwrap_or_else(|| method.to_owned())
    }

    /// The string that an argument of a decorator is.
    fn string(&mut self, file: FileId, class: Option<ClassId>, expr: &'p Expr) -> Option<String> {
        let scope = match class {
            Some(class) => self.class_scope(class)?,
            None => self.module_scope(file)?,
        };
        plain_string(&self.describe(&scope, expr))
    }
}

fn decorator_argument<'p>(function: &Function<'p>, name: &str) -> Option<&'p Expr> {
    match function.node {
        FunctionNode::Def(def) => keyword(&def.decorator_list, name),
        _ => None,
    }
}

fn keyword<'p>(decorators: &'p [ast::Decorator], name: &str) -> Option<&'p Expr> {
    decorators.iter().find_map(|it| match &it.expression {
        Expr::Call(call) => call.arguments.find_keyword(name).map(|it| &it.value),
        _ => None,
    })
}

pub(super) fn is_decorated(function: &Function<'_>, name: &str) -> bool {
    match function.node {
        FunctionNode::Def(def) => def.decorator_list.iter().any(
            |it| matches!(&it.expression, Expr::Name(decorator) if decorator.id.as_str() == name),
        ),
        _ => false,
    }
}

/// What the only assignment to a global of a module writes.
pub(super) fn only_value<'p>(module: &'p Module, name: &str) -> Option<&'p Expr> {
    let mut values = module
        .tree()
        .body
        .iter()
        .filter_map(|statement| match statement {
            Stmt::Assign(it) => {
                let is_it =
                    |target: &Expr| matches!(target, Expr::Name(it) if it.id.as_str() == name);
                it.targets.iter().any(is_it).then_some(&*it.value)
            }
            Stmt::AnnAssign(it) => {
                let is_it = matches!(&*it.target, Expr::Name(it) if it.id.as_str() == name);
                it.value.as_deref().filter(|_| is_it)
            }
            _ => None,
        });
    let value = values.next()?;
    values.next().is_none().then_some(value)
}
