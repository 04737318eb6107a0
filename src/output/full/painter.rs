//! How the parts of a finding look in a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use codespan_reporting::diagnostic::{LabelStyle, Severity as Level};
use codespan_reporting::term::WriteStyle;
use lint_core::diagnostic::Severity;

use super::super::text::{Hyperlink, color};

/// Line numbers, borders and the steps of a path.
const SECONDARY: Style = AnsiColor::BrightBlue.on_default();
/// What codespan calls the lowest level.
const LOWEST: &[u8] = b"note";

pub(super) struct Painter<'w> {
    out: &'w mut dyn Write,
    /// Whether the name of the lowest level comes next. Everywhere else it is `info`.
    names_lowest: bool,
    /// Where the name of the level and the code lead.
    link: Hyperlink,
}

impl<'w> Painter<'w> {
    pub(super) fn new(out: &'w mut dyn Write, link: Hyperlink) -> Self {
        Self {
            out,
            link,
            names_lowest: false,
        }
    }

    fn paint(&mut self, style: Style) -> io::Result<()> {
        write!(self.out, "{style}")
    }
}

impl Write for Painter<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.names_lowest) && text == LOWEST {
            self.out.write_all(Severity::Info.as_str().as_bytes())?;
            return Ok(text.len());
        }
        self.out.write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl WriteStyle for Painter<'_> {
    fn set_header(&mut self, level: Level) -> io::Result<()> {
        self.paint(color(severity(level)))?;
        self.out.write_all(self.link.start().as_bytes())?;
        self.names_lowest = level == Level::Note;
        Ok(())
    }

    fn set_header_message(&mut self) -> io::Result<()> {
        self.out.write_all(self.link.end().as_bytes())?;
        self.reset()?;
        self.paint(Style::new().bold())
    }

    fn set_line_number(&mut self) -> io::Result<()> {
        self.paint(SECONDARY)
    }

    fn set_note_bullet(&mut self) -> io::Result<()> {
        self.paint(SECONDARY)
    }

    fn set_source_border(&mut self) -> io::Result<()> {
        self.paint(SECONDARY)
    }

    fn set_label(&mut self, level: Level, style: LabelStyle) -> io::Result<()> {
        self.paint(match style {
            LabelStyle::Primary => color(severity(level)),
            LabelStyle::Secondary => SECONDARY,
        })
    }

    fn reset(&mut self) -> io::Result<()> {
        write!(self.out, "{}", anstyle::Reset)
    }
}

/// What codespan calls a severity.
pub(super) fn level(severity: Severity) -> Level {
    match severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Info => Level::Note,
    }
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Bug | Level::Error => Severity::Error,
        Level::Warning => Severity::Warning,
        Level::Note | Level::Help => Severity::Info,
    }
}
