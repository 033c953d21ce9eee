"""Links, pipes, sockets, devices and endless files where a dataset has plain files and folders."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from tests.support.dataset_writer import Edits, Row
from tests.support.hostile_case import Case, Plant, Scene, all_of, clear, link, sparse, write
from tests.support.workspace_writer import SHARD, PlanEdits, planned, removal

_FILES = (
    "manifest.json",
    "shards.parquet",
    "subjects-00000.parquet",
    "index/train-00000.parquet",
    "skipped.jsonl",
    "B3SUMS",
    "train-000000.tar",
)
_RECORDS = ("plan.parquet", "skipped.jsonl", "removal.json", "quarantine.jsonl", "lock")
_WORKSPACE_FOLDERS = ("removal", "parts", "making", "adopted")
_NEW = (
    SHARD,
    "shards-00001.parquet",
    f".{SHARD}.part",
    ".manifest.json.part",
    ".shards-00001.parquet.part",
    "index/train-00001.parquet",
)
"""What the next command would write."""
_NOT_READ = "no command that only reads takes anything from there"
_LONG = dict.fromkeys(
    ("verify", "verify --json", "verify --decode", "verify on a terminal", "repair", "repair --source"),
    "a terabyte that the dataset says that it has is read as long as it takes",
)


def cases() -> Iterator[Case]:
    yield from _links()
    yield from _specials()
    yield from _sparse()


def _links() -> Iterator[Case]:
    def case(name: str, *plants: Plant, verified: str = "") -> Case:
        return Case(f"link: {name}", "links", plant=all_of(*plants), verified=verified)

    for place in _FILES:
        yield case(f"{place} to a file outside", link(place, "victim/file"))
        yield case(f"{place} to its own bytes outside", _moved_out(place))
    yield case("index to a folder outside", link("index", "victim"))
    yield case("index to its own files outside", _moved_out("index"))
    yield case("index to itself", link("index", "dataset/index"))
    yield case(".shardkit to a folder outside", link(".shardkit", "victim"), verified=_NOT_READ)
    yield case(".shardkit to nothing", link(".shardkit", "victim/new"), verified=_NOT_READ)
    yield case(".shardkit with a plan, outside", planned(), _moved_out(".shardkit"), verified=_NOT_READ)
    yield case(".shardkit with a removal, outside", removal(), _moved_out(".shardkit"), verified=_NOT_READ)
    for name in _WORKSPACE_FOLDERS:
        place = f".shardkit/{name}"
        yield case(f"{place} to a folder outside", link(place, "victim"), verified=_NOT_READ)
        yield case(f"{place} to a folder outside, with a plan", planned(), link(place, "victim"), verified=_NOT_READ)
    yield case(
        ".shardkit/removal with a removal, outside", removal(), _moved_out(".shardkit/removal"), verified=_NOT_READ
    )
    yield case("a folder of a removal to a folder outside", removal(), _through("way"), verified=_NOT_READ)
    yield case("index of a removal, outside", removal(), _moved_out(".shardkit/removal/index"), verified=_NOT_READ)
    yield case("index to a folder outside, in a removal", removal(), link("index", "victim"), verified=_NOT_READ)
    for name in _RECORDS:
        yield case(f".shardkit/{name} to a file outside", link(f".shardkit/{name}", "victim/file"), verified=_NOT_READ)
        yield case(f".shardkit/{name} to nothing", link(f".shardkit/{name}", "victim/new"), verified=_NOT_READ)
    yield case("a plan outside", planned(), _moved_out(".shardkit/plan.parquet"), verified=_NOT_READ)
    yield case("the record of a removal outside", removal(), _moved_out(".shardkit/removal.json"), verified=_NOT_READ)
    for name in _NEW:
        yield case(f"{name} to a file outside", link(name, "victim/file"))
        yield case(f"{name} to a file outside, with a plan", planned(), link(name, "victim/file"), verified=_NOT_READ)
        yield case(f"{name} to nothing", link(name, "victim/new"))
    yield case("a damaged tar that is a file outside too", _hard_link)
    for name in (
        "manifest.json",
        "shards.parquet",
        "train-000000.tar",
        ".shardkit/removal.json",
        ".shardkit/quarantine.jsonl",
    ):
        yield case(f"{name} to /dev/zero", link(name, "/dev/zero"), verified=_NOT_READ if name.startswith(".") else "")


def _specials() -> Iterator[Case]:
    kinds = {"pipe": os.mkfifo, "socket": _socket, "folder": os.mkdir, "device": _device}
    places = {
        "pipe": [
            *_FILES,
            "index",
            ".shardkit",
            *(f".shardkit/{name}" for name in (*_RECORDS, *_WORKSPACE_FOLDERS)),
            *_NEW,
        ],
        "socket": [
            "manifest.json",
            "train-000000.tar",
            ".shardkit/plan.parquet",
            ".shardkit/removal.json",
            ".shardkit/lock",
        ],
        "folder": [*_FILES, *(f".shardkit/{name}" for name in _RECORDS), *_NEW],
        "device": ["manifest.json", "shards.parquet", "train-000000.tar", ".shardkit/removal.json", ".shardkit/lock"],
    }
    for kind, make in kinds.items():
        for place in places[kind]:
            own = place.startswith(".shardkit")
            yield Case(f"{kind}: {place}", "special files", plant=_made(place, make), verified=_NOT_READ if own else "")
    for place in ("index", ".shardkit", *(f".shardkit/{name}" for name in _WORKSPACE_FOLDERS)):
        own = place.startswith(".shardkit")
        plant = write(place, b"a file where a folder is expected")
        yield Case(f"file: {place}", "special files", plant=plant, verified=_NOT_READ if own else "")
    for place in ("removal.json", "skipped.jsonl", f"parts/{SHARD}.parquet", f"making/{SHARD}"):
        before = removal() if place == "removal.json" else planned()
        plant = all_of(before, _made(f".shardkit/{place}", os.mkfifo))
        yield Case(f"pipe: .shardkit/{place} of unfinished work", "special files", plant=plant, verified=_NOT_READ)


def _sparse() -> Iterator[Case]:
    def case(
        name: str, plant: Plant, edits: Edits | None = None, verified: str = "", exempt: dict[str, str] | None = None
    ) -> Case:
        return Case(f"sparse: {name}", "sparse files", edits or Edits(), plant, verified, exempt or {})

    def sized(name: str) -> Edits:
        def edit(manifest: Row) -> None:
            manifest["files"].setdefault(name, {"blake3": "0" * 64})["size"] = 1 << 40

        return Edits(manifest=edit)

    def sized_tar(shards: list[Row]) -> None:
        shards[0]["size"] = 1 << 40

    for name in _FILES:
        yield case(name, sparse(name))
    for name in (
        "shards.parquet",
        "subjects-00000.parquet",
        "index/train-00000.parquet",
        "skipped.jsonl",
        "B3SUMS",
        "SHA256SUMS",
    ):
        yield case(f"{name}, as the manifest says", sparse(name), sized(name), exempt=_LONG)
    yield case("train-000000.tar, as its table says", sparse("train-000000.tar"), Edits(shards=sized_tar), exempt=_LONG)
    yield case("B3SUMS with a damaged manifest", all_of(write("manifest.json", b"{}\n"), sparse("B3SUMS")))
    yield case("a second list of digests", sparse("B3SUMS-00001"))
    yield case("a file that nothing names", sparse("extra.bin"))
    for name in _RECORDS:
        yield case(f".shardkit/{name}", sparse(f".shardkit/{name}"), verified=_NOT_READ)
    yield case(
        ".shardkit/skipped.jsonl of a plan", all_of(planned(), sparse(".shardkit/skipped.jsonl")), verified=_NOT_READ
    )
    part = f".shardkit/parts/{SHARD}.parquet"
    yield case("a part", all_of(planned(packed=True), sparse(part)), verified=_NOT_READ)
    for name in ("removal.json", "removal/manifest.json"):
        yield case(f".shardkit/{name} of a removal", all_of(removal(), sparse(f".shardkit/{name}")), verified=_NOT_READ)
    part_of = PlanEdits(part=lambda part: part.update(size=1 << 40))
    # The part records this size, so verify reads the shard to its end once the plan is finished.
    plant = all_of(planned(part_of, packed=True), sparse(SHARD))
    yield Case("sparse: a shard of a plan", "plans", plant=plant, verified=_NOT_READ)


def _moved_out(place: str) -> Plant:
    """Move what is in a place to the victim's folder, and leave a link to it."""

    def plant(scene: Scene) -> None:
        target = clear(scene.victim / "moved")
        shutil.move(scene.folder / place, target)
        (scene.folder / place).symlink_to(target)

    return plant


def _through(name: str) -> Plant:
    """Let a removal put a file through a link in the dataset."""

    def plant(scene: Scene) -> None:
        (scene.folder / name).symlink_to(scene.victim)
        waiting = clear(scene.workspace / "removal" / name / "authorized_keys")
        waiting.write_bytes(b"of a stranger\n")

    return plant


def _hard_link(scene: Scene) -> None:
    tar = scene.folder / "train-000000.tar"
    content = bytearray(tar.read_bytes())
    content[200] ^= 1  # in the first header, which repair can derive
    tar.write_bytes(content)
    os.link(tar, scene.victim / "tar")


def _made(place: str, make: object) -> Plant:
    def plant(scene: Scene) -> None:
        make(clear(scene.folder / place))  # type: ignore[operator]

    return plant


def _socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:  # by a short name: one of 108 bytes is too long
            made.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def _device(path: Path) -> None:
    """Make the device of endless zeros, or a link to it where that is not allowed."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        path.symlink_to("/dev/zero")
