//! Functions that Python brings along and whose results matter: what a call of one gives.
//!
//! `BUILTINS` says which there are. A row names a small function of one of the files beside this
//! one, and what its result is tainted by.

mod callables;
mod collections;
mod copies;
mod iterators;
mod methods;
mod objects;
mod sorting;
mod tasks;
mod text;

use crate::diagnostic::Span;

use super::args::Args;
use super::{Machine, Sym, Value};

pub(crate) use methods::{mutates, shows};

/// A call of one of them.
struct Call<'a> {
    name: &'static str,
    args: &'a Args,
    span: Span,
    /// What the arguments are tainted by, contents included.
    taint: Value,
}

impl<'a> Call<'a> {
    fn first(&self) -> Option<&'a Value> {
        self.args.at(0)
    }

    fn second(&self) -> Option<&'a Value> {
        self.args.at(1)
    }
}

/// What calling a class is: a method of its metaclass.
pub(super) const MAKES: &str = "type.__call__";

/// What such a call gives, or `None` if nothing special is known of it.
type Gives = for<'p> fn(&mut Machine<'p>, &Call) -> Option<Value>;

/// What a result is tainted by.
#[derive(Clone, Copy)]
enum Taint {
    /// By whatever the arguments are.
    Arguments,
    /// By what its function says.
    Own,
}

use Taint::{Arguments, Own};

