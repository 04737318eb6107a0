//! From the machine to what rules may know of the code itself: which functions each workflow runs,
//! and what their expressions were seen to be.

use std::collections::BTreeSet;

use crate::diagnostic::Place;
use crate::facts::{Callee, ClassRef, EntryReach, FunctionRef, Observed, Reach};
use crate::interp::{ClassId, Code, CtxId, FuncId, Machine, Obj, Seen};
use crate::names::is_bare_base;
use crate::workflows::Found;

/// What each workflow runs, and what was seen in all of that code.
pub(crate) fn collect(machine: &mut Machine<'_>, workflows: &[Found]) -> (Vec<Reach>, Observed) {
    let mut all = BTreeSet::new();
    let reach = workflows
        .iter()
        .map(|found| reach(machine, found, &mut all))
        .collect();
    let mut observed = Observed::default();
    for ctx in all {
        let file = machine.ctx_file(ctx);
        for (span, seen) in machine.ctx(ctx).outcome.seen.clone() {
            note(machine, &mut observed, Place { file, span }, seen);
        }
    }
    (reach, observed)
}

fn reach(machine: &mut Machine<'_>, found: &Found, all: &mut BTreeSet<CtxId>) -> Reach {
    let mro = found.class.map(|class| machine.mro(class));
    let mro = mro.iter().flat_map(|mro| mro.iter());
    let bases: Vec<ClassRef> = mro
        .clone()
        .filter_map(|entry| match entry {
            Obj::Class(class) => Some(class_ref(*class)),
            _ => None,
        })
        .collect();
    let foreign = mro.clone().filter_map(|entry| match entry {
        Obj::Class(_) => None,
        Obj::External(name) => Some(machine.str(*name)),
        _ => Some("?"),
    });
    let foreign = foreign
        .filter(|name| !is_bare_base(name))
        .map(str::to_owned);
    Reach {
        class: found.class.map(class_ref),
        bases,
        foreign_bases: foreign.collect(),
        entries: found
            .contexts
            .iter()
            .map(|&ctx| entry(machine, ctx, all))
            .collect(),
    }
}

fn entry(machine: &Machine<'_>, start: CtxId, all: &mut BTreeSet<CtxId>) -> EntryReach {
    let mut contexts = BTreeSet::from([start]);
    let mut pending = vec![start];
    while let Some(ctx) = pending.pop() {
        for edge in &machine.ctx(ctx).outcome.edges {
            if contexts.insert(edge.callee) {
                pending.push(edge.callee);
            }
        }
    }
    let runs = contexts.iter().filter_map(|&ctx| function(machine, ctx));
    let runs: BTreeSet<FunctionRef> = runs.collect();
    all.extend(contexts);
    EntryReach {
        function: function(machine, start).expect("an entry point is a function"),
        runs,
    }
}

fn note(machine: &mut Machine<'_>, observed: &mut Observed, place: Place, seen: Seen) {
    let callee = match seen {
        Seen::Runs(func) => Some(Callee::Function(function_ref(func))),
        Seen::CallsBack(func) => Some(Callee::Callback(function_ref(func))),
        Seen::Makes(class) => Some(Callee::Class(class_ref(class))),
        Seen::Calls(name) => Some(Callee::External(machine.str(name).to_owned())),
        Seen::CallsMethod(kind, method) => {
            let name = format!("{}.{}", kind.name(), machine.str(method));
            Some(Callee::External(name))
        }
        _ => None,
    };
    match seen {
        Seen::Of(class) => insert(observed.owners.entry(place).or_default(), class_ref(class)),
        Seen::Exception(class) => {
            let names = exception(machine, class);
            insert(
                &mut observed.exceptions.entry(place).or_default().classes,
                names,
            );
        }
        Seen::ForeignException(name) => {
            let names = vec![machine.str(name).to_owned()];
            insert(
                &mut observed.exceptions.entry(place).or_default().classes,
                names,
            );
        }
        Seen::AnyException => observed.exceptions.entry(place).or_default().is_open = true,
        Seen::Runs(_)
        | Seen::CallsBack(_)
        | Seen::Makes(_)
        | Seen::Calls(_)
        | Seen::CallsMethod(..)
        | Seen::Given(..)
        | Seen::OfFresh => {}
    }
    if let Some(callee) = callee {
        insert(observed.calls.entry(place).or_default(), callee);
    }
}

fn insert<T: Ord>(list: &mut Vec<T>, item: T) {
    if let Err(at) = list.binary_search(&item) {
        list.insert(at, item);
    }
}

/// The names of a class and its bases.
fn exception(machine: &mut Machine<'_>, class: ClassId) -> Vec<String> {
    let mro = machine.mro(class);
    let names = mro.iter().filter_map(|entry| match entry {
        Obj::Class(class) => Some(machine.class_name(*class)),
        Obj::External(name) => Some(machine.str(*name).to_owned()),
        _ => None,
    });
    names.collect()
}

fn function(machine: &Machine<'_>, ctx: CtxId) -> Option<FunctionRef> {
    match &machine.ctx(ctx).code {
        Code::Function(it) => Some(function_ref(it.func)),
        Code::Fields { .. } => None,
    }
}

fn function_ref(func: FuncId) -> FunctionRef {
    FunctionRef {
        file: func.file,
        ix: func.ix,
    }
}

fn class_ref(class: ClassId) -> ClassRef {
    ClassRef {
        file: class.file,
        ix: class.ix,
    }
}
