//! Workflows with their steps in the order of the breadcrumb: as an outline of the document, and as
//! lines above the code.

use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::knowledge::Role;
use lsp_types::{
    BaseSymbolInformation, CodeLens, CodeLensParams, Command, DocumentSymbol, DocumentSymbolParams,
    DocumentSymbolResponse, Location, SymbolInformation, SymbolKind,
};
use rules::outline::{RunbookOutline, StepOutline};

use super::diagnostics::Renderer;
use super::running::{Outcome, Running};

impl Running<'_> {
    pub(super) fn document_symbols(
        &mut self,
        params: DocumentSymbolParams,
    ) -> Outcome<Option<DocumentSymbolResponse>> {
        let nests = self.client.can.nests_symbols;
        let looked = self.look(&params.text_document.uri)?;
        let Some((looked, file)) = looked.and_then(|it| it.file.map(|file| (it, file))) else {
            return Ok(None);
        };
        let symbols = symbols(&looked.renderer, file);
        if nests {
            return Ok(Some(symbols.into()));
        }
        let uri = &looked.document.uri;
        let mut flat = Vec::new();
        for symbol in symbols {
            flatten(symbol, None, uri, &mut flat);
        }
        Ok(Some(flat.into()))
    }

    pub(super) fn code_lenses(&mut self, params: CodeLensParams) -> Outcome<Option<Vec<CodeLens>>> {
        let looked = self.look(&params.text_document.uri)?;
        let Some((looked, file)) = looked.and_then(|it| it.file.map(|file| (it, file))) else {
            return Ok(None);
        };
        let renderer = &looked.renderer;
        let lens = |place: Place, title: String| CodeLens {
            range: renderer.range(place),
            // Without a command, there is only something to read.
            command: Some(Command {
                title,
                ..Command::default()
            }),
            data: None,
        };
        let mut lenses = Vec::new();
        for runbook in runbooks(renderer, file) {
            let titles: Vec<&str> = runbook.steps.iter().map(StepOutline::label).collect();
            lenses.push(lens(runbook.name_place, titles.join(" › ")));
            let steps = runbook.steps.iter().zip(1..);
            lenses.extend(steps.map(|(step, number)| {
                let title = format!("step {number} of {}", runbook.steps.len());
                lens(step.decorator, title)
            }));
        }
        Ok(Some(lenses))
    }
}

/// The classes with steps in a file.
fn runbooks<'r>(
    renderer: &'r Renderer<'_>,
    file: FileId,
) -> impl Iterator<Item = &'r RunbookOutline> {
    let runbooks = renderer.snapshot.outline.runbooks.iter();
    runbooks.filter(move |it| it.place.file == file && !it.steps.is_empty())
}

fn symbols(renderer: &Renderer<'_>, file: FileId) -> Vec<DocumentSymbol> {
    let mut symbols: Vec<DocumentSymbol> = runbooks(renderer, file)
        .map(|it| of_runbook(renderer, it))
        .collect();
    let has_steps = |place: Place| runbooks(renderer, file).any(|it| it.name_place == place);
    let workflows = renderer.snapshot.workflows.iter();
    for workflow in workflows.filter(|it| it.place.file == file && !has_steps(it.place)) {
        let entries = workflow.entries.iter().filter(|it| it.place.file == file);
        let ends = entries.clone().map(|it| it.place.span.end);
        let whole = Place {
            file,
            span: Span::new(
                workflow.place.span.start,
                ends.max().unwrap_or(0).max(workflow.place.span.end),
            ),
        };
        let children = entries
            .map(|it| {
                symbol(
                    renderer,
                    &it.name,
                    None,
                    SymbolKind::Method,
                    it.place,
                    it.place,
                )
            })
            .collect();
        let name = workflow.name.rsplit('.').next().unwrap_or(&workflow.name);
        symbols.push(DocumentSymbol {
            children: Some(children),
            ..symbol(
                renderer,
                name,
                None,
                SymbolKind::Class,
                whole,
                workflow.place,
            )
        });
    }
    let bundles = renderer.snapshot.outline.bundles.iter();
    let listed = bundles.flat_map(|it| &it.listed);
    symbols.extend(listed.filter(|it| it.place.file == file).map(|step| {
        let kind = SymbolKind::Event;
        symbol(renderer, &step.id, None, kind, step.place, step.place)
    }));
    symbols
}

fn of_runbook(renderer: &Renderer<'_>, runbook: &RunbookOutline) -> DocumentSymbol {
    let steps = runbook.steps.iter().zip(1..).map(|(step, number)| {
        let name = format!("{number}. {}", step.label());
        let detail = step.id.clone();
        let kind = SymbolKind::Event;
        symbol(renderer, &name, detail, kind, step.place, step.method_place)
    });
    let handlers = runbook.handlers.iter().map(|it| {
        let name = it.name.as_deref().unwrap_or(&it.method);
        let detail = Some(role(it.role).to_owned());
        let kind = SymbolKind::Method;
        symbol(renderer, name, detail, kind, it.place, it.method_place)
    });
    DocumentSymbol {
        children: Some(steps.chain(handlers).collect()),
        ..symbol(
            renderer,
            &runbook.name,
            None,
            SymbolKind::Class,
            runbook.place,
            runbook.name_place,
        )
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Signal => "signal",
        Role::Query => "query",
        Role::Update => "update",
        _ => "handler",
    }
}

#[expect(deprecated, reason = "the field is part of the type")]
fn symbol(
    renderer: &Renderer<'_>,
    name: &str,
    detail: Option<String>,
    kind: SymbolKind,
    whole: Place,
    selection: Place,
) -> DocumentSymbol {
    // Clients refuse a symbol without a name.
    let name = if name.trim().is_empty() { "?" } else { name };
    DocumentSymbol {
        name: name.to_owned(),
        detail,
        kind,
        tags: None,
        deprecated: None,
        range: renderer.range(whole),
        selection_range: renderer.range(selection),
        children: None,
    }
}

/// For clients that know no nesting.
fn flatten(
    symbol: DocumentSymbol,
    container: Option<&str>,
    uri: &lsp_types::Uri,
    flat: &mut Vec<SymbolInformation>,
) {
    let location = Location {
        uri: uri.clone(),
        range: symbol.selection_range,
    };
    let name = symbol.name;
    for child in symbol.children.into_iter().flatten() {
        flatten(child, Some(&name), uri, flat);
    }
    let base = BaseSymbolInformation {
        name,
        kind: symbol.kind,
        tags: None,
        container_name: container.map(str::to_owned),
    };
    flat.push(SymbolInformation::new(None, location, base));
}
