"""Hold the code to the arrows and bans of `architecture_rules.py`.

Prints `path:line: message` for every violation and exits with 1 if there is one.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path

from architecture_rules import ARROWS, BANS, COPIES, MOVING_METHODS, PUBLISH, PUBLISHER
from mentions import Call, Mention, Module, read

ROOT = Path(__file__).resolve().parents[2]


def _reach(arrows: tuple[str, ...]) -> dict[str, set[str]]:
    """Each room, and the rooms that it may import."""
    reach: dict[str, set[str]] = defaultdict(set)
    for arrow in arrows:
        layers = [layer.split(" | ") for layer in arrow.split(" → ")]
        reach.update((room, reach[room]) for layer in layers for room in layer)
        for left, right in combinations(layers, 2):
            for room in left:
                reach[room].update(right)
    return dict(reach)


REACH = {package: _reach(arrows) for package, arrows in ARROWS.items()}


def _against_arrows(module: Module, mention: Mention) -> Iterator[str]:
    package, room = _room(module.name)
    where, target = _room(mention.name)
    if where != package or target in {"", room} or target.startswith("__") or target == _room(mention.through)[1]:
        return
    rooms = REACH[package]
    if target not in rooms:
        yield f"{package}.{target} is no room of ARROWS. Inside {package} import a name from the module it lives in."
    elif room in rooms and target not in rooms[room]:
        may = ", ".join(sorted(rooms[room])) or "no other room"
        yield f"{room} may not import {target}, but {may}. Move what both need to the right end of the arrows."


def _room(name: str) -> tuple[str, str]:
    package, _, rest = name.partition(".")
    return package, rest.partition(".")[0]


def _banned(module: Module, mention: Mention) -> Iterator[str]:
    for ban in BANS:
        if not _inside(module.name, ban.where) or _inside(module.name, ban.but):
            continue
        # A name reached through a banned import was reported there.
        if _inside(mention.name, ban.names) and not _inside(mention.through, ban.names):
            yield f"{mention.name.removeprefix('builtins.')}: {ban.why}"


def _inside(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*") for pattern in patterns)


def _heavy(module: Module, mention: Mention) -> Iterator[str]:
    if module.name == "shardkit.__init__" and mention.eager:
        top = mention.name.partition(".")[0]
        if top not in sys.stdlib_module_names:
            yield f"`import shardkit` must stay cheap, and this imports {mention.name}. Name its home in _HOMES."


def _private(module: Module, mention: Mention, public: set[str]) -> Iterator[str]:
    package, name = _room(mention.name)
    if not _inside(module.name, ("trainer",)) or package != "shardkit" or not name:
        return
    deeper = not mention.through and mention.name.count(".") > 1
    if (name not in public or deeper) and "." not in mention.through:
        names = ", ".join(sorted(public))
        yield f"{mention.name} is not public. The trainer takes from shardkit what its __all__ names: {names}."


def _moved(module: Module, call: Call) -> Iterator[str]:
    if module.name == PUBLISHER or call.name in COPIES:
        return
    keywords = [keyword.arg for keyword in call.node.keywords]
    # str.replace takes two arguments and datetime.replace keywords: one alone is a path's.
    alone = len(call.node.args) == 1 and not keywords and not isinstance(call.node.args[0], ast.Starred)
    if call.method in MOVING_METHODS and (alone or keywords == ["target"]):
        yield f".{call.method}(…) moves a file: {PUBLISH}"


def _unsafe_load(call: Call) -> Iterator[str]:
    said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.node.keywords}
    if said.get("allow_pickle", "False") != "False":
        yield "allow_pickle runs what the file says. Pass False: an array of plain numbers needs no pickle."
    if call.name == "torch.load" and said.get("weights_only") != "True":
        yield "torch.load runs what the file says. Pass weights_only=True; weights of ours are safetensors."


def violations(module: Module, public: set[str]) -> set[tuple[int, str]]:
    package, room = _room(module.name)
    found = set()
    if room not in REACH[package]:
        found.add((1, f"{package}.{room} is a room that no arrow names. Give it its place in ARROWS."))
    for mention in module.mentions:
        for rule in (_against_arrows, _banned, _heavy):
            found.update((mention.line, message) for message in rule(module, mention))
        found.update((mention.line, message) for message in _private(module, mention, public))
    for call in module.calls:
        found.update((call.line, message) for message in (*_moved(module, call), *_unsafe_load(call)))
    return found


def public_names(source: bytes) -> set[str]:
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return set(ast.literal_eval(value))
    return set()


def check(root: Path) -> Iterator[str]:
    public = public_names((root / "shardkit/__init__.py").read_bytes())
    for package in ARROWS:
        for path in sorted((root / package).rglob("*.py")):
            place = path.relative_to(root)
            module = read(path.read_bytes(), ".".join(place.with_suffix("").parts))
            yield from (f"{place}:{line}: {message}" for line, message in sorted(violations(module, public)))


def main() -> None:
    found = list(check(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
