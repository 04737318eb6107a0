//! The parse boundary: the only place that calls the parser, and the one that re-exports its tree.
//!
//! Everything else in the workspace names syntax nodes through [`ast`], so that a new version of
//! the parser touches this file first.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

pub use ruff_python_ast as ast;

use crate::diagnostic::Span;

/// Trees nested deeper than this are reported and not analysed. The bound keeps every recursive
/// visitor of the workspace inside [`STACK_SIZE`], also in debug builds.
pub const MAX_DEPTH: usize = 3_000;

/// The stack that any thread which parses or visits must have.
pub const STACK_SIZE: usize = 256 << 20;

/// A parsed file. There is always a tree; after a syntax error it is the recovered one.
#[derive(Debug)]
pub struct Parsed {
    pub module: ast::ModModule,
    pub comments: Vec<Comment>,
    pub errors: Vec<SyntaxError>,
}

#[derive(Debug, Clone, Copy)]
pub struct Comment {
    pub span: Span,
    /// Whether nothing but white space stands before it on its line.
    pub own_line: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub message: String,
    pub span: Span,
}

/// Parses a whole file with the newest grammar; syntax that is newer than the user's interpreter
/// is no error here.
pub fn parse(text: &str) -> Parsed {
    let options =
        ParseOptions::from(Mode::Module).with_target_version(ast::PythonVersion::latest());
    let parsed = parse_unchecked(text, options);
    let comments = parsed
        .tokens()
        .iter()
        .filter(|token| token.kind() == TokenKind::Comment)
        .map(|token| Comment {
            span: span(token.range()),
            own_line: is_own_line(text, token.range()),
        })
        .collect();
    let mut errors: Vec<SyntaxError> = parsed
        .errors()
        .iter()
        .map(|error| SyntaxError {
            message: error.error.to_string(),
            span: span(error.location),
        })
        .collect();
    let module = match parsed.into_syntax() {
        ast::Mod::Module(module) => module,
        ast::Mod::Expression(expression) => empty_module(expression.range),
    };
    if is_deeper_than(&module, MAX_DEPTH) {
        errors.push(SyntaxError {
            message: format!(
                "the code is nested more than {MAX_DEPTH} levels deep and is not analysed"
            ),
            span: Span::default(),
        });
        return Parsed {
            module: empty_module(TextRange::default()),
            comments,
            errors,
        };
    }
    Parsed {
        module,
        comments,
        errors,
    }
}

/// Parses a string annotation in place; its nodes carry offsets of the whole file.
pub fn parse_string_annotation(text: &str, literal: &ast::ExprStringLiteral) -> Option<ast::Expr> {
    let part = literal.as_single_part_string()?;
    let parsed = ruff_python_parser::parse_string_annotation(text, part).ok()?;
    Some(parsed.into_expr())
}

pub fn span(range: TextRange) -> Span {
    Span::new(range.start().to_u32(), range.end().to_u32())
}

pub fn span_of(node: &impl Ranged) -> Span {
    span(node.range())
}

/// `timedelta` of `timedelta` and of `datetime.timedelta`; nothing of what is no name.
pub fn last_name(expression: &ast::Expr) -> &str {
    match expression {
        ast::Expr::Name(it) => it.id.as_str(),
        ast::Expr::Attribute(it) => it.attr.as_str(),
        _ => "",
    }
}

/// The statement of a body whose text has the place in it. Statements stand in the order of the
/// text, so there is one at most.
pub fn statement_around(body: &[ast::Stmt], place: Span) -> Option<&ast::Stmt> {
    let before = body.partition_point(|it| span_of(it).end < place.end);
    body.get(before)
        .filter(|it| span_of(*it).start <= place.start)
}

fn empty_module(range: TextRange) -> ast::ModModule {
    ast::ModModule {
        node_index: ast::AtomicNodeIndex::NONE,
        range,
        body: ast::Suite::default(),
    }
}

fn is_own_line(text: &str, range: TextRange) -> bool {
    let before = &text[..range.start().to_usize()];
    before
        .rsplit(['\n', '\r'])
        .next()
        .is_none_or(|line| line.trim().is_empty())
}

fn is_deeper_than(module: &ast::ModModule, limit: usize) -> bool {
    struct Depth {
        now: usize,
        limit: usize,
        exceeded: bool,
    }
    impl<'a> SourceOrderVisitor<'a> for Depth {
        fn enter_node(&mut self, _node: ast::AnyNodeRef<'a>) -> TraversalSignal {
            self.now += 1;
            self.exceeded |= self.now > self.limit;
            if self.exceeded {
                TraversalSignal::Skip
            } else {
                TraversalSignal::Traverse
            }
        }
        fn leave_node(&mut self, _node: ast::AnyNodeRef<'a>) {
            self.now -= 1;
        }
    }
    let mut depth = Depth {
        now: 0,
        limit,
        exceeded: false,
    };
    for statement in &module.body {
        depth.visit_stmt(statement);
    }
    depth.exceeded
}
