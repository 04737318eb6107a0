//! `file:` URIs and paths.

use std::path::{Path, PathBuf};

use lsp_types::Uri;

use crate::config::absolute;

/// The path that a URI names, if it names a file on this machine.
pub(super) fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file:")?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, _) = rest.split_once('/')?;
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return None;
            }
            &rest[host.len()..]
        }
        None => rest,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let path = native(decode(path)?)?;
    path.is_absolute().then(|| absolute(&path, Path::new("/")))
}

pub(super) fn from_path(path: &Path) -> Uri {
    let mut uri = String::from("file://");
    let path = path
        .to_string_lossy()
        .replace('\\', if cfg!(windows) { "/" } else { "\\" });
    if !path.starts_with('/') {
        uri.push('/');
    }
    uri.push_str(&encode(path.as_bytes()));
    Uri(uri)
}

/// Everything that means something in a URI but `/` becomes an escape.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(unix)]
fn native(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let is_whole = !bytes.contains(&0);
    is_whole.then(|| std::ffi::OsString::from_vec(bytes).into())
}

/// `/c:/code` is `c:/code`.
#[cfg(not(unix))]
fn native(bytes: Vec<u8>) -> Option<PathBuf> {
    let path = String::from_utf8(bytes).ok()?;
    let drive = path.trim_start_matches('/');
    Some(match drive.as_bytes() {
        [letter, b':', ..] if letter.is_ascii_alphabetic() => drive.into(),
        _ => path.into(),
    })
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    Some(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_way_there_and_back() {
        for path in ["/a/b.py", "/Fälle & Co/50 %/#1?.py", "/c:/x"] {
            let uri = from_path(Path::new(path));
            assert_eq!(to_path(&uri).as_deref(), Some(Path::new(path)), "{uri}");
        }
    }

    #[test]
    fn what_is_no_file_here_has_no_path() {
        let path = |uri: &str| to_path(&uri.into());
        assert_eq!(path("untitled:Untitled-1"), None);
        assert_eq!(path("file://server/share/a.py"), None);
        assert_eq!(path("file:///a%zz.py"), None);
        assert_eq!(path("file:///a%00.py"), None);
        assert_eq!(path("file://"), None);
        assert_eq!(path("file://localhost/a.py"), Some("/a.py".into()));
        assert_eq!(path("file:///a/../b.py"), Some("/b.py".into()));
    }
}
