//! What one parsed file defines: functions, classes and scopes, found in one walk of the tree.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use crate::diagnostic::Span;
use crate::syntax::ast::visitor::{Visitor, walk_expr, walk_pattern, walk_stmt};
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::{Comment, SyntaxError, span_of};

/// Index of a function, lambda or module body within its file; 0 is the module body.
pub type FunctionIx = u32;
/// Index of a class within its file.
pub type ClassIx = u32;

pub const MODULE_BODY: FunctionIx = 0;

/// A parsed file with its index. The index borrows the tree, so both live in one cell.
pub struct Module {
    cell: ModuleCell,
    pub comments: Vec<Comment>,
    pub errors: Vec<SyntaxError>,
}

self_cell::self_cell!(
    struct ModuleCell {
        owner: Tree,
        #[covariant]
        dependent: Index,
    }
);

/// The tree together with the expressions of its string annotations.
struct Tree {
    module: ast::ModModule,
    /// By the start and end offset of the string literal.
    annotations: FxHashMap<(u32, u32), Expr>,
}

impl Module {
    pub fn new(text: &str) -> Self {
        let parsed = crate::syntax::parse(text);
        let annotations = string_annotations(text, &parsed.module);
        let tree = Tree {
            module: parsed.module,
            annotations,
        };
        let cell = ModuleCell::new(tree, |tree| Indexer::run(&tree.module));
        Self {
            cell,
            comments: parsed.comments,
            errors: parsed.errors,
        }
    }

    pub fn tree(&self) -> &ast::ModModule {
        &self.cell.borrow_owner().module
    }

    pub fn index(&self) -> &Index<'_> {
        self.cell.borrow_dependent()
    }

    /// The expression inside a string annotation.
    pub fn string_annotation(&self, literal: Span) -> Option<&Expr> {
        self.cell
            .borrow_owner()
            .annotations
            .get(&(literal.start, literal.end))
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module")
            .field("functions", &self.index().functions.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub struct Index<'a> {
    pub functions: Vec<Function<'a>>,
    pub classes: Vec<Class<'a>>,
    by_span: FxHashMap<Span, Definition>,
    in_order: Vec<Nested>,
    /// For names declared `global`, the first function that does.
    setters: FxHashMap<&'a str, FunctionIx>,
}

/// A function among those of its file in the order of the text.
#[derive(Debug)]
struct Nested {
    span: Span,
    ix: FunctionIx,
    /// The position of the one around it. A lambda in a decorator is within the text of a function
    /// that is not its parent.
    around: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Definition {
    Function(FunctionIx),
    Class(ClassIx),
}

#[derive(Debug)]
pub struct Function<'a> {
    pub node: FunctionNode<'a>,
    /// `outer.inner`, `Class.method`, `outer.<lambda1>`; empty for the module body.
    pub qualname: String,
    /// The function around it, or the module body.
    pub parent: FunctionIx,
    /// The class whose body it stands in directly.
    pub class: Option<ClassIx>,
    /// Names that are local here: parameters and everything bound in the body.
    pub locals: Names<'a>,
    /// Names declared `global`, and `nonlocal`.
    pub globals: Names<'a>,
    pub nonlocals: Names<'a>,
    /// Locals that a nested function or lambda reads or rebinds.
    pub captured: Names<'a>,
    /// Locals that a nested function rebinds through `nonlocal`.
    pub rebound: Names<'a>,
    pub is_generator: bool,
}

/// A sorted set of names.
#[derive(Debug, Default, Clone)]
pub struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    fn insert(&mut self, name: &'a str) {
        if let Err(at) = self.0.binary_search(&name) {
            self.0.insert(at, name);
        }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.binary_search(&name).is_ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.0.iter().copied()
    }
}

