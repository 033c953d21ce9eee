"""Datasets that lie: every command on each ends as documented, within limits, and touches nothing outside.

What writes them follows docs/format.md and shares no code with the product; `tests/test_format_document.py` shows that
such a dataset has no damage as long as it does not lie.
"""

import ast
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import ran
from tests.support import hostile_removals
from tests.support.command_runner import BY_NAME, COMMANDS, Ended, Runner, changes, snapshot, wrong_words
from tests.support.fork_server import Outcome
from tests.support.hostile_case import ESCAPES, FORGES, Case
from tests.support.hostile_catalog import catalog

SUPPORT = Path(__file__).parents[1] / "support"
RUNNERS = {"command_runner", "fork_server"}
ROOM = 4 << 30
UNFINISHED = {case.name: (case, command) for case, command in hostile_removals.honest()}
EVERY_CASE = tuple(catalog(Path("/victim")))
SELECTED = {
    "link: .shardkit to a folder outside": "append, remove, pack",
    "link: a folder of a removal to a folder outside": "repair, remove",
    "link: index to a folder outside, in a removal": "repair",
    "link: .shardkit/removal with a removal, outside": "repair, append",
    "link: train-000002.tar to a file outside, with a plan": "append, append --replan",
    "link: index to itself": "verify, repair",
    "pipe: manifest.json": "info, verify, repair",
    "pipe: train-000000.tar": "cat, verify, unpack",
    "pipe: .shardkit/removal.json of unfinished work": "repair, append",
    "device: shards.parquet": "ls --long, verify",
    "sparse: .shardkit/quarantine.jsonl": "verify --quick, repair",
    "sparse: B3SUMS with a damaged manifest": "verify --quick",
    "sparse: manifest.json": "info, repair",
    "table: 4 million shards, as the manifest counts": "ls --long, verify --quick",
    "table: 20,000 rows of one group of 400 kB": "ls --long, cat",
    "table: 40 million missing sidecars": "verify",
    "table: shards.parquet without index": "ls --long, verify, repair",
    "table: label of index/train-00000.parquet as a list": "ls --long, verify, repair",
    "index: sides of 2^31 - 1": "verify, stream, repair",
    "index: the source '../victim/file'": "unpack, repair --source",
    "index: an image whose offset is 9,223,372,036,854,775,807": "cat, verify, unpack",
    "shards: samples 1000000000000": "ls --long, verify, stream",
    "shards: name '../victim/file'": "verify, repair, remove",
    "shards: index 'index/../../victim/other.parquet'": "ls --long, verify, repair",
    "key: with a line feed, as impression, tree": "ls --long, cat, verify on a terminal, unpack, remove",
    "key: with escapes, as subject, adopted": "ls --long on a terminal, verify, verify --json",
    "key: leading out, as subject, tree": "ls, unpack, verify",
    "split: B3SUMS": "remove, verify",
    "options: are an object": "append, info, pack",
    "options: arrays with images '../victim/new'": "unpack --to-arrays, verify",
    "options: arrays with label_type '|O'": "unpack --to-arrays",
    "generation: shards 'manifest.json'": "ls, verify, repair",
    "manifest: files None": "info, verify, repair",
    "manifest: a field 100,000 deep": "info, verify, repair",
    "manifest: 3,000 generations of one table": "ls, verify",
    "plan: a shard with name '../victim/file'": "append, append --replan, merge",
    "plan: a shard with split '../../victim/x'": "append",
    "plan: the source '../victim/file'": "append",
    "plan: a table whose record is a list": "verify, append, append --replan, repair, pack",
    "part: skipped [5]": "append, merge",
    "adopted part: blake3 5": "index",
    "removal: a file more, way/evil": "repair, remove, append",
    "removal: a record that is b'[]'": "repair, remove",
    "quarantine: of raw escapes": "verify, repair",
    "folder: 'a\\x1b]0;owned\\x07\\x1b[2J\\x1b[31m'": "verify, verify on a terminal, index",
    "tar: a symbolic link, without a manifest": "index",
    "image: a pickle in an .npy, without a manifest": "index",
    "image: 100 MB of zeros for 8 x 8, tree": "verify --decode, stream",
}
"""Some cases of each theme, with the commands that they aim at."""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with folder_in_memory(tmp_path_factory) as folder, Runner(folder) as running:
        yield running


