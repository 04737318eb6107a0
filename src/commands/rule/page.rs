//! The documentation of a rule in a terminal: Markdown, wrapped and without its marks.

use std::io::{self, Write};

use anstyle::Style;

use crate::wrap::fill;

/// As in the help of the program.
const HEADING: Style = Style::new().bold().underline();
const FILE: Style = Style::new().bold();
const CODE: &str = "    ";

pub(super) fn render(markdown: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = markdown.lines().peekable();
    let mut after_blank = true;
    while let Some(line) = lines.next() {
        if let Some(fence) = line.strip_prefix("```") {
            if !after_blank {
                writeln!(out)?;
            }
            if let Some((_, path)) = fence.split_once("path=") {
                writeln!(out, "{CODE}{FILE}{path}{FILE:#}\n")?;
            }
            for code in lines.by_ref().take_while(|line| *line != "```") {
                writeln!(out, "{}", format!("{CODE}{code}").trim_end())?;
            }
            // Prose may follow without a blank line.
            if lines.peek().is_some_and(|line| !line.is_empty()) {
                writeln!(out)?;
                after_blank = true;
                continue;
            }
        } else if line.starts_with('#') {
            let heading = line.trim_start_matches('#').trim_start();
            writeln!(out, "{HEADING}{heading}{HEADING:#}")?;
        } else if is_prose(line) {
            let mut sentences = line.to_owned();
            while let Some(more) = lines.next_if(|line| is_prose(line) && !line.starts_with("- ")) {
                sentences.push(' ');
                sentences.push_str(more);
            }
            let indent = if line.starts_with("- ") { "  " } else { "" };
            writeln!(out, "{}", fill(&sentences, Some(width), indent))?;
        } else {
            writeln!(out, "{line}")?;
        }
        after_blank = line.is_empty();
    }
    Ok(())
}

/// What may be wrapped: neither headings nor code, nor tables, which keep their columns.
fn is_prose(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '|']) && !line.starts_with("```")
}

#[cfg(test)]
mod tests {
    use anstream::StripStream;

    use super::*;

    #[test]
    fn prose_is_wrapped_and_code_is_not() {
        const PAGE: &str = "\
## Example
One sentence
in two lines.
```python path=templates/workflow.py
a_long_line = of_code(that, stays, whole)
```
- a point that is longer than a line
- another";
        let mut bytes = Vec::new();
        render(PAGE, 20, &mut StripStream::new(&mut bytes)).expect("memory");
        let shown = String::from_utf8(bytes).expect("text");
        assert_eq!(
            shown,
            "\
Example
One sentence in two
lines.

    templates/workflow.py

    a_long_line = of_code(that, stays, whole)

- a point that is
  longer than a line
- another
"
        );
    }
}
