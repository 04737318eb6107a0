//! The buffers that are open in the editor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lint_core::source::SourceFile;
use lsp_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::position::Encoding;
use super::uri;

/// The open documents that are files, by path.
#[derive(Debug, Default)]
pub(super) struct Documents {
    open: BTreeMap<PathBuf, Document>,
    /// How often a document was opened, so that no two openings are mistaken for one.
    opened: u64,
}

#[derive(Debug)]
pub(super) struct Document {
    /// As the client spells it.
    pub(super) uri: Uri,
    pub(super) version: i32,
    /// Which opening this is.
    pub(super) opening: u64,
    pub(super) source: SourceFile,
}

impl Documents {
    /// Returns the path of a document that is a file.
    pub(super) fn open(&mut self, item: TextDocumentItem) -> Option<PathBuf> {
        let path = uri::to_path(&item.uri)?;
        self.opened += 1;
        let document = Document {
            uri: item.uri,
            version: item.version,
            opening: self.opened,
            source: source(item.text),
        };
        self.open.insert(path.clone(), document);
        Some(path)
    }

    /// Returns the path of the document that has changed, if it is open.
    pub(super) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Option<PathBuf> {
        let path = uri::to_path(uri)?;
        let document = self.open.get_mut(&path)?;
        for change in changes {
            document.apply(change, encoding);
        }
        document.version = version;
        Some(path)
    }

    pub(super) fn close(&mut self, uri: &Uri) -> Option<(PathBuf, Document)> {
        let path = uri::to_path(uri)?;
        let document = self.open.remove(&path)?;
        Some((path, document))
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Document> {
        self.open.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PathBuf, &Document)> {
        self.open.iter()
    }

    /// The client's name of a file, if it has it open.
    pub(super) fn uri(&self, path: &Path) -> Uri {
        let document = self.open.get(path);
        document.map_or_else(|| uri::from_path(path), |it| it.uri.clone())
    }
}

impl Document {
    fn apply(&mut self, change: TextDocumentContentChangeEvent, encoding: Encoding) {
        let text = match change {
            TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(it) => it.text,
            TextDocumentContentChangeEvent::TextDocumentContentChangePartial(it) => {
                let span = encoding.span(&self.source, it.range);
                let mut text = std::mem::take(&mut self.source.text);
                text.replace_range(span.start as usize..span.end as usize, &it.text);
                text
            }
        };
        self.source = source(text);
    }
}

fn source(text: String) -> SourceFile {
    SourceFile::new(String::new(), text)
}
