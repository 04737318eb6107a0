//! What of an expression can be recorded in the history, as the result of an activity.

use lint_core::facts::HazardKind;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::effects::OF_PROCESS;
use super::site::Site;
use crate::hazard::Case;
use crate::secrets::names_secret;

/// An expression that becomes the body of an activity.
pub(super) struct Extract<'c, 'p> {
    pub(super) site: Site<'c, 'p>,
    /// The expression, with what takes a part of its value that can be recorded.
    pub(super) expr: &'p Expr,
    /// How many expressions are around it.
    pub(super) depth: usize,
    /// The type of its value.
    pub(super) gives: &'static str,
    /// Whether it may wait for a disk or a network.
    pub(super) blocks: bool,
}

impl<'c, 'p> Extract<'c, 'p> {
    pub(super) fn of(site: Site<'c, 'p>, case: &Case<'_, '_>) -> Option<Self> {
        let culprit = &case.hazard.culprit;
        if OF_PROCESS.contains(&culprit.as_str()) {
            return None;
        }
        let blocks = matches!(
            case.hazard.kind,
            HazardKind::Api {
                class: "file" | "net" | "proc" | "db" | "cloud" | "llm"
            }
        );
        // What a statement alone changes in the process, as a seed, it would change in another one.
        let whole = blocks.then(|| statement(&site)).flatten();
        let (expr, depth, gives) = whole.or_else(|| recordable(&site, culprit))?;
        let is_awaited = depth > 0 && site.around[depth - 1].is_await_expr();
        (!is_awaited).then_some(Self {
            site,
            expr,
            depth,
            gives,
            blocks,
        })
    }
}

type Found<'p> = (&'p Expr, usize, &'static str);

/// The whole statement, if the culprit is what it calls, or a part of that, and nobody takes the
/// value.
fn statement<'p>(site: &Site<'_, 'p>) -> Option<Found<'p>> {
    let Stmt::Expr(statement) = site.statement else {
        return None;
    };
    let mut inner = site.expr;
    for &outer in site.around.iter().rev() {
        let is_taken = match outer {
            Expr::Attribute(it) => span_of(&*it.value) == span_of(inner),
            Expr::Call(it) => span_of(&*it.func) == span_of(inner),
            _ => false,
        };
        if !is_taken {
            return None;
        }
        inner = outer;
    }
    let is_whole = inner.is_call_expr() && span_of(&*statement.value) == span_of(inner);
    is_whole.then_some((inner, 0, "None"))
}

/// Takes as much around the culprit as it needs for a value that can be recorded.
pub(super) fn recordable<'p>(site: &Site<'_, 'p>, culprit: &str) -> Option<Found<'p>> {
    let mut depth = site.around.len();
    let mut expr = site.expr;
    let mut gives = given(expr, culprit);
    while let Some(at) = depth.checked_sub(1) {
        let outer = site.around[at];
        let called = at.checked_sub(1).map(|it| site.around[it]);
        let (taken, next) = match (outer, called) {
            (Expr::Subscript(it), _) if culprit == "os.environ" && it.ctx.is_load() => {
                (1, Some("str"))
            }
            // `"REGION" in os.environ`.
            (Expr::Compare(it), _) if culprit == "os.environ" => {
                let is_in = matches!(it.ops[..], [ast::CmpOp::In | ast::CmpOp::NotIn]);
                (1, is_in.then_some("bool"))
            }
            // Whether there is a secret is none.
            (Expr::UnaryOp(it), _) if it.op == ast::UnaryOp::Not && names_secret(expr) => {
                (1, gives.map(|_| "bool"))
            }
            (Expr::Attribute(it), Some(Expr::Call(call)))
                if span_of(&*call.func) == span_of(it) =>
            {
                (2, of_method(culprit, it.attr.as_str(), call, expr))
            }
            (Expr::Attribute(it), _) => (1, of_attribute(culprit, it.attr.as_str(), expr)),
            (Expr::Call(it), _) if it.arguments.len() == 1 => {
                let function = site.external(&it.func);
                (1, of_function(culprit, function.as_deref(), gives))
            }
            _ => break,
        };
        if next.is_none() {
            break;
        }
        (depth, gives) = (depth - taken, next);
        expr = site.around[depth];
    }
    Some((expr, depth, gives?))
}

