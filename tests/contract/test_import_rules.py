"""Who may import whom: the contracts of pyproject.toml, and two that need to see every import."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

#: One import that each contract forbids: the file it is put into, and the line.
FORBIDDEN = {
    "Imports run one way": ("app/services/cipher.py", "import app.sync.runs"),
    "HTTP stays in main, routers and console": ("app/sync/runs.py", "import fastapi"),
    "The service and the sandbox don't know each other": ("app/clock.py", "import sandbox"),
    "The client knows no tables and no storage": (
        "app/clients/dotdigital/__init__.py",
        "import app.models",
    ),
    "Rules know no I/O": ("app/sync/rules/backoff.py", "import asyncpg"),
    "The API's shapes stay out of the jobs": ("app/sync/runs.py", "import app.schemas"),
}

#: What rules may import besides the standard library and each other, and why.
RULES_MAY_IMPORT: dict[str, str] = {}


def lint(folder: Path) -> str:
    """Check the contracts on the packages in this folder; return what import-linter prints."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_contracts_hold() -> None:
    said = lint(ROOT)
    assert re.search(r"Contracts: \d+ kept, 0 broken", said), said


def test_every_contract_can_break(tmp_path: Path) -> None:
    for package in ("app", "sandbox"):
        shutil.copytree(ROOT / package, tmp_path / package)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, line in FORBIDDEN.values():
        with (tmp_path / file).open("a") as text:
            text.write(f"\n{line}\n")
    said = lint(tmp_path)
    assert set(re.findall(r"^(.+) BROKEN", said, re.MULTILINE)) == set(FORBIDDEN), said


def test_client_imports_nothing_else_of_ours() -> None:
    package = ROOT / "app" / "clients" / "dotdigital"
    foreign = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in package.rglob("*.py")
        for module in imports(path)
        if is_within(module, "app") and not is_within(module, "app.clients.dotdigital")
    ]
    assert not foreign, "the client could be published tomorrow; what it needs is handed in"


def test_rules_import_only_the_standard_library() -> None:
    foreign = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in (ROOT / "app" / "sync" / "rules").rglob("*.py")
        for module in imports(path)
        if module.split(".")[0] not in sys.stdlib_module_names
        and not is_within(module, "app.sync.rules")
        and module not in RULES_MAY_IMPORT
    ]
    assert not foreign, "rules decide over plain values, so that a test is a table"


@pytest.mark.parametrize("room", ["routers", "console"])
def test_only_main_imports_routers(room: str) -> None:
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "app").rglob("*.py")
        if path.parent.name != room
        for module in imports(path)
        if is_within(module, f"app.{room}")
    }
    # The console's pages know their caller and their session the way the endpoints do.
    pages = {path for path in importers if path.startswith("app/console/")}
    assert importers - pages <= {"app/main.py"}


def test_console_imports_no_router_but_the_dependencies() -> None:
    imported = {
        module
        for path in (ROOT / "app" / "console").rglob("*.py")
        for module in imports(path)
        if is_within(module, "app.routers")
    }
    assert imported <= {"app.routers.dependencies"}
