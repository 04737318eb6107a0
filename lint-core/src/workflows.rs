//! Finding workflow classes and their entry points.

use std::collections::BTreeMap;

use crate::diagnostic::{FileId, Place};
use crate::facts::{Activity, Entry, Facade, Workflow};
use crate::index::MODULE_BODY;
use crate::interp::{ClassId, CtxId, FuncId, FuncRef, Machine, Mro, Obj};
use crate::knowledge::{Knowledge, Role};
use crate::syntax::ast::Expr;
use crate::syntax::span_of;

/// A workflow with the contexts in which its entry points run.
pub(crate) struct Found {
    /// `None` for a function that the configuration declares to be workflow code.
    pub(crate) class: Option<ClassId>,
    pub(crate) workflow: Workflow,
    /// In the order of `workflow.entries`.
    pub(crate) contexts: Vec<CtxId>,
}

/// Whether a file may define a workflow or an activity, judged by its bytes alone: it names a
/// marker the way code does, as an attribute, a decorator, a base class or in an import.
pub(crate) fn may_matter(knowledge: &Knowledge) -> impl Fn(&[u8]) -> bool + Sync + use<> {
    let mut words: Vec<String> = knowledge
        .markers()
        .filter(|(_, role)| {
            matches!(
                role,
                Role::WorkflowClass | Role::WorkflowBase | Role::Activity
            )
        })
        .filter_map(|(name, _)| name.rsplit('.').next().map(str::to_owned))
        .collect();
    words.sort();
    words.dedup();
    move |bytes| words.iter().any(|word| names(bytes, word.as_bytes()))
}

fn names(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, word).any(|at| {
        let after = bytes.get(at + word.len()).copied().unwrap_or(b' ');
        if after.is_ascii_alphanumeric() || after == b'_' {
            return false;
        }
        let line_start = bytes[..at]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |it| it + 1);
        let line = bytes[line_start..at].trim_ascii_start();
        matches!(bytes[..at].last(), Some(b'.' | b'@' | b'('))
            || line.is_empty()
            || line.starts_with(b"from ")
            || line.starts_with(b"import ")
            || line.starts_with(b"class ")
    })
}

