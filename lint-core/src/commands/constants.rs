//! What names and attributes stand for that are not of the function itself: constants of modules
//! and classes, defaults of fields, functions that are referred to.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::index::{FunctionNode, MODULE_BODY};
use crate::interp::{ClassId, Code, CtxId, FuncId, Mark, Seen};
use crate::knowledge::Role;
use crate::names::{Base, Resolved};
use crate::place::{FileId, Span};
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::builder::{Builder, Given, Scope};
use super::definitions::Definitions;
use super::describe::{Writer, constant_text};
use super::digest::{digest, print};

impl<'p> Writer<'_, '_, 'p> {
    /// A name that neither the function nor what it was given defines.
    pub(super) fn foreign(&mut self, scope: &Rc<Scope<'p>>, name: &str) -> String {
        if !matches!(scope.function.node, FunctionNode::Module(_)) {
            if scope.function.locals.contains(name) {
                return name.to_owned();
            }
            if let Some(text) = self.builder.enclosed(scope, name) {
                return text;
            }
        }
        self.global(scope.file, name)
    }

    fn global(&mut self, file: FileId, name: &str) -> String {
        let constant = self.builder.machine.constant(file, name);
        if let Some(text) = constant.and_then(|obj| constant_text(self.builder, obj)) {
            return text;
        }
        match self.builder.names.member(file, name) {
            Some(Resolved::External(external)) => match self.variable(file, name) {
                own if own == name => external,
                // What stands in where the import fails.
                own => format!("({external} or {own})"),
            },
            Some(resolved) => self.resolved(resolved, name),
            None => self.variable(file, name),
        }
    }

    fn resolved(&mut self, it: Resolved, written: &str) -> String {
        match it {
            Resolved::External(name) => name,
            Resolved::Variable { file, name } => self.variable(file, &name),
            Resolved::Class { file, ix } => self.class(ClassId { file, ix }),
            Resolved::Function { file, ix } => self.builder.reference(FuncId { file, ix }),
            Resolved::Module(_) | Resolved::Package(_) => written.to_owned(),
        }
    }

    fn variable(&mut self, file: FileId, name: &str) -> String {
        let Some(scope) = self.builder.module_scope(file) else {
            return name.to_owned();
        };
        // What a module only changes, or knows within a comprehension, is nothing of its own.
        let (known, _) = scope.definitions.at(name, Span::default());
        let is_made = known.iter().any(|it| !it.what.is_change());
        match scope.definitions.key(name) {
            Some(name) if is_made => self.name(&scope, name, Span::default()),
            _ => name.to_owned(),
        }
    }

    /// A class by its name; an enumeration with its members, which one may go through.
    fn class(&mut self, class: ClassId) -> String {
        let Some(node) = self.builder.machine.class_node(class) else {
            return self.builder.machine.class_name(class);
        };
        let name = node.name.to_string();
        match self.builder.is_enum(class) {
            true => format!("{name}[{}]", self.builder.digest_of_class(class)),
            false => name,
        }
    }

    /// What is called, without what does not matter for a call.
    pub(super) fn called(&mut self, scope: &Rc<Scope<'p>>, func: &'p Expr) -> String {
        match self.builder.resolve(scope, func) {
            Some(Resolved::Class { file, ix }) => {
                let node = self.builder.machine.class_node(ClassId { file, ix });
                node.map_or_else(String::new, |node| node.name.to_string())
            }
            Some(Resolved::Function { file, ix }) => {
                let function = self.builder.machine.function(FuncId { file, ix });
                let name = function.map_or("", |it| it.qualname.as_str());
                name.rsplit('.').next().unwrap_or_default().to_owned()
            }
            _ => self.expr(scope, func),
        }
    }

    pub(super) fn attribute(
        &mut self,
        scope: &Rc<Scope<'p>>,
        expr: &'p Expr,
        it: &'p ast::ExprAttribute,
    ) -> String {
        if let [callee] = self.builder.callees(scope, span_of(expr))[..] {
            let receiver = self.expr(scope, &it.value);
            if let Some(inner) = self.builder.bound(callee, receiver)
                && let Some(text) = self.builder.outcome(&inner)
            {
                return text;
            }
        }
        if let Some(text) = self.member(scope, it) {
            return text;
        }
        let owner = self.expr(scope, &it.value);
        let default = self.default(scope, expr, it.attr.as_str());
        let text = match default {
            Some((text, true)) if owner == "self" => return text,
            Some((text, _)) => format!("{owner}.{} (by default {text})", it.attr),
            None => format!("{owner}.{}", it.attr),
        };
        match self.builder.digest_of_calls(scope, expr) {
            Some(digest) => format!("{text}#{digest}"),
            None => text,
        }
    }