@contextmanager
def folder_in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder where a flush costs nothing, if there is one: a campaign flushes a million files."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own
    if memory.is_dir() and shutil.disk_usage(memory).free > ROOM:
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def cases(runner: Runner) -> dict[str, Case]:
    return catalog(runner.victim)


@pytest.mark.parametrize(("case", "command"), UNFINISHED.values(), ids=UNFINISHED)
def test_unfinished_work_that_does_not_lie_is_finished(case: Case, command: str, runner: Runner) -> None:
    """Else the lies about unfinished work would be refused for another reason than the lie."""
    scene = runner.lay(case)
    before = snapshot(scene, outside=False)
    arguments = {
        "append": ("append", scene.source, scene.folder),
        "repair": ("repair", scene.folder),
        "index": ("index", *sorted(scene.folder.glob("*.tar")), scene.folder),
    }[command]

    ended = ran(*arguments)

    assert ended.code == 0, ended.stderr
    assert list(changes(before, snapshot(scene, outside=False)))
    assert not any((scene.workspace / name).exists() for name in ("plan.parquet", "removal", "adopted"))
    assert ran("verify", scene.folder).code == 0


def test_what_writes_the_datasets_shares_no_code_with_the_product() -> None:
    for path in SUPPORT.glob("*.py"):
        if path.stem in RUNNERS:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [each for each in names if each.split(".")[0] in {"shardkit", "trainer"}], path


@pytest.mark.parametrize(("name", "commands"), SELECTED.items(), ids=SELECTED)
def test_commands_survive_a_hostile_dataset(name: str, commands: str, cases: dict[str, Case], runner: Runner) -> None:
    troubles = {command: runner.troubles(cases[name], BY_NAME[command]) for command in commands.split(", ")}

    assert not any(troubles.values()), troubles


@pytest.mark.campaign
@pytest.mark.parametrize("name", EVERY_CASE)
def test_every_command_survives_every_hostile_dataset(name: str, cases: dict[str, Case], runner: Runner) -> None:
    case = cases[name]
    commands = [each for each in COMMANDS if each.name not in case.exempt]

    troubles = {each.name: found for each in commands if (found := runner.troubles(case, each))}

    assert not troubles, troubles


@pytest.mark.parametrize(
    ("code", "stopped"),
    [
        ("bytes(range(256)) * (9 << 20)", "memory"),
        ("import time; time.sleep(600)", "idle"),
        ("raise SystemExit", ""),
        ("1 / 0", ""),
    ],
)
def test_the_runner_notices_how_a_command_ends(code: str, stopped: str, runner: Runner, tmp_path: Path) -> None:
    ended = runner.run(["python", code], tmp_path, idle=0.5)

    assert (ended.outcome.stopped, ended.outcome.code == 0) == (stopped, False)
    assert bool(list(wrong_words(ended, bytes_on_stdout=False))) == (not stopped)


@pytest.mark.parametrize("said", ["Traceback (most recent call last):", ESCAPES, FORGES, "\x9b", "\u202e"])
def test_the_runner_notices_what_no_command_may_say(said: str) -> None:
    fine = Outcome(0, "", 0, 0.0)

    assert list(wrong_words(Ended(fine, "", f"x\n{said}\n"), bytes_on_stdout=False))
    assert not list(wrong_words(Ended(fine, f"{said}\n", "a line\n\tand another\n"), bytes_on_stdout=True))


def test_the_runner_notices_changes_outside_and_inside(runner: Runner) -> None:
    scene = runner.lay(Case("honest", "none"))
    outside, inside = snapshot(scene, outside=True), snapshot(scene, outside=False)
    scene.out.mkdir()
    assert not list(changes(outside, snapshot(scene, outside=True)))

    (scene.folder / "B3SUMS").touch()
    assert list(changes(inside, snapshot(scene, outside=False))) == ["'dataset/B3SUMS' was changed"]
    assert not list(changes(outside, snapshot(scene, outside=True)))

    (scene.victim / "file").unlink()
    (scene.root / "new").touch()
    found = [*changes(outside, snapshot(scene, outside=True))]
    assert "'victim/file' is gone" in found
    assert "'new' is new" in found