#[derive(Debug, Clone, Copy)]
pub enum FunctionNode<'a> {
    Module(&'a ast::ModModule),
    Def(&'a ast::StmtFunctionDef),
    Lambda(&'a ast::ExprLambda),
}

impl<'a> FunctionNode<'a> {
    pub fn parameters(self) -> Option<&'a ast::Parameters> {
        match self {
            Self::Module(_) => None,
            Self::Def(def) => Some(&def.parameters),
            Self::Lambda(lambda) => lambda.parameters.as_deref(),
        }
    }

    pub fn span(self) -> Span {
        match self {
            Self::Module(module) => span_of(module),
            Self::Def(def) => span_of(def),
            Self::Lambda(lambda) => span_of(lambda),
        }
    }

    /// Where to point when the function itself is meant.
    pub fn name_span(self) -> Span {
        match self {
            Self::Module(module) => Span::new(span_of(module).start, span_of(module).start),
            Self::Def(def) => span_of(&def.name),
            Self::Lambda(lambda) => span_of(lambda),
        }
    }

    pub fn is_async(self) -> bool {
        matches!(self, Self::Def(def) if def.is_async)
    }
}

#[derive(Debug)]
pub struct Class<'a> {
    pub node: &'a ast::StmtClassDef,
    pub qualname: String,
    /// The function around it, or the module body.
    pub parent: FunctionIx,
    pub outer: Option<ClassIx>,
}

impl<'a> Index<'a> {
    pub fn function_at(&self, span: Span) -> Option<FunctionIx> {
        match self.by_span.get(&span) {
            Some(Definition::Function(ix)) => Some(*ix),
            _ => None,
        }
    }

    pub fn class_at(&self, span: Span) -> Option<ClassIx> {
        match self.by_span.get(&span) {
            Some(Definition::Class(ix)) => Some(*ix),
            _ => None,
        }
    }

    pub fn function(&self, ix: FunctionIx) -> &Function<'a> {
        &self.functions[ix as usize]
    }

    pub fn class(&self, ix: ClassIx) -> &Class<'a> {
        &self.classes[ix as usize]
    }

    /// The first function that declares the name `global`.
    pub fn setter(&self, name: &str) -> Option<FunctionIx> {
        self.setters.get(name).copied()
    }

    /// The innermost function whose body contains the offset.
    pub fn function_containing(&self, offset: u32) -> FunctionIx {
        let started = self.in_order.partition_point(|it| it.span.start <= offset);
        let mut at = started.checked_sub(1);
        while let Some(nested) = at.map(|it| &self.in_order[it]) {
            if offset < nested.span.end {
                return nested.ix;
            }
            at = nested.around;
        }
        MODULE_BODY
    }

    fn find_setters(&mut self) {
        for (ix, function) in self.functions.iter().enumerate() {
            for name in function.globals.iter() {
                self.setters.entry(name).or_insert(ix as FunctionIx);
            }
        }
    }

    fn put_in_order(&mut self) {
        let functions = self.functions.iter().enumerate().skip(1);
        let mut spans: Vec<(Span, FunctionIx)> = functions
            .map(|(ix, it)| (it.node.span(), ix as FunctionIx))
            .collect();
        spans.sort_unstable_by_key(|(span, ix)| (span.start, Reverse(span.end), *ix));
        let mut open: Vec<usize> = Vec::new();
        for (at, (span, ix)) in spans.into_iter().enumerate() {
            while open
                .pop_if(|it| self.in_order[*it].span.end <= span.start)
                .is_some()
            {}
            let around = open.last().copied();
            self.in_order.push(Nested { span, ix, around });
            open.push(at);
        }
    }
}

struct Indexer<'a> {
    index: Index<'a>,
    function: FunctionIx,
    class: Option<ClassIx>,
    /// Whether names bound here belong to a class body.
    in_class_body: bool,
    lambdas: FxHashMap<FunctionIx, u32>,
    /// Names read in each function, to find captured locals at the end.
    reads: Vec<Names<'a>>,
    /// Targets of comprehensions around the current expression; they are not locals.
    comprehension_targets: Vec<&'a str>,
}

