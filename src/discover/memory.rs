//! Files that were read, for somebody who analyses a project again and again.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use lint_core::source::MAX_FILE_BYTES;

use crate::file::read_regular;

/// What is larger than this together is read again each time.
const MAX_BYTES: usize = 256 << 20;

#[derive(Debug, Default)]
pub(super) struct Memory(RwLock<Held>);

#[derive(Debug, Default)]
struct Held {
    files: BTreeMap<String, Arc<[u8]>>,
    bytes: usize,
}

impl Memory {
    pub(super) fn read(&self, key: &str, path: &Path) -> io::Result<Vec<u8>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = known.files.get(key).map(Arc::clone) {
            return Ok(bytes.to_vec());
        }
        drop(known);
        let bytes = read_regular(path, MAX_FILE_BYTES as u64)?;
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.bytes + bytes.len() <= MAX_BYTES {
            held.put(key, &bytes);
        }
        Ok(bytes)
    }

    pub(super) fn forget(&self, key: &str) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = held.files.remove(key) {
            held.bytes -= bytes.len();
        }
    }
}

impl Held {
    /// Two threads may read the same file.
    fn put(&mut self, key: &str, bytes: &[u8]) {
        let before = self.files.insert(key.to_owned(), bytes.into());
        self.bytes += bytes.len();
        self.bytes -= before.map_or(0, |it| it.len());
    }
}
