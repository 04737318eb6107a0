//! Places as SARIF has them.

use std::path::Path;

use lint_core::diagnostic::Place;
use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, Message, PhysicalLocation, Region,
};

use super::limits;
use crate::report::Places;

/// What all URIs are relative to.
pub(super) const ROOT: &str = "%SRCROOT%";

pub(super) fn of(place: Place, places: &Places<'_>) -> Location {
    let physical = PhysicalLocation::builder()
        .artifact_location(artifact(&places.absolute(place.file), places))
        .region(region(place, places))
        .build();
    Location::builder().physical_location(physical).build()
}

pub(super) fn with_message(place: Place, message: &str, places: &Places<'_>) -> Location {
    let mut location = of(place, places);
    location.message = Some(Message::from(&limits::text(message)));
    location
}

/// Says which function or class a location is in.
pub(super) fn inside(name: &str) -> Vec<LogicalLocation> {
    let name = limits::cut(name);
    vec![
        LogicalLocation::builder()
            .fully_qualified_name(name)
            .build(),
    ]
}

pub(super) fn region(place: Place, places: &Places<'_>) -> Region {
    let (start, end) = places.range(place);
    Region::builder()
        .start_line(start.line)
        .start_column(start.column)
        .end_line(end.line)
        .end_column(end.column)
        .build()
}

pub(super) fn artifact(path: &Path, places: &Places<'_>) -> ArtifactLocation {
    ArtifactLocation::builder()
        .uri(percent_encode(&places.in_repository(path)))
        .uri_base_id(ROOT)
        .build()
}

/// A relative reference: everything but unreserved characters and `/` is encoded, a `:` too, which
/// could otherwise be read as the end of a scheme.
fn percent_encode(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
