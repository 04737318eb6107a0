//! Finds the calls, the order of the steps, and which code runs where.

use std::collections::BTreeSet;

use lint_core::diagnostic::FileId;
use lint_core::index::FunctionIx;
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use rustc_hash::FxHashMap;

use super::types::{CallSite, Runbook, Side, StepCall};
use super::{Contract, calls};

impl<'p> Contract<'p> {
    pub(super) fn find_calls(&mut self) {
        let mut calls = Vec::new();
        for &file in &self.files {
            let Some(module) = self.module(file) else {
                continue;
            };
            let owners = self
                .runbooks
                .iter()
                .enumerate()
                .filter(|(_, runbook)| runbook.file == file)
                .map(|(i, runbook)| (runbook.class, i))
                .collect();
            calls::collect(&self.names, file, module, &owners, &mut calls);
        }
        calls.sort_by_key(|site: &CallSite<'_>| (site.file, site.function));
        let mut start = 0;
        for chunk in calls.chunk_by(|a, b| (a.file, a.function) == (b.file, b.function)) {
            let end = start + chunk.len();
            let key = (chunk[0].file, chunk[0].function);
            self.calls_of.insert(key, (start, end));
            start = end;
        }
        self.calls = calls;
    }

    pub(super) fn find_orders(&mut self) {
        let orders: Vec<Vec<StepCall>> = self
            .runbooks
            .iter()
            .map(|runbook| {
                let mut order = Vec::new();
                let run = runbook
                    .methods
                    .iter()
                    .find(|it| it.mark(Role::Run).is_some());
                if let Some(run) = run {
                    let mut seen = BTreeSet::from([(runbook.file, run.ix)]);
                    let start = (runbook.file, run.ix);
                    self.follow(runbook, start, &mut Vec::new(), &mut seen, &mut order);
                }
                order
            })
            .collect();
        for (runbook, order) in self.runbooks.iter_mut().zip(orders) {
            runbook.order = order;
        }
    }

    fn follow(
        &self,
        runbook: &Runbook<'p>,
        (file, function): (FileId, FunctionIx),
        through: &mut Vec<usize>,
        seen: &mut BTreeSet<(FileId, FunctionIx)>,
        order: &mut Vec<StepCall>,
    ) {
        for call in self.call_range(file, function) {
            let Some(Resolved::Function { file, ix }) = self.calls[call].callee else {
                continue;
            };
            let step = runbook
                .steps
                .iter()
                .position(|step| file == runbook.file && step.ix == ix);
            if let Some(step) = step {
                order.push(StepCall {
                    step,
                    call,
                    through: through.clone(),
                });
            } else if seen.insert((file, ix)) {
                through.push(call);
                self.follow(runbook, (file, ix), through, seen, order);
                through.pop();
                seen.remove(&(file, ix));
            }
        }
    }

    pub(super) fn find_sides(&mut self) {
        let workflow_entries = self.runbooks.iter().chain(&self.mixins).flat_map(|it| {
            let methods = it.methods.iter();
            methods.map(move |method| (it.file, method.ix))
        });
        let workflow = self.reached(workflow_entries.collect());
        let activity = self.reached(self.activities.iter().map(|it| (it.file, it.ix)).collect());
        let mut sides = FxHashMap::default();
        for &at in &workflow {
            let side = if activity.contains(&at) {
                Side::Both
            } else {
                Side::Workflow
            };
            sides.insert(at, side);
        }
        for &at in activity.difference(&workflow) {
            sides.insert(at, Side::Activity);
        }
        self.sides = sides;
    }

    /// The functions that these call, and those nested in them.
    fn reached(&self, entries: Vec<(FileId, FunctionIx)>) -> BTreeSet<(FileId, FunctionIx)> {
        let mut reached: BTreeSet<_> = entries.iter().copied().collect();
        let mut queue = entries;
        while let Some((file, function)) = queue.pop() {
            let called = self.calls_in(file, function).iter();
            let called = called.filter_map(|site| match site.callee {
                Some(Resolved::Function { file, ix }) => Some((file, ix)),
                _ => None,
            });
            let nested = self.index(file).into_iter().flat_map(|index| {
                let all = index.functions.iter().enumerate();
                all.filter(|(ix, nested)| nested.parent == function && *ix != 0)
                    .map(|(ix, _)| (file, ix as FunctionIx))
            });
            let next: Vec<_> = called.chain(nested).collect();
            for at in next {
                let is_activity = self
                    .activities
                    .iter()
                    .any(|activity| (activity.file, activity.ix) == at);
                if !is_activity && reached.insert(at) {
                    queue.push(at);
                }
            }
        }
        reached
    }
}
