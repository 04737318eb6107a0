//! What the unit tests of several modules share.

use syn::{Attribute, parse_quote};

/// The least documentation that is accepted, for a rule with the code RB101.
pub(crate) const DOCS: &str = "\
## What it does
Finds it.

## Why is this bad?
It is.

## Example
```python
now()  # RB101
```

## Use instead
```python
workflow.now()
```";

/// The attributes that a `///` comment with this text becomes.
pub(crate) fn doc_attributes(text: &str) -> Vec<Attribute> {
    text.split('\n')
        .map(|line| format!(" {line}"))
        .map(|line| parse_quote!(#[doc = #line]))
        .collect()
}

pub(crate) fn messages<T>(result: syn::Result<T>) -> Vec<String> {
    result
        .err()
        .into_iter()
        .flatten()
        .map(|error| error.to_string())
        .collect()
}
