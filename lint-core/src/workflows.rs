//! Finding workflow classes and their entry points.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Place;
use crate::facts::{Activity, Entry, Facade, Workflow, WorkflowKind};
use crate::index::{FunctionNode, MODULE_BODY};
use crate::interp::{ClassId, CtxId, FuncId, FuncRef, Machine, MadeClass, Mark, Mro, Obj, Sym};
use crate::knowledge::Role;
use crate::markers::Candidates;
use crate::names::is_bare_base;
use crate::project::Project;
use crate::syntax::ast::Expr;
use crate::syntax::ast::helpers::any_over_body;
use crate::syntax::span_of;

/// A workflow with the contexts in which its entry points run.
pub(crate) struct Found {
    /// `None` for a function that the configuration declares to be workflow code.
    pub(crate) class: Option<ClassId>,
    pub(crate) workflow: Workflow,
    /// In the order of `workflow.entries`.
    pub(crate) contexts: Vec<CtxId>,
}

/// The functions around workflow classes that are defined inside a function, each for itself.
pub(crate) fn enclosing_functions(
    machine: &mut Machine<'_>,
    candidates: &Candidates,
) -> Vec<Vec<CtxId>> {
    let mut functions = Vec::new();
    let is_marker = |decorator: &Expr| {
        let callee = match decorator {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        match callee {
            Expr::Attribute(it) => candidates.words.contains(it.attr.as_str()),
            Expr::Name(it) => candidates.words.contains(it.id.as_str()),
            _ => false,
        }
    };
    for &file in &candidates.files {
        let Some(module) = machine.project.module(file) else {
            continue;
        };
        for class in &module.index().classes {
            let decorators = &class.node.decorator_list;
            if class.parent != MODULE_BODY && decorators.iter().any(|it| is_marker(&it.expression))
            {
                let ix = class.parent;
                functions.push(vec![machine.standalone_ctx(FuncId { file, ix })]);
            }
        }
    }
    functions
}

/// The functions that register something for workflows to look up, each for itself: the start of a
/// worker, which no workflow calls.
pub(crate) fn registering_functions(
    machine: &mut Machine<'_>,
    candidates: &Candidates,
) -> Vec<Vec<CtxId>> {
    let words = crate::markers::registry_words(machine.knowledge);
    let registers = |expression: &Expr| match expression {
        Expr::Call(call) => match &*call.func {
            Expr::Attribute(it) => words.contains(it.attr.as_str()),
            Expr::Name(it) => words.contains(it.id.as_str()),
            _ => false,
        },
        _ => false,
    };
    let mut functions = Vec::new();
    for &file in &candidates.files {
        let Some(module) = machine.project.module(file) else {
            continue;
        };
        for (ix, function) in module.index().functions.iter().enumerate() {
            if let FunctionNode::Def(def) = function.node
                && any_over_body(&def.body, &registers)
            {
                let ix = ix as u32;
                functions.push(vec![machine.standalone_ctx(FuncId { file, ix })]);
            }
        }
    }
    functions
}

/// The classes that may be of interest, in order: all of the candidates, and what is marked.
fn classes(machine: &Machine<'_>, candidates: &Candidates) -> BTreeSet<ClassId> {
    let mut classes: BTreeSet<ClassId> = machine.marked_classes().into_iter().collect();
    for &file in &candidates.files {
        let module = machine.project.module(file);
        let count = module.map_or(0, |module| module.index().classes.len());
        classes.extend((0..count as u32).map(|ix| ClassId { file, ix }));
    }
    classes.retain(|class| !machine.project.is_installed(class.file));
    classes
}

/// The methods by which a worker's interceptors name their classes, each for itself.
pub(crate) fn factories(machine: &mut Machine<'_>, candidates: &Candidates) -> Vec<Vec<CtxId>> {
    let mut factories = Vec::new();
    for class in classes(machine, candidates) {
        let mro = machine.mro(class);
        let methods = entry_methods(machine, &mro);
        let is_factory = |role: Role| role == Role::InterceptorFactory;
        if !methods.iter().any(|(_, _, role)| is_factory(*role)) {
            continue;
        }
        for (_, function, role) in methods {
            if is_factory(role) || role == Role::Init {
                // The interceptor is the worker's, for all runs.
                let receiver = Obj::Instance(class, machine.shared_variant(class));
                factories.push(vec![machine.entry_ctx(function, Some(receiver))]);
            }
        }
    }
    factories
}

/// All workflows in modules that have run, and what runs in them on its own account, by name.
pub(crate) fn find(
    machine: &mut Machine<'_>,
    candidates: &Candidates,
    factories: &[CtxId],
) -> Vec<Found> {
    let interceptors: BTreeSet<ClassId> = factories
        .iter()
        .flat_map(|&ctx| machine.returned_classes(ctx))
        .collect();
    // A factory may return a class of any file.
    let mut of_interest = classes(machine, candidates);
    let own = |class: &&ClassId| !machine.project.is_installed(class.file);
    of_interest.extend(interceptors.iter().filter(own));
    let mut all = Vec::new();
    for class in of_interest {
        let kind = interceptors
            .contains(&class)
            .then_some(WorkflowKind::Interceptor);
        all.extend(class_found(machine, class, kind));
    }
    for func in machine.marked_functions() {
        let is_workflow = |mark: Mark| mark.role == Some(Role::WorkflowFunction);
        if machine.function_marks(func).any(is_workflow) {
            let name = machine.function_name(func);
            all.extend(function_found(machine, name, func));
        }
    }
    for (id, marks) in machine.marked_made_classes() {
        let made = machine.made_class_parts(id);
        all.extend(made_class_found(machine, &made, &marks));
    }
    for root in &candidates.roots {
        if let Some(func) = function_named(machine.project, root) {
            all.extend(function_found(machine, root.clone(), func));
        }
    }
    let named = all.into_iter().map(|it| {
        (
            (
                it.workflow.name.clone(),
                it.workflow.place,
                it.contexts.clone(),
            ),
            it,
        )
    });
    named.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The names of the configuration that stand for nothing, in order.
pub(crate) fn unmatched(machine: &mut Machine<'_>, candidates: &Candidates) -> Vec<String> {
    let mut matched = machine.matched_names();
    for class in classes(machine, candidates) {
        let mro = machine.mro(class);
        matched.extend(mro.iter().filter_map(|entry| match entry {
            Obj::External(name) => Some(*name),
            _ => None,
        }));
    }
    let knowledge = machine.knowledge;
    let markers = knowledge.user_markers().map(|(name, _)| name.to_owned());
    let mut unmatched: Vec<String> = markers
        .filter(|name| !matched.contains(&machine.sym(name)))
        .collect();
    let roots = knowledge.roots().iter();
    unmatched.extend(
        roots
            .filter(|root| function_named(machine.project, root).is_none())
            .cloned(),
    );
    unmatched
}

/// The function with this dotted name.
pub(crate) fn function_named(project: &Project<'_>, name: &str) -> Option<FuncId> {
    project.files().find_map(|file| {
        let module = project.module_name(file);
        let qualname = name.strip_prefix(&module)?.strip_prefix('.')?;
        let mut functions = project.module(file)?.index().functions.iter();
        let ix = functions.position(|function| function.qualname == qualname)? as u32;
        Some(FuncId { file, ix })
    })
}

/// A function that is a workflow, or that the configuration declares to be workflow code.
fn function_found(machine: &mut Machine<'_>, name: String, func: FuncId) -> Option<Found> {
    let function = machine.function(func)?;
    let place = Place {
        file: func.file,
        span: function.node.name_span(),
    };
    let method = function
        .qualname
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_owned();
    let entry = Entry {
        name: method,
        role: Role::Run,
        place,
    };
    let marks = machine.function_marks(func);
    let origins: Vec<String> = marks.map(|it| machine.str(it.name).to_owned()).collect();
    let facade = facade(machine, origins.into_iter(), &[]);
    let workflow = Workflow {
        name,
        place,
        kind: WorkflowKind::Function,
        is_defined: true,
        inherits_run: false,
        is_sandboxed: true,
        facade,
        entries: vec![entry],
    };
    let context = machine.standalone_ctx(func);
    Some(Found {
        class: None,
        workflow,
        contexts: vec![context],
    })
}

/// A class that a call of `type` makes, if it is marked as a workflow.
fn made_class_found(machine: &mut Machine<'_>, made: &MadeClass, marks: &[Mark]) -> Option<Found> {
    let decorator = marks
        .iter()
        .find(|mark| mark.role == Some(Role::WorkflowClass))?;
    let origin = machine.str(decorator.name).to_owned();
    let mut methods = Vec::new();
    for (name, member) in &made.members {
        let called = machine.entries_of(*member).into_iter();
        methods.extend(called.map(|(function, role)| (name.clone(), function, role)));
    }
    methods.sort_by_key(|(_, function, role)| (*role != Role::Run, *function));
    let facade = facade(machine, std::iter::once(origin), &methods);
    let receiver = made.base.map(|class| Obj::Instance(class, 0));
    let mut entries = Vec::new();
    let mut contexts = Vec::new();
    for (name, function, role) in methods {
        let place = Place {
            file: function.func.file,
            span: machine.function(function.func)?.node.name_span(),
        };
        contexts.push(machine.entry_ctx(function, receiver));
        entries.push(Entry { name, role, place });
    }
    let module = machine.project.module_name(made.place.file);
    Some(Found {
        class: made.base,
        workflow: Workflow {
            name: format!("{module}.{}", made.name),
            place: made.place,
            kind: WorkflowKind::Class,
            is_defined: true,
            inherits_run: false,
            is_sandboxed: true,
            facade,
            entries,
        },
        contexts,
    })
}

/// A class that is a workflow or, if nothing else, of the given kind.
fn class_found(
    machine: &mut Machine<'_>,
    class: ClassId,
    kind: Option<WorkflowKind>,
) -> Option<Found> {
    let mro = machine.mro(class);
    let decorator = machine
        .class_marks(class)
        .iter()
        .find(|mark| mark.role == Some(Role::WorkflowClass))
        .map(|mark| machine.str(mark.name).to_owned());
    let base = part_of_base(machine, &mro);
    let methods = entry_methods(machine, &mro);
    let node = machine.class_node(class)?;
    // Other decorators, and bases that are not known, may put one there.
    let is_all_known = node.decorator_list.len() == 1 && !may_be_made_by_base(machine, class);
    let inherits_run = decorator.is_some() && is_all_known && {
        let mut roles = methods.iter().map(|(_, _, role)| *role);
        roles.any(|role| role == Role::Run) && !has_own_run(machine, class)
    };
    let kind = match (&decorator, &base) {
        (Some(_), _) => WorkflowKind::Class,
        (None, Some((_, kind))) => *kind,
        (None, None) => {
            let is_marked = !node.decorator_list.is_empty() || is_marked_by_base(machine, class);
            let mut runs = methods.iter().filter(|(_, _, role)| *role == Role::Run);
            // What is not known makes a workflow of a class that has a run method.
            let by_unknown = is_marked && runs.next().is_some();
            kind.or(by_unknown.then_some(WorkflowKind::Class))?
        }
    };
    let origins = decorator.iter().chain(base.iter().map(|(name, _)| name));
    let facade = facade(machine, origins.cloned(), &methods);
    let place = Place {
        file: class.file,
        span: span_of(&node.name),
    };
    let mut entries = Vec::new();
    let mut contexts = Vec::new();
    for (name, function, role) in methods {
        let Some(definition) = machine.function(function.func) else {
            continue;
        };
        let place = Place {
            file: function.func.file,
            span: definition.node.name_span(),
        };
        contexts.push(machine.entry_ctx(function, Some(Obj::Instance(class, 0))));
        entries.push(Entry { name, role, place });
    }
    let name = machine.class_name(class);
    Some(Found {
        class: Some(class),
        workflow: Workflow {
            name,
            place,
            kind,
            is_defined: decorator.is_some(),
            inherits_run,
            is_sandboxed: !node
                .decorator_list
                .iter()
                .any(|it| leaves_sandbox(&it.expression)),
            facade,
            entries,
        },
        contexts,
    })
}

/// `@workflow.defn(sandboxed=False)`
fn leaves_sandbox(decorator: &Expr) -> bool {
    let Expr::Call(call) = decorator else {
        return false;
    };
    call.arguments.keywords.iter().any(|keyword| {
        let value = keyword.value.as_boolean_literal_expr();
        let is_option = keyword
            .arg
            .as_ref()
            .is_some_and(|it| it.as_str() == "sandboxed");
        is_option && value.is_some_and(|it| !it.value)
    })
}

/// Whether a metaclass, or a base outside the project of which nothing is known, may make workflows
/// of classes such as this, which has a run method of its own and nothing derived from it.
fn is_marked_by_base(machine: &mut Machine<'_>, class: ClassId) -> bool {
    !machine.has_derived(class)
        && has_own_run(machine, class)
        && may_be_made_by_base(machine, class)
}

/// Whether a class has a run method that is not one of a base.
fn has_own_run(machine: &mut Machine<'_>, class: ClassId) -> bool {
    let attributes = machine.class_attributes(class);
    attributes.into_iter().any(|attribute| {
        let members = machine.member_functions_of(class, attribute);
        let entries = members.into_iter().flat_map(|it| machine.entries_of(it));
        entries.into_iter().any(|(_, role)| role == Role::Run)
    })
}

/// Whether a metaclass, or a base of which nothing is known, has a say in what a class is.
fn may_be_made_by_base(machine: &mut Machine<'_>, class: ClassId) -> bool {
    let is_unknown = |machine: &Machine<'_>, base: &Obj| match base {
        Obj::External(name) => {
            let name = machine.str(*name);
            name.contains('.') && !is_bare_base(name) && machine.knowledge.role(name).is_none()
        }
        _ => false,
    };
    let mro = machine.mro(class);
    machine.metaclass(class).is_some() || mro.iter().any(|base| is_unknown(machine, base))
}

/// The API that a class is written against: that of its decorator or base, or if these are not
/// known, of what marks its methods.
fn facade(
    machine: &Machine<'_>,
    origins: impl Iterator<Item = String>,
    methods: &[(String, FuncRef, Role)],
) -> Facade {
    let functions = methods.iter().map(|(_, function, _)| function.func);
    let marks = functions.flat_map(|func| machine.function_marks(func));
    let marks = marks.map(|mark| machine.str(mark.name).to_owned());
    let package = |name: String| name.split('.').next().unwrap_or_default().to_owned();
    let packages: BTreeSet<String> = origins.chain(marks).map(package).collect();
    if packages.contains("ntro") {
        Facade::Runbook
    } else if packages.iter().any(|it| machine.knowledge.is_engine(it)) {
        Facade::Other
    } else {
        Facade::Temporal
    }
}

/// The part that a base class gives to a class, and the name of the base.
fn part_of_base(machine: &Machine<'_>, mro: &Mro) -> Option<(String, WorkflowKind)> {
    mro.iter().enumerate().find_map(|(ix, entry)| {
        let name = match entry {
            Obj::External(name) => *name,
            // What the configuration names is the base and no workflow itself.
            other => machine.declared_name(*other).filter(|_| ix > 0)?,
        };
        let name = machine.str(name);
        let kind = match machine.knowledge.role(name)? {
            Role::WorkflowBase => WorkflowKind::Class,
            Role::Interceptor => WorkflowKind::Interceptor,
            Role::Converter => WorkflowKind::Converter,
            _ => return None,
        };
        Some((name.to_owned(), kind))
    })
}

/// What the SDK calls: the values of the members, own and inherited, that carry its marks or have
/// a name that it knows. `run` comes first, then they stand by position.
fn entry_methods(machine: &mut Machine<'_>, mro: &Mro) -> Vec<(String, FuncRef, Role)> {
    let mut seen: BTreeSet<(Sym, bool)> = BTreeSet::new();
    let mut methods: Vec<(String, FuncRef, Role)> = Vec::new();
    let mut validators: Vec<(String, FuncRef)> = Vec::new();
    let hooks = hooks(machine, mro);
    for entry in mro.iter() {
        let Obj::Class(owner) = entry else { continue };
        for attribute in machine.class_attributes(*owner) {
            let name = machine.str(attribute).to_owned();
            let by_name = match name.as_str() {
                "__init__" => Some(Role::Init),
                _ => hooks.get(&name).copied(),
            };
            let mut own: Vec<(FuncRef, Role)> = Vec::new();
            for member in machine.member_functions_of(*owner, attribute) {
                let marked = machine.entries_of(member);
                let checks = machine.validators_of(member).into_iter();
                validators.extend(checks.map(|check| (name.clone(), check)));
                if marked.is_empty() {
                    own.extend(by_name.map(|role| (member, role)));
                }
                own.extend(marked);
            }
            own.sort();
            own.dedup();
            // An override in a subclass hides the method; two handlers of one class may share a
            // name only when one is the property-like `validator` of the other.
            let slot = |role: Role| (attribute, role == Role::Validator);
            own.retain(|(_, role)| !seen.contains(&slot(*role)));
            seen.extend(own.iter().map(|(_, role)| slot(*role)));
            let named = own
                .into_iter()
                .map(|(function, role)| (name.clone(), function, role));
            methods.extend(named);
        }
    }
    for (name, check) in validators {
        if methods.iter().all(|(_, function, _)| *function != check) {
            methods.push((name, check, Role::Validator));
        }
    }
    methods.sort_by_key(|(_, function, role)| (*role != Role::Run, *function));
    methods
}

/// Methods that known base classes have called by name, such as `NtroWorkflow.on_row_action`.
fn hooks(machine: &Machine<'_>, mro: &Mro) -> BTreeMap<String, Role> {
    let mut hooks = BTreeMap::new();
    for entry in mro.iter() {
        let Obj::External(base) = entry else { continue };
        let prefix = format!("{}.", machine.str(*base));
        for (name, role) in machine.knowledge.markers() {
            if let Some(hook) = name.strip_prefix(&prefix) {
                hooks.insert(hook.to_owned(), role);
            }
        }
    }
    hooks
}

/// Functions decorated as activities, by place.
pub(crate) fn activities(machine: &Machine<'_>) -> Vec<Activity> {
    let functions = machine.marked_functions();
    functions
        .into_iter()
        .filter(|&func| {
            machine
                .function_marks(func)
                .any(|mark| mark.role == Some(Role::Activity))
                && !machine.project.is_installed(func.file)
        })
        .filter_map(|func| {
            let function = machine.function(func)?;
            let place = Place {
                file: func.file,
                span: function.node.name_span(),
            };
            Some(Activity {
                name: machine.function_name(func),
                place,
            })
        })
        .collect()
}
