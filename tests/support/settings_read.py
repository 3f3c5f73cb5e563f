"""What code reads of the settings, found in its syntax: for holding the declarations to the code."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOLDERS = ("settings", "_settings")
"Names by which code knows the settings."
METHODS = {
    "scratch": {"work_dir"},
    "slots": set(),
    "reuse_seconds": {"keep_parts_seconds", "asset_cache_enabled"},
    "read": set(),
    "from_env": set(),
}
"Methods of `Settings`, and the fields that each of them reads."
DOTTED = re.compile(r"[a-z_]+(\.[a-z_]+)+\.[A-Z]\w*")
"The path of a class that is imported by its name, such as `api.http.worker.Worker`."


def fields_read(module: str) -> set[str]:
    """Fields of `Settings` that are read by the module or by any module of ours that it brings in."""
    names = {name for tree in _closure(module) for name in _reads(tree)}
    return {field for name in names for field in METHODS.get(name, {name})}


def _closure(module: str) -> list[ast.AST]:
    found: dict[str, ast.AST] = {}
    to_do = [module]
    while to_do:
        name = to_do.pop()
        path = _file(name)
        if name in found or path is None or name.startswith("common.settings"):
            continue
        found[name] = _tree(path)
        to_do += [*_imports(found[name]), name.rpartition(".")[0]]
    return list(found.values())


@functools.cache
def _tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text())


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    places = (path / "__init__.py", path.with_suffix(".py"))
    return next((place for place in places if module and place.is_file()), None)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED.fullmatch(node.value):
            yield node.value.rpartition(".")[0]


def _reads(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            holder = node.value
            name = holder.id if isinstance(holder, ast.Name) else getattr(holder, "attr", "")
            if name in HOLDERS:
                yield node.attr
