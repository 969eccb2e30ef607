"""The client's public face is exact: what is in it is meant, what isn't is nobody's to use."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import app.clients.dotdigital as face
from tests.shared import ROOT


def imported_from_inside(folder: Path) -> Iterator[str]:
    """Yield the lines that import from behind the face."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "app.clients.dotdigital."
            ):
                yield f"{path.relative_to(ROOT)}: {node.module}"


def test_the_face_is_all_that_the_package_imports() -> None:
    tree = ast.parse(Path(inspect.getfile(face)).read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(face.__all__) == imported


def test_the_face_is_sorted_and_has_no_name_twice() -> None:
    constants = [name for name in face.__all__ if name.isupper()]
    classes = [name for name in face.__all__ if name[0].isupper() and not name.isupper()]
    functions = [name for name in face.__all__ if name[0].islower()]
    assert face.__all__ == sorted(constants) + sorted(classes) + sorted(functions)
    assert len(set(face.__all__)) == len(face.__all__)


def test_every_class_and_function_in_it_is_documented() -> None:
    bare = [
        name
        for name in face.__all__
        if inspect.isclass(each := getattr(face, name)) or inspect.isfunction(each)
        if not each.__doc__
    ]
    assert bare == []


def test_every_error_can_be_caught_by_its_name() -> None:
    from app.clients.dotdigital import errors  # noqa: PLC0415 - the module itself is looked at

    hidden = [
        name
        for name, each in vars(errors).items()
        if inspect.isclass(each)
        and issubclass(each, face.DotdigitalError)
        and name not in face.__all__
    ]
    assert hidden == []


def test_the_service_goes_through_the_face() -> None:
    rooms = [path for path in (ROOT / "app").iterdir() if path.is_dir() and path.name != "clients"]
    behind = [line for room in rooms for line in imported_from_inside(room)]
    assert behind == []
