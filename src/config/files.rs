//! Finding the project and reading its configuration files.

use std::borrow::Cow;
use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::Layer;
use super::error::{ConfigError, Source};
use super::options::{Located, Options};
use crate::cli::{InputArgs, SelectionArgs};

/// The parts of `pyproject.toml` that concern us.
#[derive(Debug, Deserialize)]
struct PyProject {
    tool: Option<Tool>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    #[serde(rename = "runbook-lint")]
    runbook_lint: Option<Options>,
}

/// The directory whose files are known to the analysis: the nearest one above all given paths that
/// holds a configuration of ours, else the nearest that holds `.git` or `pyproject.toml`, else the
/// deepest one common to the paths.
///
/// A configuration above the repository does not belong to the project. In isolation, nothing
/// above the working directory counts, if all given paths are below it.
pub(crate) fn project_root(paths: &[PathBuf], cwd: &Path, isolated: bool) -> Result<PathBuf> {
    let common = common_ancestor(paths).unwrap_or_else(|| cwd.to_owned());
    // The directory of a file that an editor has not saved yet may be missing.
    let existing = common.ancestors().find(|it| it.is_dir()).unwrap_or(cwd);
    // Far from here, what is above it is not taken for a project.
    let default = if existing.starts_with(cwd) {
        existing
    } else {
        &common
    };
    let common = existing;
    if isolated && common.starts_with(cwd) {
        return Ok(cwd.to_owned());
    }
    let mut fallback = None;
    for directory in common.ancestors() {
        if !isolated && find_in(directory)?.is_some() {
            return Ok(directory.to_owned());
        }
        let is_repository = directory.join(".git").exists();
        if fallback.is_none() && (is_repository || directory.join("pyproject.toml").exists()) {
            fallback = Some(directory.to_owned());
        }
        if is_repository {
            break;
        }
    }
    Ok(fallback.unwrap_or_else(|| default.to_owned()))
}

/// The nearest directory with a configuration of ours, up to and without `top`.
pub(crate) fn configured_root(directory: &Path, top: &Path) -> Option<PathBuf> {
    let below = directory.ancestors().take_while(|it| *it != top);
    let mut below = below.filter(|it| it.starts_with(top));
    below
        .find(|it| !matches!(find_in(it), Ok(None)))
        .map(Path::to_owned)
}

/// All layers of configuration, the weakest first.
pub(super) fn layers(
    root: &Path,
    cwd: &Path,
    input: &InputArgs,
    selection: &SelectionArgs,
) -> Result<Vec<Layer>> {
    let (files, settings): (Vec<&String>, Vec<&String>) =
        input.config.iter().partition(|value| is_file(value, cwd));
    if input.isolated && !files.is_empty() {
        bail!(
            "`--isolated` uses no configuration files, so it cannot be combined with `--config {}`",
            files[0]
        );
    }
    let mut layers = Vec::new();
    for file in &files {
        layers.push(read(&cwd.join(file), cwd)?);
    }
    if files.is_empty() && !input.isolated {
        layers.extend(find_in(root)?.map(|path| read(&path, cwd)).transpose()?);
    }
    for setting in settings {
        let source = Source::CommandLine;
        let setting = &quoted(setting);
        let options = toml::from_str(setting).map_err(|error| source.toml_error(&error));
        let options = options.with_context(|| format!("invalid `--config {setting}`"))?;
        layers.push(Layer { options, source });
    }
    layers.push(Layer {
        options: from_arguments(input, selection),
        source: Source::CommandLine,
    });
    Ok(layers)
}

fn from_arguments(input: &InputArgs, selection: &SelectionArgs) -> Options {
    let list = |values: &Option<Vec<String>>| values.clone().map(Located::nowhere);
    Options {
        select: list(&selection.select),
        extend_select: list(&selection.extend_select),
        ignore: list(&selection.ignore),
        preview: selection.preview.then(|| Located::nowhere(true)),
        follow_installed: input.follow_installed.then(|| Located::nowhere(true)),
        ..Options::default()
    }
}

/// `--config` takes a file or a setting; what has `=` and is no file is a setting.
fn is_file(value: &str, cwd: &Path) -> bool {
    !value.contains('=') || cwd.join(value).is_file()
}

