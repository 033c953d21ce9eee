"""Layout of the packages: no import cycles, few floors, files of a readable length.

Prints `path: message` for every violation and exits with 1 if there is one. The limits and the exceptions are data in
`architecture_rules.py`.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from architecture_rules import ARROWS, MAX_FLOORS, MAX_LINES, MIN_LINES, SHORT_FILES

ROOT = Path(__file__).resolve().parents[2]
Graph = Mapping[str, set[str]]


def read_modules(root: Path) -> dict[str, Path]:
    """Return the path of each module of the checked packages by its dotted name."""
    modules = {}
    for package in ARROWS:
        for path in (root / package).rglob("*.py"):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            modules[name.removesuffix(".__init__")] = path
    return modules


def build_graph(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """Return the modules that each module imports, at any level of its code and for types alone too."""
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        targets = set()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    targets.add(inner if inner in modules else node.module)
        graph[name] = {each for each in targets & modules.keys() if each != name and not is_package(modules[each])}
    return graph


def is_package(path: Path) -> bool:
    return path.name == "__init__.py"


def find_cycle(graph: Graph) -> list[str]:
    """Return the modules of one import cycle in order, or none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        for target in sorted(graph.get(name, ())):
            if cycle := visit(target, [*path, name]):
                return cycle
        done.add(name)
        return []

    return next((cycle for name in sorted(graph) if (cycle := visit(name, []))), [])


def contract(graph: Graph, package: str) -> dict[str, set[str]]:
    """Return the imports between the direct children of a package; a sub-package counts as one child."""

    def child(name: str) -> str:
        return name.removeprefix(f"{package}.").partition(".")[0]

    inside = {name for name in graph if name.startswith(f"{package}.")}
    children: dict[str, set[str]] = {child(name): set() for name in inside}
    for name in inside:
        children[child(name)] |= {child(each) for each in graph[name] & inside} - {child(name)}
    return children


def count_floors(graph: Graph) -> int:
    """Return the length of the longest chain of imports; 0 if the graph has a cycle or is empty."""
    if find_cycle(graph):
        return 0

    @cache
    def floor(name: str) -> int:
        return 1 + max((floor(each) for each in graph[name]), default=0)

    return max(map(floor, graph), default=0)


def check_length(place: str, lines: int) -> Iterator[str]:
    if lines > MAX_LINES:
        yield f"{place}: {lines} lines, expected at most {MAX_LINES}. Split it into two concepts."
    if lines < MIN_LINES and place not in SHORT_FILES:
        yield (
            f"{place}: {lines} lines, expected at least {MIN_LINES}. Move it into the module that uses it, or name the "
            "reason in SHORT_FILES of architecture_rules.py."
        )


def check(root: Path) -> Iterator[str]:
    modules = read_modules(root)
    graph = build_graph(modules)
    if cycle := find_cycle(graph):
        yield f"{modules[cycle[0]].relative_to(root)}: import cycle {' → '.join([*cycle, cycle[0]])}."
    for name, path in sorted(modules.items()):
        place = path.relative_to(root).as_posix()
        if is_package(path):
            if (floors := count_floors(contract(graph, name))) > MAX_FLOORS.get(name, MAX_FLOORS["*"]):
                yield f"{place}: {floors} floors in {name}. Let modules import what lies lower, or merge two of them."
        elif path.name != "__main__.py":
            yield from check_length(place, len(path.read_text().splitlines()))
    for place in sorted(SHORT_FILES):
        if not (root / place).exists() or len((root / place).read_text().splitlines()) >= MIN_LINES:
            yield f"{place}: no short file any more. Remove it from SHORT_FILES."


def main() -> None:
    found = list(check(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
