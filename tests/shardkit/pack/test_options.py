"""Options that a manifest recorded, when they are used again."""

import json
from pathlib import Path
from typing import Any

import pytest

from shardkit.errors import Damaged
from shardkit.pack.options import PackOptions
from shardkit.pack.source.array_files import ArrayFiles
from tests.commands import ran
from tests.pictures import png
from tests.shardkit.format.test_manifest import sealed
from tests.trees import planted

FILES = ArrayFiles("images.bin", "labels.bin", 1, "<f4", "<i4", "", "")


@pytest.mark.parametrize("options", [PackOptions(), PackOptions(shape=(3, 4), arrays=FILES), PackOptions(size=8)])
def test_they_come_back(options: PackOptions) -> None:
    assert PackOptions.recorded(json.loads(json.dumps(options.record()))) == options


@pytest.mark.parametrize("odd", [{}, PackOptions().record() | {"more": 1}, PackOptions().record() | {"size": -5}])
def test_others_are_damaged(odd: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match="its recorded options are not those of a pack"):
        PackOptions.recorded(odd)


ODD: list[dict[str, Any]] = [
    {"options": {}},
    {"options": PackOptions().record() | {"more": 1}},
    {"options": PackOptions().record() | {"size": -5}},
    {"options": PackOptions().record() | {"size": 10**9}},
    {"codec": "gif"},
    {"splitting": {"thresholds": {"names": ["train"], "below": ["x"]}}},
    {"splitting": {"thresholds": {"names": [], "below": []}}},
    {"preparation": {"size": "large"}},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:60])
def test_commands_end_with_a_sentence(packed_copy: Path, odd: dict[str, Any]) -> None:
    fields = json.loads((packed_copy / "manifest.json").read_bytes()) | odd
    (packed_copy / "manifest.json").write_bytes(sealed(fields))
    planted(packed_copy.parent / "more", {"new/1.png": png()})

    assert ran("append", packed_copy.parent / "more", packed_copy).code == Damaged.exit_code
    for command, *args in (
        ("info",),
        ("repair",),
        ("remove", "--subject", "two words "),
        ("unpack", packed_copy.parent / "out"),
    ):
        ended = ran(command, packed_copy, *args)
        assert not ended.code or ended.error