impl<'a> Indexer<'a> {
    fn run(module: &'a ast::ModModule) -> Index<'a> {
        let mut indexer = Self {
            index: Index::default(),
            function: MODULE_BODY,
            class: None,
            in_class_body: false,
            lambdas: FxHashMap::default(),
            reads: Vec::new(),
            comprehension_targets: Vec::new(),
        };
        indexer.push_function(FunctionNode::Module(module), String::new());
        for statement in &module.body {
            indexer.visit_stmt(statement);
        }
        indexer.find_captures();
        indexer.index.put_in_order();
        indexer.index.find_setters();
        indexer.index
    }

    fn push_function(&mut self, node: FunctionNode<'a>, qualname: String) -> FunctionIx {
        let ix = self.index.functions.len() as FunctionIx;
        let class = if self.in_class_body { self.class } else { None };
        self.index.functions.push(Function {
            node,
            qualname,
            parent: self.function,
            class,
            locals: Names::default(),
            globals: Names::default(),
            nonlocals: Names::default(),
            captured: Names::default(),
            rebound: Names::default(),
            is_generator: false,
        });
        self.reads.push(Names::default());
        if ix != MODULE_BODY {
            self.index
                .by_span
                .insert(node.span(), Definition::Function(ix));
        }
        ix
    }

    fn current(&mut self) -> &mut Function<'a> {
        &mut self.index.functions[self.function as usize]
    }

    fn qualify(&self, name: &str) -> String {
        let prefix = match self.class {
            Some(class) if self.in_class_body => &self.index.class(class).qualname,
            _ => &self.index.function(self.function).qualname,
        };
        if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}.{name}")
        }
    }

    fn bind(&mut self, name: &'a str) {
        if !self.in_class_body && !self.comprehension_targets.contains(&name) {
            self.current().locals.insert(name);
        }
    }

    /// Visits a function's body in its own scope.
    fn enter(&mut self, ix: FunctionIx, visit: impl FnOnce(&mut Self)) {
        let outer = (self.function, self.class, self.in_class_body);
        let targets = std::mem::take(&mut self.comprehension_targets);
        (self.function, self.in_class_body) = (ix, false);
        visit(self);
        (self.function, self.class, self.in_class_body) = outer;
        self.comprehension_targets = targets;
    }

    fn bind_parameters(&mut self, parameters: &'a ast::Parameters) {
        for parameter in parameters {
            self.bind(parameter.name().as_str());
        }
    }

    /// Defaults, annotations and decorators are evaluated outside the function.
    fn visit_signature(&mut self, parameters: &'a ast::Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
        }
    }

    /// The lambdas in `Annotated[…, Field(default_factory=lambda: …)]`, which run later.
    fn visit_factories(&mut self, annotation: &'a Expr) {
        let Expr::Subscript(it) = annotation else {
            return;
        };
        let Expr::Tuple(arguments) = &*it.slice else {
            return;
        };
        let calls = arguments.elts.iter().filter_map(Expr::as_call_expr);
        for keyword in calls.flat_map(|call| &call.arguments.keywords) {
            if keyword.value.is_lambda_expr() {
                self.visit_expr(&keyword.value);
            }
        }
    }

    fn visit_comprehension_parts(
        &mut self,
        generators: &'a [ast::Comprehension],
        parts: &[&'a Expr],
    ) {
        let depth = self.comprehension_targets.len();
        for generator in generators {
            self.visit_expr(&generator.iter);
            collect_names(&generator.target, &mut self.comprehension_targets);
            for condition in &generator.ifs {
                self.visit_expr(condition);
            }
        }
        for part in parts {
            self.visit_expr(part);
        }
        self.comprehension_targets.truncate(depth);
    }

    fn find_captures(&mut self) {
        for ix in (1..self.index.functions.len()).rev() {
            let function = &self.index.functions[ix];
            let wanted: Vec<&'a str> = self.reads[ix]
                .iter()
                .chain(function.nonlocals.iter())
                .filter(|name| !function.locals.contains(name) || function.nonlocals.contains(name))
                .filter(|name| !function.globals.contains(name))
                .collect();
            let parent = function.parent as usize;
            let rebound = function.nonlocals.clone();
            for name in wanted {
                if parent != ix && self.index.functions[parent].locals.contains(name) {
                    self.index.functions[parent].captured.insert(name);
                    if rebound.contains(name) {
                        self.index.functions[parent].rebound.insert(name);
                    }
                } else if parent != MODULE_BODY as usize {
                    // It may belong to a function further out, which this one passes it on from.
                    self.reads[parent].insert(name);
                }
            }
        }
    }
}

