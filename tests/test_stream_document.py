"""What docs/stream.md shows runs as it stands there, and its table has every option with its default."""

import inspect
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from shardkit import StreamingDataset
from tests.packed import packed
from tests.pictures import png
from tests.trees import planted

DOCUMENT = (Path(__file__).parents[1] / "docs/stream.md").read_text()
SUBJECTS, IMPRESSIONS = 60, 8
MNT = b"2\n11 13\n1 2 0.5\n3 4 1.5\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fingers with minutiae, three of a hand: a batch of 256 can be had."""
    root = tmp_path_factory.mktemp("document")
    names = [f"f{finger:03}/{number}" for finger in range(SUBJECTS) for number in range(IMPRESSIONS)]
    planted(root / "source", {f"{name}.png": png(seed=seed) for seed, name in enumerate(names)})
    planted(root / "source", {f"{name}.mnt": MNT for name in names})
    groups = "".join(f"f{finger:03},hand{finger // 3}\n" for finger in range(SUBJECTS))
    (root / "groups.csv").write_text(f"subject,group\n{groups}")
    return packed(root, split="train=0.8,val=0.2", groups=root / "groups.csv", shard_size="20KB")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that torchrun makes for a single rank."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))


@pytest.mark.usefixtures("alone")
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning", "ignore:'set_vital' is deprecated")
def test_every_program_runs(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(folder.parent)
    names: dict[str, Any] = {}
    programs = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    for program in programs:
        exec(program, names)  # noqa: S102 - our own document

    assert len(programs) == 12
    assert "batches an epoch" in capsys.readouterr().out
    assert (names["saved"]["step"], names["mated"].shape) == (3, (32,))
    assert [len(each) for each in names["own"]] == [2] * 64


def test_every_option_is_there_with_its_default() -> None:
    table = DOCUMENT[DOCUMENT.index("## Options") :]
    told = re.findall(r"^\| `(\w+)` \| (?:`(.*?)` )?\|", table, re.MULTILINE)

    parameters = list(inspect.signature(StreamingDataset).parameters.values())
    assert [name for name, _ in told] == [each.name for each in parameters]
    assert [default for _, default in told[1:]] == [str_of(each.default) for each in parameters[1:]]


def str_of(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else str(default)
