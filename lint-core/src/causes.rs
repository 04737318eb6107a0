//! What one person would change in one place: findings that have it in common are one *cause*.
//!
//! Findings that end at one culprit are always together. Culprits are joined in several ways, see
//! [`Bond`]. Of the functions outside the workflows that all paths to many culprits go through, the
//! [gateways](Gateways), it is the last one, since what is done about all of them is done near them;
//! and behind it are culprits of its own file, or of one rule.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Edit, FileId, NewFile, Place, Subject};
use crate::index::{FunctionIx, MODULE_BODY};
use crate::project::Project;

/// From so many culprits on, what all paths to them go through is what to change. Below, each culprit
/// is read and changed by itself.
const MANY: usize = 3;

/// A function by its file and its number there.
pub type FunctionKey = (FileId, FunctionIx);

/// For each function outside the workflow classes: the last one before it that every path from a
/// workflow to it goes through, if there is one. Functions come after those before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gateways {
    order: Vec<(FunctionKey, Option<usize>)>,
    numbers: BTreeMap<FunctionKey, usize>,
}

/// Who calls whom outside the workflow classes, of all workflows together.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// Functions that workflow code calls.
    pub(crate) entered: BTreeSet<FunctionKey>,
    pub(crate) edges: BTreeMap<FunctionKey, BTreeSet<FunctionKey>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Stays the same when unrelated code changes, or another workflow reaches the same.
    pub id: String,
    /// Indices of its findings, ascending.
    pub findings: Vec<usize>,
    /// The finding to read: the gravest one, and of those the one with the shortest path.
    pub representative: usize,
    /// By place.
    pub culprits: Vec<Culprit>,
    pub bond: Bond,
}

/// What the culprits of a cause have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bond {
    /// There is one culprit.
    Culprit,
    /// They are about one thing, such as a variable that runs share.
    Subject(Subject),
    /// They stand on one line, and one rule reports them.
    Line,
    /// All paths to them go through one function.
    Through(Through),
    /// The fixes of some of them settle the others too.
    Fixes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    pub place: Place,
    /// Of the rule that reports it.
    pub code: &'static str,
    pub name: &'static str,
    /// The fully resolved name.
    pub culprit: Option<String>,
    /// How many findings end there.
    pub findings: usize,
}

/// The function through which all paths of a cause go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through {
    /// Its qualified name within its file.
    pub function: String,
    /// Its name in the `def` statement.
    pub place: Place,
}

impl Cause {
    /// The workflows of its findings, sorted.
    pub fn workflows<'f>(&self, findings: &'f [Diagnostic]) -> BTreeSet<&'f str> {
        let of = |&ix: &usize| findings[ix].workflow.as_deref();
        self.findings.iter().filter_map(of).collect()
    }
}

impl Calls {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.entered.extend(&other.entered);
        for (caller, callees) in &other.edges {
            self.edges.entry(*caller).or_default().extend(callees);
        }
    }

    /// The dominator tree, by the algorithm of Cooper, Harvey and Kennedy.
    pub(crate) fn gateways(&self) -> Gateways {
        let order = self.reverse_postorder();
        let numbers: BTreeMap<FunctionKey, usize> = order
            .iter()
            .enumerate()
            .map(|(n, &key)| (key, n + 1))
            .collect();
        let mut callers: Vec<Vec<usize>> = vec![Vec::new(); order.len() + 1];
        for key in &self.entered {
            callers[numbers[key]].push(0);
        }
        for (caller, callees) in &self.edges {
            let Some(&caller) = numbers.get(caller) else {
                continue;
            };
            for callee in callees {
                callers[numbers[callee]].push(caller);
            }
        }
        let dominators = dominators(&callers);
        let before = |number: usize| dominators[number + 1].checked_sub(1);
        let order = order.iter().enumerate();
        let numbers = order.clone().map(|(number, &key)| (key, number));
        Gateways {
            numbers: numbers.collect(),
            order: order.map(|(number, &key)| (key, before(number))).collect(),
        }
    }

    fn reverse_postorder(&self) -> Vec<FunctionKey> {
        let callees = |key: &FunctionKey| self.edges.get(key).into_iter().flatten();
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for &start in &self.entered {
            if !seen.insert(start) {
                continue;
            }
            let mut stack = vec![(start, callees(&start))];
            while let Some((key, next)) = stack.last_mut() {
                match next.find(|&&callee| seen.insert(callee)) {
                    Some(&callee) => stack.push((callee, callees(&callee))),
                    None => {
                        order.push(*key);
                        stack.pop();
                    }
                }
            }
        }
        order.reverse();
        order
    }
}