/// What calls give that can be recorded as it is.
const GIVES: &[(&str, &str)] = &[
    ("getpass.getuser", "str"),
    ("glob.glob", "list[str]"),
    ("os.cpu_count", "int | None"),
    ("os.getcwd", "str"),
    ("os.getenv", "str | None"),
    ("os.getlogin", "str"),
    ("os.getpid", "int"),
    ("os.listdir", "list[str]"),
    ("os.path.abspath", "str"),
    ("os.path.exists", "bool"),
    ("os.path.expanduser", "str"),
    ("os.path.getmtime", "float"),
    ("os.path.getsize", "int"),
    ("os.path.isdir", "bool"),
    ("os.path.isfile", "bool"),
    ("os.urandom", "bytes"),
    ("pathlib.Path.exists", "bool"),
    ("pathlib.Path.is_dir", "bool"),
    ("pathlib.Path.is_file", "bool"),
    ("pathlib.Path.read_bytes", "bytes"),
    ("pathlib.Path.read_text", "str"),
    ("pathlib.Path.write_text", "int"),
    ("platform.machine", "str"),
    ("platform.node", "str"),
    ("platform.platform", "str"),
    ("platform.python_version", "str"),
    ("platform.release", "str"),
    ("platform.system", "str"),
    ("random.getrandbits", "int"),
    ("random.randint", "int"),
    ("random.random", "float"),
    ("random.randrange", "int"),
    ("random.uniform", "float"),
    ("secrets.randbelow", "int"),
    ("secrets.token_bytes", "bytes"),
    ("secrets.token_hex", "str"),
    ("secrets.token_urlsafe", "str"),
    ("shutil.which", "str | None"),
    ("socket.getfqdn", "str"),
    ("socket.gethostbyname", "str"),
    ("socket.gethostname", "str"),
    ("subprocess.call", "int"),
    ("subprocess.check_call", "int"),
    ("tempfile.gettempdir", "str"),
    ("tempfile.mkdtemp", "str"),
    ("uuid.getnode", "int"),
    ("uuid.uuid1", "uuid.UUID"),
    ("uuid.uuid4", "uuid.UUID"),
];

fn given(expr: &Expr, culprit: &str) -> Option<&'static str> {
    let Expr::Call(call) = expr else {
        return None;
    };
    match culprit {
        "os.getenv" if call.arguments.len() == 2 => return of_default(call),
        "random.choice" | "random.choices" | "random.sample" => {
            let drawn = call.arguments.args.first()?;
            return Some(match (culprit, of_elements(drawn)) {
                ("random.choice", kind) => kind.unwrap_or("Any"),
                (_, Some("str")) => "list[str]",
                (_, Some("int")) => "list[int]",
                _ => "list",
            });
        }
        "subprocess.check_output" | "subprocess.getoutput" => {
            let is_text = culprit == "subprocess.getoutput" || has_text(call);
            return Some(if is_text { "str" } else { "bytes" });
        }
        _ => {}
    }
    let entry = GIVES.iter().find(|(name, _)| *name == culprit)?;
    Some(entry.1)
}

/// The type of the elements of what is written out.
fn of_elements(expr: &Expr) -> Option<&'static str> {
    let elements = match expr {
        Expr::List(it) => &it.elts,
        Expr::Tuple(it) => &it.elts,
        Expr::StringLiteral(_) => return Some("str"),
        Expr::Call(it) => {
            let is_range = it
                .func
                .as_name_expr()
                .is_some_and(|it| it.id.as_str() == "range");
            return is_range.then_some("int");
        }
        _ => return None,
    };
    let is_text = elements.iter().all(Expr::is_string_literal_expr);
    (is_text && !elements.is_empty()).then_some("str")
}

/// What a variable is that has this default.
fn of_default(call: &ast::ExprCall) -> Option<&'static str> {
    match call.arguments.args.get(1)? {
        Expr::StringLiteral(_) => Some("str"),
        Expr::NoneLiteral(_) => Some("str | None"),
        Expr::BooleanLiteral(_) => Some("str | bool"),
        Expr::NumberLiteral(it) if it.value.is_int() => Some("str | int"),
        _ => None,
    }
}

/// Whether a program is read as text.
fn has_text(call: &ast::ExprCall) -> bool {
    let is_true = |name: &str| {
        let given = call.arguments.find_keyword(name);
        given.is_some_and(|it| matches!(&it.value, Expr::BooleanLiteral(it) if it.value))
    };
    is_true("text") || is_true("universal_newlines")
}

/// What a method gives of what the culprit gave.
fn of_method(
    culprit: &str,
    name: &str,
    call: &ast::ExprCall,
    receiver: &Expr,
) -> Option<&'static str> {
    match (culprit, name) {
        ("os.environ", "get") if call.arguments.len() == 2 => of_default(call),
        ("os.environ", "get") if call.arguments.len() == 1 => Some("str | None"),
        ("open", "read") => is_text(receiver).then_some("str"),
        ("open", "readlines") => is_text(receiver).then_some("list[str]"),
        ("urllib.request.urlopen", "read") => Some("bytes"),
        (_, "json") => Some("Any"),
        _ => None,
    }
}

/// Whether a file is opened to be read as text.
fn is_text(opened: &Expr) -> bool {
    let Expr::Call(call) = opened else {
        return false;
    };
    let has_mode = call.arguments.args.len() > 1 || call.arguments.find_keyword("mode").is_some();
    !has_mode
}

fn of_attribute(culprit: &str, name: &str, value: &Expr) -> Option<&'static str> {
    match name {
        "stdout" | "stderr" if culprit == "subprocess.run" => {
            value.as_call_expr().is_some_and(has_text).then_some("str")
        }
        "text" | "hex" => Some("str"),
        "content" => Some("bytes"),
        "status_code" | "returncode" | "st_size" => Some("int"),
        "st_mtime" => Some("float"),
        "ok" | "is_success" => Some("bool"),
        _ => None,
    }
}

/// What a function makes of the value of the culprit.
fn of_function(
    culprit: &str,
    function: Option<&str>,
    gives: Option<&'static str>,
) -> Option<&'static str> {
    match (culprit, function?) {
        (_, "str") => gives.map(|_| "str"),
        ("open" | "urllib.request.urlopen", "json.load") => Some("Any"),
        ("open", "yaml.safe_load") => Some("Any"),
        _ => None,
    }
}