    /// What a module or a class outside the function has under a name.
    fn member(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::ExprAttribute) -> Option<String> {
        let name = it.attr.as_str();
        if name == "value"
            && let Expr::Attribute(member) = &*it.value
            && let Some(Resolved::Class { file, ix }) = self.builder.resolve(scope, &member.value)
            && self.builder.is_enum(ClassId { file, ix })
        {
            let value = self.class_value(ClassId { file, ix }, member.attr.as_str())?;
            return Some(value.0);
        }
        match self.builder.resolve(scope, &it.value)? {
            Resolved::Module(file) => Some(self.global(file, name)),
            Resolved::External(owner) => Some(format!("{owner}.{name}")),
            Resolved::Class { file, ix } => {
                let class = ClassId { file, ix };
                let (text, _) = self.class_value(class, name)?;
                if !self.builder.is_enum(class) {
                    return Some(text);
                }
                let node = self.builder.machine.class_node(class)?;
                Some(format!("{}.{name} ({text})", node.name))
            }
            _ => None,
        }
    }

    /// What an attribute is unless something sets it, and whether nothing does.
    fn default(
        &mut self,
        scope: &Rc<Scope<'p>>,
        expr: &Expr,
        name: &str,
    ) -> Option<(String, bool)> {
        let seen = scope.run.seen.get(&span_of(expr))?;
        let classes = seen.iter().filter_map(|seen| match seen {
            Seen::Of(class) => Some(*class),
            _ => None,
        });
        let classes: BTreeSet<ClassId> = classes.collect();
        let mut texts = Vec::new();
        let mut is_constant = true;
        for class in classes {
            if let Some((text, is_fixed)) = self.class_value(class, name) {
                texts.push(text);
                is_constant &= is_fixed;
            }
        }
        let text = texts.join(" / ");
        (!texts.is_empty()).then_some((text, is_constant))
    }

    /// What the body of a class or of a base gives an attribute, and whether no method sets it.
    fn class_value(&mut self, class: ClassId, name: &str) -> Option<(String, bool)> {
        let bases = self.builder.names.bases(class.file, class.ix);
        let classes = bases.iter().filter_map(|base| match base {
            Base::Class { file, ix } => Some(ClassId {
                file: *file,
                ix: *ix,
            }),
            _ => None,
        });
        let classes: Vec<ClassId> = classes.collect();
        let names = &self.builder.names;
        let is_set = |it: &ClassId| names.assigns_attribute(it.file, it.ix, name);
        let is_fixed = !classes.iter().any(is_set);
        for class in classes {
            let scope = self.builder.class_scope(class)?;
            let Some(name) = scope.definitions.key(name) else {
                continue;
            };
            let text = match scope.definitions.only_value(name) {
                Some(Expr::Call(call)) => self.field(&scope, class, call)?,
                _ => Some(self.name(&scope, name, Span::default())),
            };
            return Some((
                text.unwrap_or_else(|| self.name(&scope, name, Span::default())),
                is_fixed,
            ));
        }
        None
    }

    /// The default in `field(…)`: the inner `None` if the call is of something else, the outer one
    /// if there is no default.
    fn field(
        &mut self,
        scope: &Rc<Scope<'p>>,
        class: ClassId,
        call: &'p ast::ExprCall,
    ) -> Option<Option<String>> {
        let names = &self.builder.names;
        let called = names.resolve_in_class(class.file, class.ix, &call.func);
        let name = called.as_ref().and_then(Resolved::external);
        let role = name.and_then(|name| self.builder.machine.knowledge.role(name));
        if role != Some(Role::Field) {
            return Some(None);
        }
        let keyword = |name| call.arguments.find_keyword(name).map(|it| &it.value);
        if let Some(factory) = keyword("default_factory") {
            return Some(Some(match factory {
                Expr::Lambda(lambda) => self.expr(scope, &lambda.body),
                other => match self.builder.resolve(scope, other) {
                    Some(Resolved::Function { file, ix }) => {
                        format!("{}()", self.builder.reference(FuncId { file, ix }))
                    }
                    _ => format!("{}()", self.called(scope, other)),
                },
            }));
        }
        let default = keyword("default").or_else(|| call.arguments.args.first())?;
        let is_default = !default.is_ellipsis_literal_expr();
        is_default.then(|| Some(self.expr(scope, default)))
    }
}