/// A setting whose value is a bare word, of which the shell took the quotes.
fn quoted(setting: &str) -> Cow<'_, str> {
    let Some((key, value)) = setting.split_once('=') else {
        return Cow::Borrowed(setting);
    };
    let value = value.trim();
    let is_word = value.starts_with(|c: char| c.is_ascii_alphabetic())
        && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_word && !["true", "false", "inf", "nan"].contains(&value) {
        return Cow::Owned(format!("{key}=\"{value}\""));
    }
    Cow::Borrowed(setting)
}

/// The configuration file of ours in a directory. Two of them would hide each other's settings.
fn find_in(directory: &Path) -> Result<Option<PathBuf>> {
    let own = directory.join("runbook-lint.toml");
    let pyproject = directory.join("pyproject.toml");
    let configures_us = pyproject.is_file() && configures_us(&pyproject)?;
    if !own.exists() {
        return Ok(configures_us.then_some(pyproject));
    }
    if configures_us {
        bail!(
            "{} and `[tool.runbook-lint]` in {} both configure this project; keep one of them",
            own.display(),
            pyproject.display()
        );
    }
    Ok(Some(own))
}

fn configures_us(pyproject: &Path) -> Result<bool> {
    let text = read_text(pyproject)?;
    Ok(match toml::from_str::<PyProject>(&text) {
        Ok(it) => it.tool.is_some_and(|tool| tool.runbook_lint.is_some()),
        // A mistake in our table is reported when the file is read; others are not our business.
        Err(_) => text.contains("tool.runbook-lint"),
    })
}

fn read(path: &Path, cwd: &Path) -> Result<Layer> {
    let text = read_text(path)?;
    let options = if path
        .file_name()
        .is_some_and(|name| name == "pyproject.toml")
    {
        toml::from_str::<PyProject>(&text).map(|it| {
            it.tool
                .and_then(|tool| tool.runbook_lint)
                .unwrap_or_default()
        })
    } else {
        toml::from_str::<Options>(&text)
    };
    let source = Source::File {
        path: relative_key(path, cwd),
        text,
    };
    let options = options.map_err(|error| -> ConfigError { source.toml_error(&error) })?;
    Ok(Layer { options, source })
}

/// Larger files are no configuration.
const MAX_BYTES: u64 = 16 << 20;

fn read_text(path: &Path) -> Result<String> {
    let context = || format!("cannot read the configuration `{}`", path.display());
    let bytes = crate::file::read_regular(path, MAX_BYTES).with_context(context)?;
    String::from_utf8(bytes).with_context(context)
}

/// The path from the root of the file system, without `.` and `..`. Symbolic links are not
/// resolved: people expect their own spelling back.
pub(crate) fn absolute(path: &Path, cwd: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in cwd.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// How to get from one absolute directory to an absolute path, with `/`.
pub(crate) fn relative_key(path: &Path, from: &Path) -> String {
    // Nearly all paths are below, and there are many.
    if let Ok(below) = path.strip_prefix(from)
        && MAIN_SEPARATOR == '/'
    {
        return below.to_string_lossy().into_owned();
    }
    let shared = path
        .components()
        .zip(from.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.components().skip(shared).map(|_| "..".into());
    let down = path
        .components()
        .skip(shared)
        .map(|component| component.as_os_str().to_string_lossy());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Files count as the directories they are in.
fn common_ancestor(paths: &[PathBuf]) -> Option<PathBuf> {
    let mut directories = paths.iter().map(|path| {
        if path.is_dir() {
            path.as_path()
        } else {
            path.parent().unwrap_or(path)
        }
    });
    let first = directories.next()?;
    let common = directories.fold(first, |common, path| {
        common
            .ancestors()
            .find(|ancestor| path.starts_with(ancestor))
            .unwrap_or(common)
    });
    Some(common.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_keys_go_up_and_down() {
        let key = |path: &str, from: &str| relative_key(Path::new(path), Path::new(from));
        assert_eq!(key("/a/b/c.py", "/a"), "b/c.py");
        assert_eq!(key("/a/b/c.py", "/a/d/e"), "../../b/c.py");
        assert_eq!(key("/a", "/a"), "");
    }

    #[test]
    fn absolute_paths_have_no_dots() {
        let path = absolute(Path::new("./x/../y.py"), Path::new("/a/b"));
        assert_eq!(path, Path::new("/a/b/y.py"));
    }
}