/// In the order of their names.
#[rustfmt::skip]
const BUILTINS: &[(&str, Taint, Gives)] = &[
    ("abs", Own, objects::abs),
    ("all", Own, iterators::any_or_all),
    ("anext", Arguments, iterators::next),
    ("any", Own, iterators::any_or_all),
    ("argparse.Namespace", Own, collections::record),
    ("asyncio.AbstractEventLoop.create_future", Own, tasks::future),
    ("asyncio.Future", Own, tasks::future),
    ("asyncio.LifoQueue", Own, tasks::queue),
    ("asyncio.PriorityQueue", Own, tasks::queue),
    ("asyncio.Queue", Own, tasks::queue),
    ("asyncio.create_task", Arguments, tasks::create_task),
    ("asyncio.ensure_future", Arguments, tasks::create_task),
    ("asyncio.gather", Own, tasks::gather),
    ("asyncio.shield", Arguments, tasks::shield),
    ("attr.evolve", Own, copies::replace),
    ("attrs.evolve", Own, copies::replace),
    ("bisect.insort", Arguments, collections::push),
    ("bisect.insort_left", Arguments, collections::push),
    ("bisect.insort_right", Arguments, collections::push),
    ("bool", Own, objects::bool),
    ("bytes", Arguments, objects::converted),
    ("callable", Arguments, objects::some_bool),
    ("collections.ChainMap", Own, collections::dict),
    ("collections.Counter", Arguments, collections::counter),
    ("collections.OrderedDict", Own, collections::dict),
    ("collections.defaultdict", Arguments, collections::defaultdict),
    ("collections.deque", Own, collections::list),
    ("complex", Arguments, objects::converted),
    ("contextlib.AsyncExitStack.enter_async_context", Own, callables::enter),
    ("contextlib.AsyncExitStack.enter_context", Own, callables::enter),
    ("contextlib.ExitStack.enter_context", Own, callables::enter),
    ("contextlib.aclosing", Arguments, callables::around),
    ("contextlib.closing", Arguments, callables::around),
    ("contextlib.nullcontext", Arguments, callables::around),
    ("contextvars.Context.run", Own, callables::run_in_context),
    ("copy.copy", Own, copies::copy),
    ("copy.deepcopy", Own, copies::deep_copy),
    ("copy.replace", Own, copies::replace),
    ("dataclasses.asdict", Own, copies::as_dict),
    ("dataclasses.astuple", Own, copies::as_tuple),
    ("dataclasses.replace", Own, copies::replace),
    ("dict", Own, collections::dict),
    ("dict.fromkeys", Arguments, collections::from_keys),
    ("dir", Own, objects::dir),
    ("divmod", Arguments, objects::converted),
    ("enumerate", Own, iterators::enumerate),
    ("filter", Arguments, iterators::filter),
    ("float", Arguments, objects::some_float),
    ("format", Arguments, text::format),
    ("frozenset", Arguments, collections::frozen_set),
    ("functools.cmp_to_key", Own, callables::by_comparison),
    ("functools.partial", Arguments, objects::partial),
    ("functools.partialmethod", Arguments, objects::partial),
    ("functools.reduce", Own, iterators::reduce),
    ("functools.update_wrapper", Own, objects::update_wrapper),
    ("functools.wraps", Own, objects::wraps),
    ("generator.send", Own, tasks::send),
    ("getattr", Own, objects::getattr),
    ("hasattr", Arguments, objects::hasattr),
    ("hash", Arguments, objects::hash),
    ("heapq.heappop", Arguments, collections::pop),
    ("heapq.heappush", Arguments, collections::push),
    ("heapq.heappushpop", Arguments, collections::push),
    ("heapq.heapreplace", Arguments, collections::push),
    ("id", Own, objects::id),
    ("inspect.getmembers", Own, objects::getmembers),
    ("int", Arguments, objects::some_int),
    ("isinstance", Arguments, objects::isinstance),
    ("issubclass", Arguments, objects::some_bool),
    ("iter", Own, iterators::iter),
    ("itertools.accumulate", Own, iterators::accumulate),
    ("itertools.batched", Own, iterators::combined),
    ("itertools.chain", Own, iterators::in_turn),
    ("itertools.combinations", Own, iterators::combined),
    ("itertools.combinations_with_replacement", Own, iterators::combined),
    ("itertools.count", Arguments, iterators::count),
    ("itertools.cycle", Arguments, iterators::cycle),
    ("itertools.groupby", Own, iterators::groups),
    ("itertools.islice", Own, iterators::in_turn),
    ("itertools.pairwise", Own, iterators::combined),
    ("itertools.permutations", Own, iterators::combined),
    ("itertools.product", Own, iterators::product),
    ("itertools.zip_longest", Own, iterators::zip),
    ("json.dump", Own, callables::encode),
    ("json.dumps", Own, callables::encode),
    ("len", Own, objects::len),
    ("list", Own, collections::list),
    ("map", Arguments, iterators::map),
    ("marshal.dumps", Arguments, text::dumped),
    ("math.ceil", Arguments, objects::converted),
    ("math.floor", Arguments, objects::converted),
    ("math.trunc", Arguments, objects::converted),
    ("max", Own, sorting::extreme),
    ("min", Own, sorting::extreme),
    ("next", Arguments, iterators::next),
    ("object.__new__", Own, objects::new),
    ("operator.attrgetter", Own, callables::getter),
    ("operator.attrgetter.__call__", Own, callables::get_attributes),
    ("operator.itemgetter", Own, callables::getter),
    ("operator.itemgetter.__call__", Own, callables::get_items),
    ("operator.methodcaller", Own, callables::getter),
    ("operator.methodcaller.__call__", Own, callables::call_method),
    ("ord", Arguments, objects::some_int),
    ("os.fspath", Arguments, objects::converted),
    ("pickle.dumps", Arguments, text::dumped),
    ("pow", Arguments, objects::converted),
    ("random.Random.choice", Arguments, iterators::choice),
    ("random.choice", Arguments, iterators::choice),
    ("repr", Arguments, text::written),
    ("reversed", Own, iterators::reversed),
    ("round", Arguments, objects::some_int),
    ("secrets.choice", Arguments, iterators::choice),
    ("set", Arguments, collections::set),
    ("setattr", Arguments, objects::setattr),
    ("sorted", Own, sorting::sorted),
    ("staticmethod", Own, objects::static_method),
    ("str", Arguments, text::written),
    ("str.endswith", Arguments, text::has_affix),
    ("str.format", Arguments, text::filled_in),
    ("str.join", Arguments, text::join),
    ("str.startswith", Arguments, text::has_affix),
    ("sum", Own, iterators::sum),
    ("tuple", Own, collections::tuple),
    ("type", Own, objects::type_of),
    (MAKES, Own, objects::make),
    ("types.MappingProxyType", Own, collections::view),
    ("types.MethodType", Own, callables::method),
    ("types.SimpleNamespace", Own, collections::record),
    ("typing.NamedTuple._asdict", Own, copies::as_dict),
    ("typing.NamedTuple._make", Own, copies::make_tuple),
    ("typing.NamedTuple._replace", Own, copies::replace),
    ("typing.NewType", Own, objects::new_type),
    ("vars", Own, objects::vars),
    ("zip", Own, iterators::zip),
];

