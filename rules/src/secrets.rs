//! What looks like a secret, by its name.

use lint_core::syntax::ast::visitor::{self, Visitor};
use lint_core::syntax::ast::{self, Expr};

/// The words that a name of a secret ends with.
const SECRETS: [&[&str]; 19] = [
    &["password"],
    &["passwd"],
    &["passphrase"],
    &["secret"],
    &["apikey"],
    &["api", "key"],
    &["access", "key"],
    &["secret", "key"],
    &["private", "key"],
    &["signing", "key"],
    &["encryption", "key"],
    &["api", "token"],
    &["access", "token"],
    &["refresh", "token"],
    &["auth", "token"],
    &["bearer", "token"],
    &["session", "token"],
    &["credential"],
    &["credentials"],
];

/// Whether a field of this name holds a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let words: Vec<String> = name
        .split('_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let ends_with = |secret: &&[&str]| {
        words.len() >= secret.len() && words[words.len() - secret.len()..].iter().eq(secret.iter())
    };
    // A token on its own is a secret; one of several words may be a cursor or a count.
    words.iter().eq(["token"].iter()) || SECRETS.iter().any(ends_with)
}

/// Whether a text names a variable of the environment with a secret in it. Where what is read there
/// must not be kept, a name too many does no harm.
pub(crate) fn is_secret_variable(name: &str) -> bool {
    let last = name.rsplit(['_', '-']).next().unwrap_or(name);
    let is_last = |word: &str| last.eq_ignore_ascii_case(word);
    is_secret(name) || ["key", "token", "pwd", "dsn"].into_iter().any(is_last)
}

/// Whether a text in an expression names a secret.
pub(crate) fn names_secret(expr: &Expr) -> bool {
    struct Texts(bool);
    impl<'a> Visitor<'a> for Texts {
        fn visit_string_literal(&mut self, literal: &'a ast::StringLiteral) {
            self.0 |= is_secret_variable(&literal.value);
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            if !self.0 {
                visitor::walk_expr(self, expr);
            }
        }
    }
    let mut texts = Texts(false);
    texts.visit_expr(expr);
    texts.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_with_secrets_are_known_by_their_last_word() {
        for name in [
            "OPENAI_API_KEY",
            "GITHUB_TOKEN",
            "DB_PASSWORD",
            "SENTRY_DSN",
            "token",
        ] {
            assert!(is_secret_variable(name), "{name}");
        }
        for name in ["REGION", "KEYBOARD", "TOKEN_LIMIT", "MONKEY", ""] {
            assert!(!is_secret_variable(name), "{name}");
        }
    }
}