/// The immediate dominator of each node, from the predecessors of each. Nodes are in reverse
/// postorder, and node 0 is the root.
fn dominators(predecessors: &[Vec<usize>]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut dominators = vec![NONE; predecessors.len()];
    dominators[0] = 0;
    let mut changed = true;
    while changed {
        changed = false;
        for node in 1..predecessors.len() {
            let known = predecessors[node].iter().copied();
            let known = known.filter(|&it| dominators[it] != NONE);
            let common = known.reduce(|mut a, mut b| {
                while a != b {
                    if a > b {
                        a = dominators[a];
                    } else {
                        b = dominators[b];
                    }
                }
                a
            });
            let common = common.unwrap_or(0);
            changed |= dominators[node] != common;
            dominators[node] = common;
        }
    }
    dominators
}

/// What tells culprits apart.
type CulpritKey<'f> = (Place, &'static str, &'f str);

/// Culprits, each with the indices of its findings, and what they have in common.
struct Group<'f> {
    culprits: Vec<(CulpritKey<'f>, Vec<usize>)>,
    bond: Bond,
}

/// Joins findings to causes, in the order of the findings to read. Each finding is in one of them.
pub fn causes(findings: &[Diagnostic], gateways: &Gateways, project: &Project<'_>) -> Vec<Cause> {
    let mut culprits: BTreeMap<CulpritKey<'_>, Vec<usize>> = BTreeMap::new();
    for (ix, finding) in findings.iter().enumerate() {
        // What has no culprit is told apart by what is said about it.
        let name = finding.culprit.as_deref().unwrap_or(&finding.message);
        let key = (finding.culprit_place(), finding.code, name);
        culprits.entry(key).or_default().push(ix);
    }
    let mut groups = about_subjects(&mut culprits, findings);
    groups.extend(behind_gateways(&mut culprits, findings, gateways, project));
    groups.extend(on_lines(&mut culprits, project));
    groups.extend(culprits.into_iter().map(|it| Group {
        culprits: vec![it],
        bond: Bond::Culprit,
    }));
    let groups = joined_by_fixes(groups, findings);
    let causes = groups.into_iter().map(|it| it.cause(findings, project));
    let mut causes: Vec<Cause> = causes.collect();
    causes.sort_by_key(|it| it.representative);
    number_equal_ids(&mut causes);
    causes
}

type Culprits<'f> = BTreeMap<CulpritKey<'f>, Vec<usize>>;

/// Takes out what is about one thing.
fn about_subjects<'f>(culprits: &mut Culprits<'f>, findings: &[Diagnostic]) -> Vec<Group<'f>> {
    let subject = |_: &CulpritKey<'f>, members: &[usize]| findings[members[0]].subject.as_ref();
    let alike = alike(culprits, subject).into_iter();
    let groups = alike.map(|(subject, culprits)| Group {
        culprits,
        bond: Bond::Subject(subject.clone()),
    });
    groups.collect()
}

/// Takes out what stands on one line.
fn on_lines<'f>(culprits: &mut Culprits<'f>, project: &Project<'_>) -> Vec<Group<'f>> {
    let line = |&(place, code, _): &CulpritKey<'f>, _: &[usize]| {
        let source = project.source(place.file)?;
        Some((place.file, source.line(place.span.start), code))
    };
    let alike = alike(culprits, line).into_values();
    let groups = alike.map(|culprits| Group {
        culprits,
        bond: Bond::Line,
    });
    groups.collect()
}

/// Takes out the culprits that have a key in common with others.
fn alike<'f, K: Ord>(
    culprits: &mut Culprits<'f>,
    key_of: impl Fn(&CulpritKey<'f>, &[usize]) -> Option<K>,
) -> BTreeMap<K, Vec<(CulpritKey<'f>, Vec<usize>)>> {
    let mut alike: BTreeMap<K, Vec<CulpritKey<'f>>> = BTreeMap::new();
    for (culprit, members) in &*culprits {
        if let Some(key) = key_of(culprit, members) {
            alike.entry(key).or_default().push(*culprit);
        }
    }
    let several = alike.into_iter().filter(|(_, them)| them.len() > 1);
    several
        .map(|(key, them)| (key, taken(culprits, &them)))
        .collect()
}

/// Takes out what has a gateway in common.
fn behind_gateways<'f>(
    culprits: &mut Culprits<'f>,
    findings: &[Diagnostic],
    gateways: &Gateways,
    project: &Project<'_>,
) -> Vec<Group<'f>> {
    let behind = culprits.iter().filter_map(|(&key, members)| {
        let mut all = members
            .iter()
            .map(|&ix| gateways.of(&findings[ix], project));
        let first = all.next().flatten()?;
        all.all(|it| it == Some(first)).then_some((first, key))
    });
    let gathered = gateways.gathered(behind);
    let groups = gathered.into_iter().map(|(gateway, keys)| Group {
        culprits: taken(culprits, &keys),
        bond: through(gateway, project).map_or(Bond::Culprit, Bond::Through),
    });
    groups.collect()
}