impl<'p> Builder<'_, 'p> {
    /// What an expression refers to outside the function.
    pub(super) fn resolve(&self, scope: &Scope<'p>, expr: &Expr) -> Option<Resolved> {
        self.names.resolve(scope.file, scope.ix, expr)
    }

    /// A function that is handed over, with what it does; what an activity does is no matter.
    fn reference(&mut self, func: FuncId) -> String {
        let name = self.machine.function_name(func);
        let name = name.rsplit('.').next().unwrap_or_default().to_owned();
        let is_activity = |mark: Mark| mark.role == Some(Role::Activity);
        if self.machine.function_marks(func).any(is_activity) {
            return name;
        }
        let scope = self.module_scope(func.file);
        match scope.and_then(|scope| self.printed(&scope, func)) {
            Some(text) => format!("{name}#{}", digest(text.as_bytes())),
            None => name,
        }
    }

    fn is_enum(&self, class: ClassId) -> bool {
        let bases = self.names.bases(class.file, class.ix);
        bases
            .iter()
            .any(|base| matches!(base, Base::External(name) if name.starts_with("enum.")))
    }

    /// The members of an enumeration in their order.
    fn digest_of_class(&mut self, class: ClassId) -> String {
        let Some(scope) = self.class_scope(class) else {
            return String::new();
        };
        let body = self.machine.class_node(class).map(|node| &node.body[..]);
        let mut text = String::new();
        for statement in body.unwrap_or_default() {
            if let Stmt::Assign(it) = statement
                && let [Expr::Name(name)] = &it.targets[..]
            {
                text.push_str(name.id.as_str());
                text.push('=');
                text.push_str(&self.describe(&scope, &it.value));
                text.push(';');
            }
        }
        digest(text.as_bytes())
    }

    /// The body of a module, in which its functions look for names.
    pub(super) fn module_scope(&mut self, file: FileId) -> Option<Rc<Scope<'p>>> {
        if let Some(known) = self.modules.get(&file) {
            return Some(known.clone());
        }
        let ctx = self.machine.module_ctx(file);
        let scope = Rc::new(self.scope(ctx)?);
        self.modules.insert(file, scope.clone());
        Some(scope)
    }

    pub(super) fn class_scope(&mut self, class: ClassId) -> Option<Rc<Scope<'p>>> {
        if let Some(known) = self.classes.get(&class) {
            return Some(known.clone());
        }
        let module = self.module_scope(class.file)?;
        let body = &self.machine.class_node(class)?.body;
        let mut scope = self.scope(module.ctx)?;
        scope.definitions = Rc::new(Definitions::of_body(body));
        scope.outer = Some(module);
        let scope = Rc::new(scope);
        self.classes.insert(class, scope.clone());
        Some(scope)
    }

    /// What a function around this one keeps under a name, if these are constants.
    fn enclosed(&mut self, scope: &Scope<'p>, name: &str) -> Option<String> {
        let mut ctx = scope.ctx;
        loop {
            let Code::Function(it) = &self.machine.ctx(ctx).code else {
                return None;
            };
            let (func, closure) = (it.func, it.closure);
            let function = self.machine.function(func)?;
            if function.parent == MODULE_BODY || closure == ctx {
                return None;
            }
            ctx = closure;
            let parent = match &self.machine.ctx(ctx).code {
                Code::Function(it) => self.machine.function(it.func)?,
                Code::Fields { .. } => return None,
            };
            if parent.locals.contains(name) && !matches!(parent.node, FunctionNode::Module(_)) {
                let objs = self.machine.captured_values(ctx, name);
                let texts = objs.into_iter().map(|obj| constant_text(self, obj));
                let texts: Option<Vec<String>> = texts.collect();
                return Some(match texts {
                    Some(texts) if !texts.is_empty() => texts.join(" / "),
                    _ => name.to_owned(),
                });
            }
        }
    }

    /// A method that is run for a receiver, and for nothing else.
    pub(super) fn bound(&mut self, callee: CtxId, receiver: String) -> Option<Rc<Scope<'p>>> {
        let mut scope = self.scope(callee)?;
        let parameters = scope.function.node.parameters()?;
        let first = parameters.iter().next()?.name().as_str();
        scope.given.insert(first, Given::of_text(receiver));
        Some(Rc::new(scope))
    }

    /// A digest of what an operator, an iterator or a property of the project runs.
    pub(super) fn digest_of_calls(&mut self, scope: &Scope<'p>, expr: &Expr) -> Option<String> {
        let callees = self.callees(scope, span_of(expr));
        (!callees.is_empty()).then(|| self.digest_of_all(&callees))
    }

    /// A digest of the code that contexts run, with the constants in it.
    pub(super) fn digest_of_all(&mut self, starts: &[CtxId]) -> String {
        if let Some(known) = self.digests.get(starts) {
            return known.clone();
        }
        let mut seen: BTreeSet<CtxId> = starts.iter().copied().collect();
        let mut pending: Vec<CtxId> = starts.to_vec();
        let mut prints = BTreeSet::new();
        while let Some(ctx) = pending.pop() {
            if let Code::Function(it) = &self.machine.ctx(ctx).code {
                let func = it.func;
                let scope = self.scope(ctx).map(Rc::new);
                prints.extend(scope.and_then(|scope| self.printed(&scope, func)));
            }
            let callees = self.machine.ctx(ctx).outcome.edges.iter();
            pending.extend(
                callees
                    .map(|edge| edge.callee)
                    .filter(|it| seen.insert(*it)),
            );
        }
        let prints: Vec<String> = prints.into_iter().collect();
        let made = digest(prints.concat().as_bytes());
        self.digests.insert(starts.to_vec(), made.clone());
        made
    }

    /// The code of a function, and what the names in it stand for as seen from a scope.
    fn printed(&mut self, scope: &Rc<Scope<'p>>, func: FuncId) -> Option<String> {
        let mut print = print(self.machine.function(func)?);
        for name in print.foreign {
            let refers = self.names.resolve(func.file, func.ix, name);
            let is_code = matches!(
                refers,
                Some(Resolved::Function { .. } | Resolved::Class { .. } | Resolved::External(_))
            );
            if !is_code && self.may_enter() {
                print.text.push_str(&self.describe(scope, name));
            }
        }
        Some(print.text)
    }
}
