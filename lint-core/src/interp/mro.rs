//! The order in which a class and its bases are searched for an attribute.

use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::syntax::ast::Expr;
use crate::syntax::last_name;

use super::{CellKey, ClassId, CtxId, Machine, Obj};

/// A class, then its bases; classes outside the project appear as externals.
///
/// A class with a single base goes on with the order of that, which they share: a chain of classes
/// costs as much as it is long.
#[derive(Debug, Clone)]
pub(crate) struct Mro(Rc<Part>);

#[derive(Debug)]
struct Part {
    entries: Vec<Obj>,
    rest: Option<Mro>,
}

impl Mro {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Obj> + Clone {
        let parts = std::iter::successors(Some(&*self.0), |part| {
            part.rest.as_ref().map(|rest| &*rest.0)
        });
        parts.flat_map(|part| &part.entries)
    }

    pub(crate) fn contains(&self, obj: &Obj) -> bool {
        self.iter().any(|entry| entry == obj)
    }
}

/// The orders that are known, and who has to learn when one changes.
#[derive(Debug, Default)]
pub(super) struct Orders {
    known: FxHashMap<ClassId, Known>,
    /// The classes whose known orders go on from a class.
    derived: FxHashMap<ClassId, BTreeSet<ClassId>>,
}

#[derive(Debug)]
struct Known {
    order: Mro,
    readers: BTreeSet<CtxId>,
}

/// A class whose order is being made.
struct Pending {
    class: ClassId,
    bases: Vec<Obj>,
    /// How many of the bases have been looked at.
    seen: usize,
}

impl Machine<'_> {
    /// The running context runs again when the order changes.
    pub(crate) fn mro(&mut self, class: ClassId) -> Mro {
        self.steps += 1;
        if !self.orders.known.contains_key(&class) {
            self.resolve(class);
        }
        let reader = self.frame.ctx;
        match self.orders.known.get_mut(&class) {
            Some(known) => {
                known.readers.insert(reader);
                known.order.clone()
            }
            // Resolving a class makes it known.
            None => order(class, Vec::new(), Vec::new()),
        }
    }

    /// Whether classes that were resolved derive from this one.
    pub(crate) fn has_derived(&self, class: ClassId) -> bool {
        let derived = self.orders.derived.get(&class);
        derived.is_some_and(|it| !it.is_empty())
    }

    /// Resolves the class and what it derives from, without recursion: chains may be long. A class
    /// that derives from itself, which Python refuses, contributes nothing the second time.
    fn resolve(&mut self, class: ClassId) {
        let mut pending = vec![self.pending(class)];
        let mut visiting = FxHashSet::from_iter([class]);
        while let Some(last) = pending.last_mut() {
            if let Some(&base) = last.bases.get(last.seen) {
                last.seen += 1;
                if let Obj::Class(base) = base
                    && !self.orders.known.contains_key(&base)
                    && visiting.insert(base)
                {
                    let base = self.pending(base);
                    pending.push(base);
                }
                continue;
            }
            let Some(done) = pending.pop() else { return };
            let lists = done.bases.iter().filter_map(|base| match base {
                Obj::Class(base) => Some(self.orders.known.get(base)?.order.clone()),
                _ => None,
            });
            let lists: Vec<Mro> = lists.collect();
            for base in &done.bases {
                if let Obj::Class(base) = base {
                    let derived = self.orders.derived.entry(*base).or_default();
                    derived.insert(done.class);
                }
            }
            self.steps += 1 + lists.len() as u64;
            let known = Known {
                order: order(done.class, done.bases, lists),
                readers: BTreeSet::new(),
            };
            self.orders.known.insert(done.class, known);
            visiting.remove(&done.class);
        }
    }

    fn pending(&mut self, class: ClassId) -> Pending {
        Pending {
            class,
            bases: self.ordered_bases(class),
            seen: 0,
        }
    }

    /// The bases of a class have changed, and with them the orders of all classes derived from it.
    pub(super) fn forget_orders(&mut self, class: ClassId) {
        let mut pending = vec![class];
        let mut readers = BTreeSet::new();
        while let Some(class) = pending.pop() {
            if let Some(known) = self.orders.known.remove(&class) {
                readers.extend(known.readers);
                pending.extend(self.orders.derived.remove(&class).unwrap_or_default());
            }
        }
        for reader in readers {
            self.enqueue(reader);
        }
    }

    /// Bases in the order of the class statement; the cell knows only which there are.
    fn ordered_bases(&mut self, class: ClassId) -> Vec<Obj> {
        let cell = self.cell(CellKey::ClassBases(class));
        let mut bases: Vec<Obj> = self.cells[cell as usize].value.objs().to_vec();
        let names: Vec<&str> = match self
            .class_node(class)
            .and_then(|node| node.arguments.as_deref())
        {
            Some(arguments) => arguments.args.iter().map(base_name).collect(),
            None => Vec::new(),
        };
        bases.sort_by_key(|base| {
            let name = match base {
                Obj::Class(class) => self.class_node(*class).map(|node| node.name.as_str()),
                Obj::External(name) | Obj::Made(name) => self.str(*name).rsplit('.').next(),
                _ => None,
            };
            name.and_then(|name| names.iter().position(|it| *it == name))
                .unwrap_or(usize::MAX)
        });
        bases
    }
}

