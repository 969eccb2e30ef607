"""The house rules that show in the source; `test_source_rules` holds the tree to them.

A rule looks at one file and yields what breaks it: a line number and what stands there. Where a
file may do what others may not, it stands in the rule's `except_in`, with the reason.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60

Finding = tuple[int, str]
AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file of the project, by its path from the root."""

    path: str
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text))) if self.path.endswith(".py") else []

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Yield every call with the dotted name of what is called."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield node, dotted(node.func)

    def functions(self) -> Iterator[AnyFunction]:
        for node in self.nodes:
            if isinstance(node, AnyFunction):
                yield node


@dataclass(frozen=True)
class Rule:
    """One rule: what it asks, why, where it holds, and who is excepted."""

    name: str
    reason: str
    check: Callable[[Source], Iterator[Finding]]
    #: Folders it holds in; empty for the whole project.
    within: tuple[str, ...] = ("app/",)
    #: File to reason.
    except_in: Mapping[str, str] = field(default_factory=dict)

    def broken_by(self, source: Source) -> list[str]:
        """Return a line for each place that breaks the rule."""
        if source.path in self.except_in or not source.path.startswith(self.within or ("",)):
            return []
        return [f"{source.path}:{line}: {what}" for line, what in self.check(source)]


def dotted(node: ast.expr) -> str:
    """Return the name as it is written; ``()`` where something is called on the way."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            return f"{dotted(value)}.{attribute}"
        case ast.Call(func=function):
            return f"{dotted(function)}()"
        case ast.Await(value=value):
            return dotted(value)
    return ""


def commits(source: Source) -> Iterator[Finding]:
    for call, name in source.calls():
        if name.endswith(".commit"):
            yield call.lineno, f"{name}()"


_CLOCKS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "sleep"},
    "asyncio": {"sleep"},
    "anyio": {"sleep"},
}


def clock_reads(source: Source) -> Iterator[Finding]:
    for call, name in source.calls():
        owner, _, function = name.rpartition(".")
        if function in _CLOCKS.get(owner.rpartition(".")[2], ()):
            yield call.lineno, f"{name}()"
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.module in {"time", "asyncio", "anyio"}:
            for alias in node.names:
                if alias.name in _CLOCKS[node.module]:
                    yield node.lineno, f"from {node.module} import {alias.name}"


def broad_excepts(source: Source) -> Iterator[Finding]:
    broad = {"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"}
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or dotted(kind) in broad for kind in kinds):
                yield node.lineno, "except " + (ast.unparse(node.type) if node.type else "")
    for call, name in source.calls():
        if name.endswith("suppress") and any(dotted(argument) in broad for argument in call.args):
            yield call.lineno, ast.unparse(call)


def http_imports(source: Source) -> Iterator[Finding]:
    libraries = {"httpx", "httpx2", "httpcore", "aiohttp", "requests", "urllib3"}
    for node in source.nodes:
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
        for module in modules:
            if module.split(".")[0] in libraries or module == "urllib.request":
                yield getattr(node, "lineno", 0), f"import {module}"


def long_files(source: Source) -> Iterator[Finding]:
    lines = len(source.text.splitlines())
    if source.path.endswith(".py") and lines > MAX_FILE_LINES:
        yield lines, f"{lines} lines"


def long_functions(source: Source) -> Iterator[Finding]:
    for function in source.functions():
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            yield function.lineno, f"{function.name} has {lines} lines"


_LOG_CALL = re.compile(
    r"(^|[._])log(ger)?(\.bind\(\))?\.(a?(debug|info|warning|error|exception|critical|log|msg)|bind)$"
)


def formatted_logs(source: Source) -> Iterator[Finding]:
    for call, name in source.calls():
        if not _LOG_CALL.search(name):
            continue
        if len(call.args) > 1 or any(not isinstance(arg, ast.Constant) for arg in call.args[:1]):
            yield call.lineno, ast.unparse(call)


def prints(source: Source) -> Iterator[Finding]:
    for call, name in source.calls():
        if name == "print":
            yield call.lineno, "print()"


def vague_names(source: Source) -> Iterator[Finding]:
    vague = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "base", "misc"}
    if not source.path.endswith(".py"):
        return
    for part in PurePosixPath(source.path).with_suffix("").parts:
        if vague & set(part.split("_")):
            yield 1, part


def calls_in_transaction(source: Source) -> Iterator[Finding]:
    opens = {"reading", "writing", "transaction", "fenced", "batch"}
    for node in source.nodes:
        if not isinstance(node, ast.AsyncWith):
            continue
        entered = {dotted(item.context_expr).removesuffix("()") for item in node.items}
        if not opens & {name.rpartition(".")[2] for name in entered}:
            continue
        for inner in ast.walk(ast.Module(body=node.body, type_ignores=[])):
            if isinstance(inner, ast.Await):
                called = dotted(inner.value)
                if re.search(r"(^|\.|_)(client|connector|dotdigital)\.", called):
                    yield inner.lineno, f"await {called}"


def undocumented(source: Source) -> Iterator[Finding]:
    for owner in source.nodes:
        if not isinstance(owner, ast.Module | ast.ClassDef):
            continue
        if isinstance(owner, ast.ClassDef) and owner.name.startswith("_"):
            continue
        for node in owner.body:
            if not isinstance(node, AnyFunction) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None and not _is_overload(node):
                yield node.lineno, node.name


def _is_overload(function: AnyFunction) -> bool:
    names = [dotted(decorator).rpartition(".")[2] for decorator in function.decorator_list]
    return "overload" in names or "setter" in names


def compared_kinds(source: Source) -> Iterator[Finding]:
    words = {"field", "preference"}
    for node in source.nodes:
        if isinstance(node, ast.Compare):
            given = [node.left, *node.comparators]
            if any(isinstance(each, ast.Constant) and each.value in words for each in given):
                yield node.lineno, ast.unparse(node)


# Put together, so that this file does not break its own rule.
_PLACE = re.compile(
    "|".join(
        [
            r"(?<![\w.~}-])/(?:root|work|workspace|home/\w+|Users/\w+)" + "/",
            r"pypi\." + "org",
            r"python" + r"hosted\.org",
            r"npm" + r"js\.(?:org|com)",
            r"proxy\.golang" + r"\.org",
        ]
    )
)


def places(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        if found := _PLACE.search(line):
            yield number, found.group()
        elif source.path.endswith(".lock") and "://" in line:
            yield number, line.strip()


ALL_CODE = ("app/", "sandbox/", "tests/", "benchmarks/")

RULES = (
    Rule(
        "one commit a request or batch",
        "a transaction is committed by whoever opened it, a request's dependency or a batch of a "
        "job; a commit in between leaves half a change behind when the rest fails",
        commits,
        except_in={"app/db.py": "it opens and ends transactions"},
    ),
    Rule(
        "time comes from the clock",
        "take a Clock: a test can't move the machine's time, and would have to sleep",
        clock_reads,
        except_in={
            "app/clock.py": "it is the clock",
            "app/demo/processes.py": "the demo waits for processes, not for a moment",
            "app/demo/calls.py": "the demo waits for a run over HTTP",
        },
    ),
    Rule(
        "few broad excepts",
        "what nobody expected must reach one of the boundaries, which log it and record it",
        broad_excepts,
        except_in={
            "app/sync/engine.py": "the boundary of a run: the run is recorded as failed",
            "app/sync/queue.py": "the boundary of the worker's loop: the next run still comes",
        },
    ),
    Rule(
        "one HTTP client",
        "all calls go through the client's transport, so that moving to another library is one "
        "line, and none goes past the limiter",
        http_imports,
        except_in={
            "app/clients/dotdigital/transport.py": "it is the transport",
            "app/demo/processes.py": "the demo is a caller of the service, not a part of it",
            "app/demo/calls.py": "the demo is a caller of the service, not a part of it",
            "app/demo/story.py": "the demo is a caller of the service, not a part of it",
        },
    ),
    Rule(
        "no calls inside a transaction",
        "Dotdigital may take two minutes to answer: call first, then open the session",
        calls_in_transaction,
    ),
    Rule(
        "kinds of mapping are asked",
        "what depends on a mapping's kind is an answer of the kind in services/mapping_kinds, so "
        "that one more kind is one more file there",
        compared_kinds,
    ),
    Rule(
        "files end",
        f"over {MAX_FILE_LINES} lines a file has become two things: split it by what is decided",
        long_files,
        within=ALL_CODE,
    ),
    Rule(
        "functions end",
        f"over {MAX_FUNCTION_LINES} lines nobody sees a function whole: name its parts",
        long_functions,
        within=ALL_CODE,
    ),
    Rule(
        "logs are events with keys",
        "a sentence with values in it can be neither counted nor searched, nor stripped of secrets",
        formatted_logs,
        within=("app/", "sandbox/"),
    ),
    Rule(
        "no prints",
        "the service speaks through its log; only commands print",
        prints,
    ),
    Rule(
        "modules have a subject",
        "a name that fits everything collects everything: name the noun",
        vague_names,
        within=(),
    ),
    Rule(
        "client and rules are documented",
        "units, shapes and sources of what Dotdigital does are nowhere else",
        undocumented,
        within=("app/clients/", "app/sync/rules/"),
    ),
    Rule(
        "no places of one machine",
        "a path or a package index of one machine means nothing on the next",
        places,
        within=(),
    ),
)
