"""Every command that README and docs/ show is typed, every program run, every option and link looked up."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.documents.laid import MAKERS
from tests.documents.options import unknown
from tests.documents.parts import given, inline_commands
from tests.documents.running import ROOT, Reader

DOCUMENTS = [
    ROOT / "README.md",
    *(path for each in (".", "guides", "explanation") for path in sorted((ROOT / "docs" / each).glob("*.md"))),
]
NAMES = [str(each.relative_to(ROOT)) for each in DOCUMENTS]
MADE = {"docs/cli.md", "docs/trainer-cli.md"}
"""Help texts: tests/test_cli_documents.py holds them."""
PROGRAMS_ELSEWHERE = {"docs/stream.md", "docs/format.md", "docs/order.md"}
"""Each has a test of its own in tests/, which looks at what its programs find as well."""
LONG = {"docs/training.md", "docs/guides/resume-and-preemption.md", "docs/guides/your-own-loop.md"}
"""They train for ten seconds and more: `make faults` types them."""
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], None]:
    """Lays what a document is given into its folder; each kind is made once."""
    places: dict[str, Path] = {}

    def lay(kind: str, folder: Path) -> None:
        if kind not in places:
            places[kind] = tmp_path_factory.mktemp(kind)
            MAKERS[kind](places[kind])
        shutil.copytree(places[kind], folder, dirs_exist_ok=True)

    return lay


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MADE | LONG])
def test_what_it_shows_runs(name: str, tmp_path: Path, laid: Callable[[str, Path], None]) -> None:
    read(name, tmp_path, laid)


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(LONG))
def test_what_takes_longer_runs_as_well(name: str, tmp_path: Path, laid: Callable[[str, Path], None]) -> None:
    read(name, tmp_path, laid)


def read(name: str, tmp_path: Path, laid: Callable[[str, Path], None]) -> None:
    document = (ROOT / name).read_text()
    (tmp_path / "tools").symlink_to(ROOT / "tools")
    for kind in given(document):
        laid(kind, tmp_path)
    Reader(name, tmp_path, programs=name not in PROGRAMS_ELSEWHERE).read(document)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_names_is_there(name: str) -> None:
    for command in inline_commands((ROOT / name).read_text()):
        assert list(unknown(command)) == [], f"{name}: `{command}`"


@pytest.mark.parametrize("name", NAMES)
def test_its_links_lead_somewhere(name: str) -> None:
    for target, anchor in _links((ROOT / name).read_text()):
        place = ((ROOT / name).parent / target) if target else ROOT / name
        assert place.exists(), f"{name} leads to {target}, which is not there"
        if anchor:
            assert anchor in _anchors(place.read_text()), f"{name} leads to #{anchor} of {place.name}"


def _links(document: str) -> Iterator[tuple[str, str]]:
    for link in _LINK.findall(re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE)):
        if "://" not in link:
            target, _, anchor = link.partition("#")
            yield target, anchor


def _anchors(document: str) -> set[str]:
    """As code hosts make them of headings."""
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