impl<'a> Indexer<'a> {
    fn visit_function(&mut self, def: &'a ast::StmtFunctionDef) {
        for decorator in &def.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        self.visit_signature(&def.parameters);
        self.bind(def.name.as_str());
        let qualname = self.qualify(def.name.as_str());
        let ix = self.push_function(FunctionNode::Def(def), qualname);
        self.enter(ix, |this| {
            this.bind_parameters(&def.parameters);
            this.visit_body(&def.body);
        });
    }

    fn visit_class(&mut self, def: &'a ast::StmtClassDef) {
        for decorator in &def.decorator_list {
            self.visit_expr(&decorator.expression);
        }
        if let Some(arguments) = &def.arguments {
            self.visit_arguments(arguments);
        }
        self.bind(def.name.as_str());
        let class = Class {
            node: def,
            qualname: self.qualify(def.name.as_str()),
            parent: self.function,
            outer: if self.in_class_body { self.class } else { None },
        };
        let ix = self.index.classes.len() as ClassIx;
        self.index.classes.push(class);
        self.index
            .by_span
            .insert(span_of(def), Definition::Class(ix));
        let outer = (self.class, self.in_class_body);
        (self.class, self.in_class_body) = (Some(ix), true);
        self.visit_body(&def.body);
        (self.class, self.in_class_body) = outer;
    }
}

impl<'a> Visitor<'a> for Indexer<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(def) => self.visit_function(def),
            Stmt::ClassDef(def) => self.visit_class(def),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let name = alias.asname.as_ref().map_or_else(
                        || alias.name.as_str().split('.').next().unwrap_or_default(),
                        |asname| asname.as_str(),
                    );
                    self.bind(name);
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.bind(alias.asname.as_ref().unwrap_or(&alias.name).as_str());
                }
            }
            Stmt::Global(global) => {
                for name in &global.names {
                    self.current().globals.insert(name.as_str());
                }
            }
            Stmt::Nonlocal(nonlocal) => {
                for name in &nonlocal.names {
                    self.current().nonlocals.insert(name.as_str());
                }
            }
            Stmt::Try(try_) => {
                for handler in &try_.handlers {
                    let ast::ExceptHandler::ExceptHandler(handler) = handler;
                    if let Some(name) = &handler.name {
                        self.bind(name.as_str());
                    }
                }
                walk_stmt(self, statement);
            }
            // Annotations are not evaluated for their names.
            Stmt::AnnAssign(assign) => {
                self.visit_expr(&assign.target);
                self.visit_factories(&assign.annotation);
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                }
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) => {
                if name.ctx.is_load() {
                    self.reads[self.function as usize].insert(name.id.as_str());
                } else {
                    self.bind(name.id.as_str());
                }
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_signature(parameters);
                }
                let count = self.lambdas.entry(self.function).or_default();
                *count += 1;
                let name = format!("<lambda{count}>");
                let qualname = self.qualify(&name);
                let ix = self.push_function(FunctionNode::Lambda(lambda), qualname);
                self.enter(ix, |this| {
                    if let Some(parameters) = &lambda.parameters {
                        this.bind_parameters(parameters);
                    }
                    this.visit_expr(&lambda.body);
                });
            }
            Expr::ListComp(comp) => self.visit_comprehension_parts(&comp.generators, &[&comp.elt]),
            Expr::SetComp(comp) => self.visit_comprehension_parts(&comp.generators, &[&comp.elt]),
            Expr::Generator(comp) => self.visit_comprehension_parts(&comp.generators, &[&comp.elt]),
            Expr::DictComp(comp) => {
                let parts: Vec<&'a Expr> = comp
                    .key
                    .as_deref()
                    .into_iter()
                    .chain([&*comp.value])
                    .collect();
                self.visit_comprehension_parts(&comp.generators, &parts);
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                self.current().is_generator = true;
                walk_expr(self, expression);
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_pattern(&mut self, pattern: &'a ast::Pattern) {
        let name = match pattern {
            ast::Pattern::MatchAs(it) => it.name.as_ref(),
            ast::Pattern::MatchStar(it) => it.name.as_ref(),
            ast::Pattern::MatchMapping(it) => it.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name.as_str());
        }
        walk_pattern(self, pattern);
    }
}