fn taken<'f>(
    culprits: &mut Culprits<'f>,
    keys: &[CulpritKey<'f>],
) -> Vec<(CulpritKey<'f>, Vec<usize>)> {
    let taken = keys.iter().filter_map(|key| culprits.remove_entry(key));
    taken.collect()
}

/// Joins groups to one whose fixes settle them: each of their findings has the fix of one of its
/// findings, or the place of one where both have none.
fn joined_by_fixes<'f>(mut groups: Vec<Group<'f>>, findings: &[Diagnostic]) -> Vec<Group<'f>> {
    let mut numbers = BTreeMap::new();
    let mut offered: Vec<Option<BTreeSet<usize>>> = Vec::new();
    for group in &groups {
        offered.push(group.offered(findings, &mut numbers));
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&ix| (Reverse(offered[ix].as_ref().map(BTreeSet::len)), ix));
    let mut leaders: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for ix in order {
        let Some(own) = &offered[ix] else { continue };
        let candidates = own.first().and_then(|fix| leaders.get(fix));
        let is_settled = |leader: &&usize| {
            let theirs = offered[**leader].as_ref();
            theirs.is_some_and(|it| own.is_subset(it))
        };
        if let Some(&leader) = candidates.into_iter().flatten().find(is_settled) {
            let joined = std::mem::take(&mut groups[ix].culprits);
            groups[leader].culprits.extend(joined);
            groups[leader].bond = Bond::Fixes;
            continue;
        }
        for &fix in own {
            leaders.entry(fix).or_default().push(ix);
        }
    }
    groups.retain(|it| !it.culprits.is_empty());
    groups
}

/// What tells apart what is to be done at a place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Offer<'f> {
    Fix(&'f [Edit], &'f [NewFile]),
    Nothing(Place),
}

impl Group<'_> {
    /// What its findings offer, by number, if there are fixes among it.
    fn offered<'d>(
        &self,
        findings: &'d [Diagnostic],
        numbers: &mut BTreeMap<Offer<'d>, usize>,
    ) -> Option<BTreeSet<usize>> {
        let members = self.culprits.iter().flat_map(|(_, members)| members);
        let (mut offered, mut has_fix) = (BTreeSet::new(), false);
        for &ix in members {
            let fix = findings[ix].fixes.first();
            has_fix |= fix.is_some();
            let offer = match fix {
                Some(it) => Offer::Fix(&it.edits, &it.new_files),
                None => Offer::Nothing(findings[ix].place),
            };
            let next = numbers.len();
            offered.insert(*numbers.entry(offer).or_insert(next));
        }
        has_fix.then_some(offered)
    }

    fn cause(mut self, all: &[Diagnostic], project: &Project<'_>) -> Cause {
        self.culprits.sort_unstable();
        let groups = &self.culprits;
        let mut findings: Vec<usize> = groups.iter().flat_map(|(_, it)| it).copied().collect();
        findings.sort_unstable();
        let rank = |&ix: &usize| {
            let it = &all[ix];
            (Reverse((it.severity, it.impact)), it.trace.len(), ix)
        };
        let culprits = groups.iter().map(|((place, code, _), members)| Culprit {
            place: *place,
            code,
            name: all[members[0]].name,
            culprit: all[members[0]].culprit.clone(),
            findings: members.len(),
        });
        let first = groups[0].0;
        Cause {
            id: match &self.bond {
                Bond::Culprit => culprit_id(first, project),
                Bond::Subject(it) => {
                    let file = it.file.map_or("", |file| project.key(file));
                    hash(&["subject", first.1, file, &it.name])
                }
                Bond::Line => hash(&["line", &culprit_id(first, project)]),
                Bond::Through(it) => {
                    let file = project.key(it.place.file);
                    hash(&["through", first.1, file, &it.function])
                }
                Bond::Fixes => hash(&["fixes", &culprit_id(first, project)]),
            },
            representative: findings
                .iter()
                .copied()
                .min_by_key(rank)
                .unwrap_or_default(),
            culprits: culprits.collect(),
            findings,
            bond: self.bond,
        }
    }
}

impl Gateways {
    /// The number of the function that holds the culprit; `None` if that is workflow code.
    fn of(&self, finding: &Diagnostic, project: &Project<'_>) -> Option<usize> {
        // What was computed at import stands in no function; where it is read does.
        let mut steps = finding.trace.iter().rev().take(2);
        steps.find_map(|step| {
            let function = function_at(step.place, project)?;
            self.numbers.get(&function).copied()
        })
    }