impl Machine<'_> {
    pub(super) fn call_builtin(&mut self, name: Sym, args: &Args, span: Span) -> Option<Value> {
        if let Some(value) = self.call_context_variable(name, args, span) {
            return Some(value);
        }
        let text = self.str(name);
        let row = BUILTINS.binary_search_by_key(&text, |row| row.0).ok()?;
        let (name, tainted_by, gives) = BUILTINS[row];
        if let Some(copy) = self.copied_namespace(name, args) {
            return Some(copy);
        }
        let taint = self.args_taint(args);
        let call = Call {
            name,
            args,
            span,
            taint,
        };
        let value = gives(self, &call)?;
        Some(match tainted_by {
            Arguments => value.tainted_by(&call.taint),
            Own => value,
        })
    }
}

/// Names that every module sees without importing them.
pub(super) fn is_builtin(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

#[rustfmt::skip]
const NAMES: &[&str] = &[
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BaseExceptionGroup",
    "BlockingIOError", "BrokenPipeError", "BufferError", "BytesWarning", "ChildProcessError",
    "ConnectionAbortedError", "ConnectionError", "ConnectionRefusedError", "ConnectionResetError",
    "DeprecationWarning", "EOFError", "EncodingWarning", "EnvironmentError", "Exception",
    "ExceptionGroup", "FileExistsError", "FileNotFoundError", "FloatingPointError", "FutureWarning",
    "GeneratorExit", "IOError", "ImportError", "ImportWarning", "IndentationError", "IndexError",
    "InterruptedError", "IsADirectoryError", "KeyError", "KeyboardInterrupt", "LookupError",
    "MemoryError", "ModuleNotFoundError", "NameError", "NotADirectoryError", "NotImplemented",
    "NotImplementedError", "OSError", "OverflowError", "PendingDeprecationWarning",
    "PermissionError", "ProcessLookupError", "RecursionError", "ReferenceError", "ResourceWarning",
    "RuntimeError", "RuntimeWarning", "StopAsyncIteration", "StopIteration", "SyntaxError",
    "SyntaxWarning", "SystemError", "SystemExit", "TabError", "TimeoutError", "TypeError",
    "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError",
    "UnicodeTranslateError", "UnicodeWarning", "UserWarning", "ValueError", "Warning",
    "ZeroDivisionError", "__doc__", "__file__", "__import__", "__name__", "abs", "aiter", "all",
    "anext", "any", "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable", "chr",
    "classmethod", "compile", "complex", "copyright", "credits", "delattr", "dict", "dir", "divmod",
    "enumerate", "eval", "exec", "exit", "filter", "float", "format", "frozenset", "getattr",
    "globals", "hasattr", "hash", "help", "hex", "id", "input", "int", "isinstance", "issubclass",
    "iter", "len", "license", "list", "locals", "map", "max", "memoryview", "min", "next", "object",
    "oct", "open", "ord", "pow", "print", "property", "quit", "range", "repr", "reversed", "round",
    "set", "setattr", "slice", "sorted", "staticmethod", "str", "sum", "super", "tuple", "type",
    "vars", "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_for_the_binary_search() {
        assert!(BUILTINS.is_sorted_by_key(|row| row.0));
        assert!(NAMES.is_sorted());
    }
}