/// The functions around workflow classes that are defined inside a function, each for itself.
pub(crate) fn enclosing_functions(machine: &mut Machine<'_>, files: &[FileId]) -> Vec<Vec<CtxId>> {
    let mut functions = Vec::new();
    let looks_like_marker = |decorator: &Expr| {
        let callee = match decorator {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        matches!(callee, Expr::Attribute(it) if it.attr.as_str() == "defn")
    };
    for &file in files {
        let Some(module) = machine.project.module(file) else {
            continue;
        };
        for class in &module.index().classes {
            let is_nested = class.parent != MODULE_BODY;
            if is_nested
                && class
                    .node
                    .decorator_list
                    .iter()
                    .any(|it| looks_like_marker(&it.expression))
            {
                let ix = class.parent;
                functions.push(vec![machine.standalone_ctx(FuncId { file, ix })]);
            }
        }
    }
    functions
}

/// All workflow classes in modules that have run, by name.
pub(crate) fn find(machine: &mut Machine<'_>, files: &[FileId]) -> Vec<Found> {
    let mut found: BTreeMap<(String, Place), Found> = BTreeMap::new();
    for &file in files {
        let Some(module) = machine.project.module(file) else {
            continue;
        };
        for ix in 0..module.index().classes.len() {
            let class = ClassId {
                file,
                ix: ix as u32,
            };
            if let Some(it) = workflow(machine, class) {
                found.insert((it.workflow.name.clone(), it.workflow.place), it);
            }
        }
    }
    let roots = machine.knowledge.roots().to_vec();
    for root in roots {
        if let Some(it) = declared(machine, &root) {
            found.insert((it.workflow.name.clone(), it.workflow.place), it);
        }
    }
    found.into_values().collect()
}

/// A function that the configuration declares to be workflow code.
fn declared(machine: &mut Machine<'_>, name: &str) -> Option<Found> {
    let func = machine.project.files().find_map(|file| {
        let module = machine.project.module_name(file);
        let qualname = name.strip_prefix(&module)?.strip_prefix('.')?;
        let index = machine.project.module(file)?.index();
        let ix = index
            .functions
            .iter()
            .position(|function| function.qualname == qualname)?;
        Some(FuncId {
            file,
            ix: ix as u32,
        })
    })?;
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
    let workflow = Workflow {
        name: name.to_owned(),
        place,
        facade: Facade::Temporal,
        entries: vec![entry],
    };
    let context = machine.standalone_ctx(func);
    Some(Found {
        class: None,
        workflow,
        contexts: vec![context],
    })
}

fn workflow(machine: &mut Machine<'_>, class: ClassId) -> Option<Found> {
    let decorator = machine
        .class_marks(class)
        .iter()
        .find(|mark| mark.role == Some(Role::WorkflowClass))
        .map(|mark| machine.str(mark.name).to_owned());
    let mro = machine.mro(class);
    let base = mro.iter().find_map(|entry| match entry {
        Obj::External(name) => {
            let name = machine.str(*name);
            (machine.knowledge.role(name) == Some(Role::WorkflowBase)).then(|| name.to_owned())
        }
        _ => None,
    });
    let origin = decorator.as_deref().or(base.as_deref())?;
    let facade = if origin.starts_with("ntro.")
        || base
            .as_deref()
            .is_some_and(|base| base.starts_with("ntro."))
    {
        Facade::Runbook
    } else {
        Facade::Temporal
    };
    let node = machine.class_node(class)?;
    let place = Place {
        file: class.file,
        span: span_of(&node.name),
    };
    let methods = entry_methods(machine, &mro);
    let mut entries = Vec::new();
    let mut contexts = Vec::new();
    for (func, role) in methods {
        let Some(function) = machine.function(func) else {
            continue;
        };
        let name = function
            .qualname
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        let place = Place {
            file: func.file,
            span: function.node.name_span(),
        };
        let closure = machine.closure_of(func);
        contexts.push(machine.entry_ctx(FuncRef { func, closure }, Some(Obj::Instance(class, 0))));
        entries.push(Entry { name, role, place });
    }
    let name = machine.class_name(class);
    Some(Found {
        class: Some(class),
        workflow: Workflow {
            name,
            place,
            facade,
            entries,
        },
        contexts,
    })
}

/// The methods that the SDK calls, own and inherited, `run` first, then by position.
fn entry_methods(machine: &Machine<'_>, mro: &Mro) -> Vec<(FuncId, Role)> {
    let mut seen: Vec<String> = Vec::new();
    let mut methods: Vec<(FuncId, Role)> = Vec::new();
    let hooks = hook_names(machine, mro);
    for entry in mro.iter() {
        let Obj::Class(owner) = entry else { continue };
        let Some(module) = machine.project.module(owner.file) else {
            continue;
        };
        for (ix, function) in module.index().functions.iter().enumerate() {
            if function.class != Some(owner.ix) {
                continue;
            }
            let func = FuncId {
                file: owner.file,
                ix: ix as u32,
            };
            let name = function.qualname.rsplit('.').next().unwrap_or_default();
            let marked = machine
                .function_marks(func)
                .iter()
                .find_map(|mark| mark.role.filter(|role| is_entry(*role)));
            let role = match marked {
                Some(role) => role,
                None if name == "__init__" => Role::Init,
                None if hooks.iter().any(|hook| hook == name) => Role::Hook,
                None => continue,
            };
            // An override in a subclass hides the method; two handlers of one class may share a
            // name only when one is the property-like `validator` of the other.
            let key = if role == Role::Validator {
                format!("{name} validator")
            } else {
                name.to_owned()
            };
            if !seen.contains(&key) {
                seen.push(key);
                methods.push((func, role));
            }
        }
    }
    methods.sort_by_key(|(func, role)| (*role != Role::Run, *func));
    methods
}

fn is_entry(role: Role) -> bool {
    matches!(
        role,
        Role::Run
            | Role::Signal
            | Role::Query
            | Role::Update
            | Role::Validator
            | Role::Step
            | Role::Init
    )
}

/// Methods that a known base class calls by name, such as `NtroWorkflow.on_row_action`.
fn hook_names(machine: &Machine<'_>, mro: &Mro) -> Vec<String> {
    let mut names = Vec::new();
    for entry in mro.iter() {
        let Obj::External(base) = entry else { continue };
        let prefix = format!("{}.", machine.str(*base));
        for (name, role) in machine.knowledge.markers() {
            if role == Role::Hook
                && let Some(hook) = name.strip_prefix(&prefix)
            {
                names.push(hook.to_owned());
            }
        }
    }
    names
}

/// Functions decorated as activities, by place.
pub(crate) fn activities(machine: &Machine<'_>) -> Vec<Activity> {
    let functions = machine.marked_functions();
    functions
        .into_iter()
        .filter(|&func| {
            machine
                .function_marks(func)
                .iter()
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