    /// Culprits with the numbers of their functions, as many together as have a gateway in common.
    fn gathered<'f>(
        &self,
        culprits: impl Iterator<Item = (usize, CulpritKey<'f>)>,
    ) -> BTreeMap<FunctionKey, Vec<CulpritKey<'f>>> {
        let mut waiting: BTreeMap<usize, Vec<CulpritKey<'f>>> = BTreeMap::new();
        for (number, key) in culprits {
            waiting.entry(number).or_default().push(key);
        }
        let mut gathered: BTreeMap<_, Vec<_>> = BTreeMap::new();
        // Nobody waits for a function any more when its turn comes.
        while let Some((number, mut keys)) = waiting.pop_last() {
            let (gateway, before) = self.order[number];
            let is_called = gateway.1 != MODULE_BODY;
            let is_near = |key: &CulpritKey<'_>| is_called && key.0.file == gateway.0;
            if keys.iter().filter(|key| is_near(key)).count() >= MANY {
                let near = keys.extract_if(.., |key| is_near(key));
                gathered.entry(gateway).or_default().extend(near);
            }
            let mut by_code: BTreeMap<&str, Vec<CulpritKey<'f>>> = BTreeMap::new();
            for key in keys {
                by_code.entry(key.1).or_default().push(key);
            }
            for keys in by_code.into_values() {
                if is_called && keys.len() >= MANY {
                    gathered.entry(gateway).or_default().extend(keys);
                } else if let Some(before) = before {
                    waiting.entry(before).or_default().extend(keys);
                }
            }
        }
        gathered
    }
}

fn function_at(place: Place, project: &Project<'_>) -> Option<FunctionKey> {
    let index = project.module(place.file)?.index();
    Some((place.file, index.function_containing(place.span.start)))
}

fn through((file, ix): FunctionKey, project: &Project<'_>) -> Option<Through> {
    let function = project.module(file)?.index().function(ix);
    Some(Through {
        function: function.qualname.clone(),
        place: Place {
            file,
            span: function.node.name_span(),
        },
    })
}

/// No line numbers, so that edits elsewhere do not change it, and nothing of a workflow.
fn culprit_id((place, code, name): CulpritKey<'_>, project: &Project<'_>) -> String {
    let module = project.module(place.file);
    let function = module.map_or("", |module| {
        let ix = module.index().function_containing(place.span.start);
        &module.index().function(ix).qualname
    });
    let text = project
        .source(place.file)
        .map_or("", |it| it.slice(place.span));
    let text: String = text.split_whitespace().collect();
    hash(&[code, project.key(place.file), function, name, &text])
}

/// Equal culprits of one function are told apart by their order.
fn number_equal_ids(causes: &mut [Cause]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for cause in causes {
        let count = seen.entry(cause.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            cause.id = format!("{}-{count}", cause.id);
        }
    }
}

/// FNV-1a with a separator after each part: stable over versions of Rust, unlike its own hasher.
pub fn hash(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each function with the one before it, 0 for none.
    fn gateways(entered: &[u32], edges: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let key = |ix: u32| (FileId(0), ix);
        let mut calls = Calls {
            entered: entered.iter().map(|&it| key(it)).collect(),
            ..Calls::default()
        };
        for &(from, to) in edges {
            calls.edges.entry(key(from)).or_default().insert(key(to));
        }
        let Gateways { order, .. } = calls.gateways();
        let before = |before: &Option<usize>| before.map_or(0, |it| order[it].0.1);
        let mut found: Vec<(u32, u32)> = order
            .iter()
            .map(|((_, ix), it)| (*ix, before(it)))
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn everything_behind_one_call_has_one_gateway() {
        // A loop and a diamond change nothing.
        let edges = [(1, 2), (1, 3), (2, 4), (3, 4), (4, 1), (4, 5)];
        let found = gateways(&[1], &edges);
        assert_eq!(found, [(1, 0), (2, 1), (3, 1), (4, 1), (5, 4)]);
    }

    #[test]
    fn what_is_reached_in_two_ways_is_its_own_gateway() {
        let edges = [(1, 3), (2, 3), (3, 4), (1, 5), (5, 1)];
        let found = gateways(&[1, 2], &edges);
        assert_eq!(found, [(1, 0), (2, 0), (3, 0), (4, 3), (5, 1)]);
        // The second way is far from the first, and found late.
        let edges = [(1, 2), (2, 3), (3, 4), (9, 8), (8, 7), (7, 4), (7, 2)];
        let found = gateways(&[1, 9], &edges);
        let of = |it: u32| found.iter().find(|(key, _)| *key == it).map(|it| it.1);
        assert_eq!((of(2), of(3), of(4)), (Some(0), Some(2), Some(0)));
        assert_eq!((of(8), of(7)), (Some(9), Some(8)));
    }

    #[test]
    fn what_nothing_reaches_has_no_gateway() {
        assert_eq!(gateways(&[1], &[(2, 3)]), [(1, 0)]);
    }
}