/// The order of a class, from its bases and the orders of those in the project.
fn order(class: ClassId, bases: Vec<Obj>, orders: Vec<Mro>) -> Mro {
    let part = if let ([Obj::Class(_)], [rest]) = (&bases[..], &orders[..]) {
        Part {
            entries: vec![Obj::Class(class)],
            rest: Some(rest.clone()),
        }
    } else {
        let mut lists: Vec<Vec<Obj>> = orders
            .iter()
            .map(|order| order.iter().copied().collect())
            .collect();
        lists.push(bases);
        let mut entries = vec![Obj::Class(class)];
        entries.extend(
            merge(&lists)
                .into_iter()
                .filter(|it| *it != Obj::Class(class)),
        );
        Part {
            entries,
            rest: None,
        }
    };
    Mro(Rc::new(part))
}

/// C3: the first head that is in no other tail, again and again. An inconsistent hierarchy (which
/// Python refuses) is merged in order.
fn merge(lists: &[Vec<Obj>]) -> Vec<Obj> {
    /// Goes on to the next entry that is not in the result yet.
    fn next(list: &[Obj], at: &mut usize, done: &FxHashSet<Obj>, tails: &mut FxHashMap<Obj, u32>) {
        while let Some(entry) = list.get(*at + 1) {
            *at += 1;
            *tails.entry(*entry).or_default() -= 1;
            if !done.contains(entry) {
                return;
            }
        }
        *at = list.len();
    }
    let mut tails: FxHashMap<Obj, u32> = FxHashMap::default();
    for entry in lists.iter().flat_map(|list| list.iter().skip(1)) {
        *tails.entry(*entry).or_default() += 1;
    }
    let mut heads = vec![0; lists.len()];
    let mut done = FxHashSet::default();
    let mut result = Vec::new();
    loop {
        let mut candidates = lists
            .iter()
            .zip(&heads)
            .filter_map(|(list, &at)| list.get(at));
        let Some(&first) = candidates.clone().next() else {
            return result;
        };
        let fits = |head: &&Obj| tails.get(head).is_none_or(|&count| count == 0);
        let head = *candidates.find(fits).unwrap_or(&first);
        done.insert(head);
        result.push(head);
        for (list, at) in lists.iter().zip(&mut heads) {
            if list.get(*at) == Some(&head) {
                next(list, at, &done, &mut tails);
            }
        }
    }
}

fn base_name(base: &Expr) -> &str {
    match base {
        Expr::Subscript(it) => base_name(&it.value),
        Expr::Call(it) => base_name(&it.func),
        it => last_name(it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(lists: &[&[i64]]) -> Vec<i64> {
        let lists: Vec<Vec<Obj>> = lists
            .iter()
            .map(|list| list.iter().map(|&it| Obj::Int(it)).collect())
            .collect();
        let merged = merge(&lists).into_iter().map(|obj| match obj {
            Obj::Int(it) => it,
            _ => unreachable!("only numbers went in"),
        });
        merged.collect()
    }

    #[test]
    fn a_base_comes_after_all_that_derive_from_it() {
        assert_eq!(merged(&[&[1, 0], &[2, 0], &[1, 2]]), [1, 2, 0]);
        assert_eq!(
            merged(&[&[4, 1, 2, 0], &[5, 2, 3, 0], &[4, 5]]),
            [4, 1, 5, 2, 3, 0]
        );
    }

    #[test]
    fn what_python_refuses_is_merged_in_order() {
        assert_eq!(merged(&[&[1, 2], &[2, 1], &[1, 2]]), [1, 2]);
        assert_eq!(merged(&[&[1, 1], &[1]]), [1]);
    }
}
