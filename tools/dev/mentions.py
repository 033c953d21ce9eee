"""Every place where a module names something that is not its own, read from its syntax tree.

`import os` … `os.replace(a, b)`, `from os import replace`, `getattr(os, "replace")`, `import_module("os")` and a bare
`print` all become the dotted name that is meant, so that a rule is written once for all the ways to say it. Nothing is
imported or run.
"""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

_IMPORTERS = {"importlib.import_module", "importlib.__import__", "builtins.__import__"}

Aliases = dict[str, str]


@dataclass(frozen=True)
class Mention:
    line: int
    name: str  # dotted: `os.replace`, `builtins.print`, `shardkit.storage.atomic`
    through: str  # the import that it is reached by; empty for an import itself, and for a builtin
    eager: bool  # happens when the module is imported, and not for the type checker alone


@dataclass(frozen=True)
class Call:
    line: int
    name: str  # dotted as above, or empty when what is called belongs to an object
    method: str  # its last part; empty when a plain name is called
    node: ast.Call


@dataclass(frozen=True)
class Module:
    """The names and calls of a module, and its own dotted name."""

    name: str
    mentions: tuple[Mention, ...]
    calls: tuple[Call, ...]


def read(source: bytes, name: str) -> Module:
    tree = ast.parse(source)
    package = name.rpartition(".")[0]
    aliases = {alias: meant for node in ast.walk(tree) for alias, meant in _bound(node, package)}
    mentions = (each for node, eager in _walk(tree) for each in _mentions(node, package, aliases, eager=eager))
    calls = (_call(node, aliases) for node in ast.walk(tree) if isinstance(node, ast.Call))
    return Module(name, tuple(mentions), tuple(calls))


def _walk(node: ast.AST, *, eager: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    yield node, eager
    if isinstance(node, ast.Attribute) and _chain(node)[0]:
        return  # `os.path.join` is one mention, not `os.path` and `os` besides
    later = _runs_later(node)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, eager=eager and child not in later)


def _runs_later(node: ast.AST) -> list[ast.stmt]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return node.body
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return node.body
    return []


def _bound(node: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """The local names that an import makes, and what each stands for."""
    match node:
        case ast.Import():
            for each in node.names:
                top = each.name.partition(".")[0]
                yield (each.asname, each.name) if each.asname else (top, top)
        case ast.ImportFrom():
            yield from ((each.asname or each.name, name) for each, name in _members(node, package))


def _members(node: ast.ImportFrom, package: str) -> Iterator[tuple[ast.alias, str]]:
    home = _absolute("." * node.level + (node.module or ""), package)
    yield from ((each, f"{home}.{each.name}") for each in node.names)


def _absolute(name: str, package: str) -> str:
    """`..image.png` seen from shardkit.pack is shardkit.image.png."""
    dots = len(list(takewhile(".".__eq__, name)))
    if not dots:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - dots + 1], *filter(None, [name[dots:]])])


def _mentions(node: ast.AST, package: str, aliases: Aliases, *, eager: bool) -> Iterator[Mention]:
    match node:
        case ast.Import():
            yield from (Mention(node.lineno, each.name, "", eager) for each in node.names)
        case ast.ImportFrom():
            yield from (Mention(node.lineno, name, "", eager) for _, name in _members(node, package))
        case ast.Call() if _call(node, aliases).name in _IMPORTERS:
            yield from (Mention(node.lineno, _absolute(name, package), "", eager) for name in _imported(node))
        case ast.Name() | ast.Attribute() | ast.Call():
            if meant := _meant(node, aliases):
                yield Mention(node.lineno, ".".join(meant), aliases.get(_chain(node)[0], ""), eager)


def _call(node: ast.Call, aliases: Aliases) -> Call:
    _, *rest = _chain(node.func)
    return Call(node.lineno, ".".join(_meant(node.func, aliases)), rest[-1] if rest else "", node)


def _imported(node: ast.Call) -> Iterator[str]:
    """The module that a call of an importer asks for, where it is written out."""
    for argument in (*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")):
        match argument:
            case ast.Constant(value=str(name)):
                yield name


def _meant(node: ast.expr, aliases: Aliases) -> list[str]:
    """The dotted name behind an expression, as its parts; none where it starts at something of the module's own."""
    head, *rest = _chain(node)
    if head in aliases:
        return [aliases[head], *rest]
    return ["builtins", head, *rest] if hasattr(builtins, head) else []


def _chain(node: ast.expr) -> list[str]:
    """`os.path.join` as its parts, also with a literal getattr in it; what starts with no plain name begins empty."""
    match node:
        case ast.Name(id=name):
            return [name]
        case (
            ast.Attribute(value=value, attr=name)
            | ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value=str(name)), *_])
        ):
            return [*_chain(value), name]
    return [""]
