//! From a name to what it names: a child runbook, or the method of a step in `runbook.md`.

use lint_core::diagnostic::{Place, Span};
use lsp_types::{Definition, DefinitionParams, DefinitionResponse, Location};
use rules::outline::BundleOutline;

use super::lookup::Looked;
use super::running::{Outcome, Running};

impl Running<'_> {
    pub(super) fn definition(
        &mut self,
        params: DefinitionParams,
    ) -> Outcome<Option<DefinitionResponse>> {
        let at = self.look_at(&params.text_document_position_params)?;
        let Some((looked, offset)) = at else {
            return Ok(None);
        };
        let found: Vec<Location> = targets(&looked, offset)
            .into_iter()
            .map(|place| looked.renderer.location(place))
            .collect();
        Ok((!found.is_empty()).then(|| Definition::LocationList(found).into()))
    }
}

fn targets(looked: &Looked<'_>, offset: u32) -> Vec<Place> {
    let outline = &looked.renderer.snapshot.outline;
    let steps = outline.bundles.iter().flat_map(|it| &it.listed);
    let methods = steps
        .filter(|it| looked.is_at(it.place, offset))
        .filter_map(|it| it.method);
    let children = outline.children.iter();
    let bundles = children
        .filter(|it| looked.is_at(it.place, offset))
        .flat_map(|child| {
            let bundles = outline.bundles.iter();
            bundles.filter(|it| it.slugs.contains(&child.text))
        });
    methods.chain(bundles.filter_map(main_place)).collect()
}

/// Where a bundle is written: its class, or else the file that is there.
fn main_place(bundle: &BundleOutline) -> Option<Place> {
    let file = bundle.workflow.or(bundle.manifest);
    bundle.class.or_else(|| {
        Some(Place {
            file: file?,
            span: Span::default(),
        })
    })
}
