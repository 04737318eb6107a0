//! What runbooks are made of, for programs that show it beside the code. It holds no references, so
//! it outlives the project it was made of.

use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::knowledge::Role;
use lint_core::syntax::span_of;

use crate::icon_use;
use crate::model::{Model, Runbook, Step};
use crate::rule::Context;
use crate::runbook_md::view::View;
use crate::runbook_md::{RunbookMd, yaml};
use crate::sites::{ChildCall, bundle_slugs};

#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// Classes with steps, by place.
    pub runbooks: Vec<RunbookOutline>,
    pub bundles: Vec<BundleOutline>,
    /// Slugs of child runbooks where they are started.
    pub children: Vec<Mention>,
    /// Names of icons where they are used.
    pub icons: Vec<Mention>,
}

/// A text that names something.
#[derive(Debug, Clone)]
pub struct Mention {
    pub text: String,
    pub place: Place,
}

#[derive(Debug, Clone)]
pub struct RunbookOutline {
    pub name: String,
    /// The whole class.
    pub place: Place,
    /// Its name in the `class` statement.
    pub name_place: Place,
    /// In the order of the breadcrumb.
    pub steps: Vec<StepOutline>,
    pub handlers: Vec<HandlerOutline>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutline {
    pub id: Option<String>,
    pub title: Option<String>,
    pub icon: Option<String>,
    pub method: String,
    /// The whole method with its decorators.
    pub place: Place,
    pub decorator: Place,
    pub method_place: Place,
}

#[derive(Debug, Clone)]
pub struct HandlerOutline {
    pub role: Role,
    pub name: Option<String>,
    pub method: String,
    pub place: Place,
    pub method_place: Place,
}

#[derive(Debug, Clone)]
pub struct BundleOutline {
    pub slugs: Vec<String>,
    pub manifest: Option<FileId>,
    pub workflow: Option<FileId>,
    /// The name of the class that runs.
    pub class: Option<Place>,
    /// The steps that `runbook.md` lists.
    pub listed: Vec<ListedStep>,
}

#[derive(Debug, Clone)]
pub struct ListedStep {
    pub id: String,
    pub place: Place,
    /// The name of the method.
    pub method: Option<Place>,
}

impl StepOutline {
    /// How people call it.
    pub fn label(&self) -> &str {
        let name = self.title.as_deref().or(self.id.as_deref());
        name.unwrap_or(&self.method)
    }
}

impl Outline {
    pub fn new(cx: &Context<'_>) -> Self {
        let model = &cx.model;
        let children = ChildCall::all(model).map(|child| Mention {
            text: child.slug,
            place: at(child.site.file, span_of(child.written)),
        });
        let icons = icon_use::icons(model).into_iter().map(|icon| Mention {
            place: at(icon.file, icon.span()),
            text: icon.name,
        });
        let mut runbooks: Vec<RunbookOutline> = model.classes().map(runbook).collect();
        runbooks.sort_by_key(|it| it.place);
        Self {
            runbooks,
            bundles: (0..model.bundles.len()).map(|ix| bundle(cx, ix)).collect(),
            children: children.collect(),
            icons: icons.collect(),
        }
    }

    /// The files that it speaks of.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        let bundles = self.bundles.iter();
        let runbooks = self.runbooks.iter().map(|it| it.place.file);
        let mentions = self.children.iter().chain(&self.icons);
        runbooks
            .chain(bundles.flat_map(|it| it.manifest.into_iter().chain(it.workflow)))
            .chain(mentions.map(|it| it.place.file))
    }
}

fn at(file: FileId, span: Span) -> Place {
    Place { file, span }
}

fn runbook(class: &Runbook<'_>) -> RunbookOutline {
    let handler = |handler: &crate::model::Handler| {
        let method = &class.methods[handler.method];
        HandlerOutline {
            role: handler.role,
            name: handler.name.clone(),
            method: method.name.to_owned(),
            place: at(class.file, span_of(method.node)),
            method_place: at(class.file, method.name_span()),
        }
    };
    RunbookOutline {
        name: class.name.to_owned(),
        place: at(class.file, span_of(class.node)),
        name_place: at(class.file, class.name_span()),
        steps: steps(class),
        handlers: class.handlers.iter().map(handler).collect(),
    }
}

/// In the order of the breadcrumb.
pub(crate) fn steps(class: &Runbook<'_>) -> Vec<StepOutline> {
    class.steps.iter().map(|it| step(class, it)).collect()
}

fn step(class: &Runbook<'_>, step: &Step<'_>) -> StepOutline {
    let text = |argument: &Option<crate::model::Argument<'_>>| argument.as_ref()?.text.clone();
    StepOutline {
        id: step.id().map(str::to_owned),
        title: text(&step.title),
        icon: text(&step.icon),
        method: step.node.name.to_string(),
        place: at(class.file, span_of(step.node)),
        decorator: at(class.file, span_of(step.mark.node)),
        method_place: at(class.file, span_of(&step.node.name)),
    }
}

fn bundle(cx: &Context<'_>, ix: usize) -> BundleOutline {
    let bundle = &cx.model.bundles[ix];
    let md = cx.runbook_mds[ix].as_ref();
    let view = View { cx, ix, bundle, md };
    let class = view.runbook();
    BundleOutline {
        slugs: bundle_slugs(&cx.model, ix),
        manifest: bundle.manifest,
        workflow: bundle.workflow,
        class: view.class_place(),
        listed: md.map_or_else(Vec::new, |md| listed(md, &cx.model, class)),
    }
}

fn listed(md: &RunbookMd<'_>, model: &Model<'_>, class: Option<&Runbook<'_>>) -> Vec<ListedStep> {
    let bases = class.into_iter().flat_map(|class| &class.bases);
    let classes: Vec<&Runbook<'_>> = bases
        .filter_map(|base| model.classes().find(|it| it.is_named_by(base)))
        .collect();
    let method = |id: &str| {
        let mut steps = classes
            .iter()
            .flat_map(|class| class.steps.iter().map(move |step| (class, step)));
        let (class, step) = steps.find(|(_, step)| step.id() == Some(id))?;
        Some(at(class.file, span_of(&step.node.name)))
    };
    let id = |node: &yaml::Node| {
        let id = &node.mapping()?.get("id")?.value;
        let text = id.string()?.trim();
        (!text.is_empty()).then(|| ListedStep {
            id: text.to_owned(),
            place: at(md.file, id.span),
            method: method(text),
        })
    };
    md.list("steps").iter().filter_map(id).collect()
}
