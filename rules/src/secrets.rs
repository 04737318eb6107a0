//! What looks like a secret, by its name.

use std::collections::BTreeSet;

use lint_core::facts::{Callee, FunctionRef};
use lint_core::syntax::ast::visitor::{self, Visitor};
use lint_core::syntax::ast::{self, Expr, Stmt};

use crate::program::{Node, Program, own_nodes};

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

/// Whether a variable or an attribute in an expression is called like a secret.
pub(crate) fn uses_secret(expr: &Expr) -> bool {
    struct Names(bool);
    impl<'a> Visitor<'a> for Names {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= match expr {
                Expr::Name(it) => is_secret(it.id.as_str()),
                Expr::Attribute(it) => is_secret(it.attr.as_str()),
                _ => false,
            };
            if !self.0 {
                visitor::walk_expr(self, expr);
            }
        }
    }
    let mut names = Names(false);
    names.visit_expr(expr);
    names.0
}

/// Whether a function gives a secret of the environment to its caller, by itself or in something
/// that it puts together. What other code makes of a secret is none.
pub(crate) fn returns_secret(program: Program<'_, '_>, function: FunctionRef) -> bool {
    Returns {
        program,
        seen: BTreeSet::new(),
    }
    .a_secret(function)
}

struct Returns<'f, 'p> {
    program: Program<'f, 'p>,
    seen: BTreeSet<FunctionRef>,
}

impl Returns<'_, '_> {
    fn a_secret(&mut self, function: FunctionRef) -> bool {
        if !self.seen.insert(function) {
            return false;
        }
        let nodes: Vec<Node<'_>> = own_nodes(self.program.function(function)).collect();
        let mut secrets: BTreeSet<&str> = BTreeSet::new();
        loop {
            let before = secrets.len();
            for node in &nodes {
                let Node::Stmt(Stmt::Assign(it)) = node else {
                    continue;
                };
                if self.carries(function, &it.value, &secrets) {
                    let names = it.targets.iter().filter_map(Expr::as_name_expr);
                    secrets.extend(names.map(|it| it.id.as_str()));
                }
            }
            if secrets.len() == before {
                break;
            }
        }
        nodes.iter().any(|node| match node {
            Node::Stmt(Stmt::Return(it)) => {
                let value = it.value.as_deref();
                value.is_some_and(|it| self.carries(function, it, &secrets))
            }
            _ => false,
        })
    }

    fn carries(&mut self, within: FunctionRef, expr: &Expr, secrets: &BTreeSet<&str>) -> bool {
        match expr {
            Expr::Name(name) => secrets.contains(name.id.as_str()),
            Expr::StringLiteral(_) => false,
            Expr::Subscript(it) => {
                names_secret(&it.slice) || self.carries(within, &it.value, secrets)
            }
            Expr::Call(call) => {
                let arguments = &call.arguments;
                let callees = self.program.callees(within.file, call).to_vec();
                callees.iter().any(|callee| match callee {
                    Callee::Function(it) => self.a_secret(*it),
                    Callee::Class(_) => self.any(within, arguments, secrets),
                    Callee::Callback(_) => false,
                    Callee::External(name) => match name.as_str() {
                        "os.getenv" => names_secret(expr),
                        _ if name.starts_with("os.environ") => names_secret(expr),
                        _ => !name.contains('.') && self.any(within, arguments, secrets),
                    },
                }) || call.func.is_attribute_expr() && {
                    let receiver = call.func.as_attribute_expr();
                    let is_environment = receiver.is_some_and(|it| match &*it.value {
                        Expr::Name(it) => it.id.as_str() == "environ",
                        Expr::Attribute(it) => it.attr.as_str() == "environ",
                        _ => false,
                    });
                    is_environment && names_secret(expr)
                }
            }
            _ => {
                let mut children = Children(Vec::new());
                visitor::walk_expr(&mut children, expr);
                children
                    .0
                    .iter()
                    .any(|it| self.carries(within, it, secrets))
            }
        }
    }

    fn any(
        &mut self,
        within: FunctionRef,
        arguments: &ast::Arguments,
        secrets: &BTreeSet<&str>,
    ) -> bool {
        let values = arguments
            .args
            .iter()
            .chain(arguments.keywords.iter().map(|it| &it.value));
        values
            .into_iter()
            .any(|it| self.carries(within, it, secrets))
    }
}

/// The expressions directly in another one.
struct Children<'a>(Vec<&'a Expr>);

impl<'a> Visitor<'a> for Children<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0.push(expr);
    }
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
