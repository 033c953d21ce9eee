"""A manifest of a stranger who knows how to seal one: whatever it says, a command ends with a sentence."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shardkit
from shardkit.cli.commands.cat import cat
from shardkit.cli.commands.info import info
from shardkit.cli.commands.ls import ls
from shardkit.cli.commands.verify import verify
from shardkit.errors import Damaged, ShardkitError
from tests.shardkit.format.test_manifest import sealed

COMMANDS = (
    (info,),
    (info, "--json"),
    (ls, "--long"),
    (cat, "S%2E1/04"),
    (verify, "--quick"),
    (verify, "--workers", "1"),
)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


VALUES: st.SearchStrategy[Any] = (
    st.sampled_from([None, True, [], {}, [[1]], "", "x", "\x1b[31m", "\ud800", -1, 0, 1, 1 << 63, 10**400, 0.5])
    | st.sampled_from([nested(20), nested(300), {"x": {}}])
    | st.integers()
    | st.text()
)
Place = tuple[Any, Any]


def places(value: Any) -> list[Place]:  # noqa: ANN401 - any JSON
    """Every (container, key) that holds a value."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [each for key in keys for each in places(value[key])]


def ended(folder: Path, command: click.Command, *args: str) -> None:
    try:
        command.main([str(folder), *args], standalone_mode=False)
    except ShardkitError as error:
        assert str(error)  # noqa: PT017 - it may end well too


@pytest.fixture(scope="module")
def hurt(packed_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(packed_once, tmp_path_factory.mktemp("hostile") / "copy")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_value_ends_with_a_sentence(
    packed_once: Path, hurt: Path, capfdbinary: pytest.CaptureFixture[bytes], data: st.DataObject
) -> None:
    fields = json.loads((packed_once / "manifest.json").read_bytes())
    fields.pop("self")
    container, key = data.draw(st.sampled_from(places(fields)))
    container[key] = data.draw(VALUES)
    (hurt / "manifest.json").write_bytes(sealed(fields))

    for command, *args in COMMANDS:
        ended(hurt, command, *args)
    assert b"\x1b" not in capfdbinary.readouterr().err


def test_what_the_manifest_says_is_only_shown(
    hurt: Path, packed_once: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = json.loads((packed_once / "manifest.json").read_bytes())
    fields["choice"] = "\x1b]0;owned\x07 \u202e\x9b31m"
    fields["options"]["\x1b[2J"] = "\x1b[31m"
    fields["generations"][0] |= {"by": "\x1b[5m", "versions": {}}
    (hurt / "manifest.json").write_bytes(sealed(fields))
    info.main([str(hurt)], standalone_mode=False)

    said = capsys.readouterr().err
    assert {each for each in said if not each.isprintable()} == {"\n"}
    assert all(text in said for text in (r"\x1b]0;owned\x07 \u202e\x9b31m", r"\x1b[2J \x1b[31m", r"by \x1b[5m"))


@pytest.mark.parametrize("name", ["shards.parquet", "subjects-00000.parquet", "index/train-00000.parquet", "B3SUMS"])
@pytest.mark.parametrize("odd", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_a_device_is_odd_and_nothing_waits(
    packed_copy: Path, name: str, odd: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    (packed_copy / name).unlink()
    odd(packed_copy / name)

    assert verify.main([str(packed_copy)], standalone_mode=False) == Damaged.exit_code
    assert f"{name}: odd." in capsys.readouterr().err


def test_the_manifest_too_can_be_odd(packed_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (packed_copy / "manifest.json").unlink()
    os.mkfifo(packed_copy / "manifest.json")

    assert verify.main([str(packed_copy), "--quick"], standalone_mode=False) == Damaged.exit_code
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("manifest.json")]
    assert len(said) == 1
    assert "manifest.json: odd." in said[0]
    with pytest.raises(Damaged, match="plain file"):
        shardkit.open(packed_copy)