fn collect_names<'a>(target: &'a Expr, names: &mut Vec<&'a str>) {
    match target {
        Expr::Name(name) => names.push(name.id.as_str()),
        Expr::Tuple(tuple) => tuple
            .elts
            .iter()
            .for_each(|element| collect_names(element, names)),
        Expr::List(list) => list
            .elts
            .iter()
            .for_each(|element| collect_names(element, names)),
        Expr::Starred(starred) => collect_names(&starred.value, names),
        _ => {}
    }
}

/// Parses every string that stands in an annotation, nested ones (`list["Order"]`) included.
fn string_annotations(text: &str, module: &ast::ModModule) -> FxHashMap<(u32, u32), Expr> {
    struct Finder<'t> {
        text: &'t str,
        in_annotation: bool,
        found: FxHashMap<(u32, u32), Expr>,
    }
    impl<'a> Visitor<'a> for Finder<'_> {
        fn visit_annotation(&mut self, annotation: &'a Expr) {
            let outer = std::mem::replace(&mut self.in_annotation, true);
            self.visit_expr(annotation);
            self.in_annotation = outer;
        }
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::StringLiteral(literal) if self.in_annotation => {
                    if let Some(parsed) = crate::syntax::parse_string_annotation(self.text, literal)
                    {
                        let span = span_of(literal);
                        self.found.insert((span.start, span.end), parsed);
                    }
                }
                _ => walk_expr(self, expression),
            }
        }
    }
    let mut finder = Finder {
        text,
        in_annotation: false,
        found: FxHashMap::default(),
    };
    finder.visit_body(&module.body);
    finder.found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(module: &Module) -> Vec<String> {
        module
            .index()
            .functions
            .iter()
            .skip(1)
            .map(|f| f.qualname.clone())
            .collect()
    }

    #[test]
    fn nested_definitions_get_their_qualified_names() {
        let module = Module::new(
            "def a():\n    def b(): return lambda: (lambda: 1)\n    class C:\n        def d(self): ...\n        e = lambda: 2\nf = lambda: 3\n",
        );
        assert_eq!(
            names(&module),
            [
                "a",
                "a.b",
                "a.b.<lambda1>",
                "a.b.<lambda1>.<lambda1>",
                "a.C.d",
                "a.C.<lambda1>",
                "<lambda1>"
            ]
        );
        assert_eq!(module.index().classes[0].qualname, "a.C");
    }

    #[test]
    fn captured_locals_are_those_that_inner_functions_use() {
        let module = Module::new(
            "def outer(x, y):\n    z = 1\n    def middle():\n        def inner():\n            nonlocal z\n            z = x\n        return inner\n    return [y for y in middle()]\n",
        );
        let outer = &module.index().functions[1];
        assert_eq!(outer.captured.iter().collect::<Vec<_>>(), ["x", "z"]);
        assert!(!outer.locals.contains("self"));
    }

    #[test]
    fn string_annotations_keep_file_offsets() {
        let text = "def f(x: \"a.B\", y: list['C']): ...\n";
        let module = Module::new(text);
        let at = text.find("\"a.B\"").expect("annotation") as u32;
        let parsed = module
            .string_annotation(Span::new(at, at + 5))
            .expect("parsed");
        assert_eq!(span_of(parsed), Span::new(at + 1, at + 4));
    }
}
