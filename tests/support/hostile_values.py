"""Values that no honest dataset has: in the index, in the tables, in keys and in the names of splits."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.dataset_writer import Edits, Row
from tests.support.hostile_case import ESCAPES, FORGED, FORGES, INT, LONG, Case, drop, shown, variants

NAMES = {
    "with a line feed": FORGES,
    "with escapes": f"a{ESCAPES}",
    "with a carriage return": f"a\r{FORGED}",
    "with a C1 control": "a\x9b31mb",
    "with an override of direction": "a\u202egnp",
    "with a line separator": f"a\u2028{FORGED}",
    "with NUL": "a\0b",
    "empty": "",
    "two dots": "..",
    "leading out": "../victim/file",
    "with percent signs that mean nothing": "%zz%4",
    "with an escape that is not needed": "%41",
    "like an option": "--help",
    "of 3,000 letters": "a" * 3000,
}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What docs/format.md allows."""
_HOSTILE = ("with a line feed", "with escapes", "with a C1 control", "with NUL")
_ANY_LETTERS = "a key may have all letters but control characters, and a subject any name"
_ALLOWED = ("override of direction", "line separator", "like an option")
_NOT_COMPARED = "no other table says what this value must be"
_SHOWN_ALONE = "the generation of a row is shown and never used"
_DECODED = "possible values are compared with the pixels, which --decode alone does"
_REFUSED_WHEN_PACKED = "a split whose name packing refuses is no damage"
_PLAUSIBLE = (0, 5, 64, 65_536)


def cases(victim: Path) -> Iterator[Case]:
    yield from _index(victim)
    yield from _shards(victim)
    yield from _subjects()
    yield from _keys(victim)
    yield from _splits()


def _index(victim: Path) -> Iterator[Case]:
    numbers = {
        **dict.fromkeys(("width", "height"), (0, -1, 65_536, INT)),
        **dict.fromkeys(("original_width", "original_height"), (-1, INT)),
        "channels": (0, -1, 5, INT),
        "bit_depth": (0, -8, 64, INT),
        "label": (-1, 7, 10**12, LONG, -(2**63)),
        "generation": (-1, 7, INT),
    }
    for column, values in numbers.items():
        for value in values:
            verified = _SHOWN_ALONE if column == "generation" else _DECODED if value in _PLAUSIBLE else ""
            yield _row(f"{column} {value:,}", {column: value}, verified=verified)
    yield _row("sides of 65,536", {"width": 65_536, "height": 65_536}, verified=_DECODED)
    yield _row("sides of 2^31 - 1", {"width": INT, "height": INT, "channels": INT})
    yield _row("the digest of an adopted tar", {"other": bytes(16)}, verified="of packed tars it is never used")
    yield _row("another subject than in the key", {"subject": "other"})
    yield _row("another impression than in the key", {"impression": "other"})
    yield _row("another group than the subject's", {"group": "other"})
    yield _row("an empty group", {"group": ""})
    images = {"offset": (-512, 0, 1, 1024, LONG), "size": (-1, 0, 1, 10**9, LONG)}
    for field, values in images.items():
        for value in values:
            yield _row(f"an image whose {field} is {value:,}", {}, {field: value})
            yield _row(f"a sidecar whose {field} is {value:,}", {}, {}, {field: value})
    yield _row("an image with another digest", {}, {"xxh3": bytes(16)})
    for ext in (
        "",
        "../x",
        "png/../../victim/file",
        "exe",
        "PNG",
        "a.b",
        "npy",
        "npy.zst",
        "mnt",
        f"p{ESCAPES}",
        FORGES,
        "p\0g",
    ):
        yield _row(f"an image with the ending {shown(ext)}", {}, {"ext": ext})
        yield _row(f"a sidecar with the ending {shown(ext)}", {}, {}, {"ext": ext})
    sources = (
        *(
            "",
            ".",
            "..",
            "/",
            "s",
            "../victim/file",
            str(victim / "new"),
            f"{victim}/file",
            "~/x",
            "a/../../victim/new",
        ),
        *(
            ".shardkit-unpack/train-000000.tar",
            "train-000000.tar/x",
            "a\0b",
            FORGES,
            ESCAPES,
            "a" * 5000,
            "a/" * 400 + "b",
        ),
        *("images.bin", ".bashrc", "index/train-00000.parquet", "manifest.json", "a//b", "./a", "a/"),
    )
    for source in sources:
        yield _row(f"the source {shown(source)}", {"source": source.encode()}, verified=_NOT_COMPARED)
    yield Case("index: one source twice", "values", Edits(rows=_same_source), verified=_NOT_COMPARED)
    yield Case("index: a source below another", "values", Edits(rows=_source_below), verified=_NOT_COMPARED)


def _row(name: str, values: Row, image: Row | None = None, sidecar: Row | None = None, verified: str = "") -> Case:
    def edit(rows: list[Row]) -> None:
        rows[0] |= values
        rows[0]["image"] |= image or {}
        rows[0]["sidecars"][0] |= sidecar or {}

    return Case(f"index: {name}", "values", Edits(rows=edit), verified=verified)


def _same_source(rows: list[Row]) -> None:
    rows[1]["source"] = rows[0]["source"]


def _source_below(rows: list[Row]) -> None:
    rows[1]["source"] = rows[0]["source"] + b"/x.png"


def _shards(victim: Path) -> Iterator[Case]:
    values: dict[str, tuple[Any, ...]] = {
        "samples": (0, -1, 3, 10**12, LONG),
        "size": (0, -1, 1024, 10**12, LONG),
        "row_group": (-1, 1, 99, INT),
        "generation": (-1, 7, INT),
        "blake3": ("", "x" * 64, "0" * 64, ESCAPES, FORGES),
        "rows": ("", "0" * 64, ESCAPES),
        "other": (bytes(16),),
        "index": (
            *("", "../victim/other.parquet", str(victim / "other.parquet"), "index/../../victim/other.parquet"),
            *(
                "index",
                "index/",
                "manifest.json",
                "shards.parquet",
                "train-000000.tar",
                "index/val-00000.parquet",
                FORGES,
            ),
        ),
        "name": (
            *("", ".", "..", "../victim/file", str(victim / "file"), "index/train-00000.parquet", "manifest.json"),
            *("shards.parquet", "B3SUMS", "train-000001.tar", "val-000007.tar", "train-000000", ".shardkit", "a" * 300),
            *(FORGES, f"{ESCAPES}.tar", "train-\0.tar", "train-999999999999999999999.tar"),
        ),
        "split": ("", "..", "val", "other", "train/x", ESCAPES, FORGES),
    }
    for name, edit in variants(values, 0):
        verified = _SHOWN_ALONE if name.startswith("generation") else ""
        yield Case(f"shards: {name}", "values", Edits(shards=edit), verified=verified)
    yield Case("shards: two rows of one shard", "values", Edits(shards=lambda rows: rows.append(dict(rows[0]))))
    yield Case("shards: one row less", "values", Edits(shards=drop(-1)))
    yield Case("shards: none", "values", Edits(shards=lambda rows: rows.clear()))


def _subjects() -> Iterator[Case]:
    values: dict[str, tuple[Any, ...]] = {
        "label": (-1, 1, 7, LONG, -(2**63)),
        "impressions": (0, -1, 3, LONG),
        "generation": (-1, 7, INT),
        "split": ("", "other", "val", "../x", ESCAPES, FORGES),
        "group": ("", "other", ESCAPES, FORGES),
        "subject": ("", "other", "..", ESCAPES, FORGES),
    }
    for name, edit in variants(values, 0):
        verified = _SHOWN_ALONE if name.startswith("generation") else ""
        yield Case(f"subjects: {name}", "values", Edits(subjects=edit), verified=verified)
    yield Case("subjects: one twice", "values", Edits(subjects=lambda rows: rows.append(dict(rows[0]))))
    yield Case("subjects: none", "values", Edits(subjects=lambda rows: rows.clear()))


def _keys(victim: Path) -> Iterator[Case]:
    """Keys that headers, index and tables all agree on."""
    keys = {
        "without a slash": ("key", "key", ""),
        "with two slashes": ("a/b/c", "a", "b/c"),
        "with a dot": ("a/b.c", "a", "b.c"),
        "absolute": (f"{victim}/file", str(victim), "file"),
        "of a slash alone": ("/", "", ""),
        "of another subject": ("a/0", "b", "0"),
    }
    keys |= {f"{what}, as impression": (f"a/{name}", "a", name) for what, name in NAMES.items()}
    keys |= {f"{what}, as subject": (f"{name}/0", name, "0") for what, name in NAMES.items()}
    for what, (key, subject, impression) in keys.items():
        if len(key) > 250 and not any(each == "/" for each in key[-101:-5]):
            continue  # no header of a tar holds it
        edit = partial(_rename_key, key, subject, impression)
        verified = _ANY_LETTERS if any(each in what for each in _ALLOWED) else ""
        for kind in ("tree", "adopted"):
            yield Case(f"key: {what}, {kind}", "keys", Edits(samples=edit, kind=kind), verified=verified, key=key)
    for what in _HOSTILE:
        yield Case(f"group: {what}", "keys", Edits(samples=partial(_rename_group, NAMES[what])))
        endings = partial(_rename_sidecar, NAMES[what])
        yield Case(f"ending: {what}", "keys", Edits(samples=endings))
    yield Case("key: one twice in a shard", "keys", Edits(samples=_same_key))
    yield Case("key: of another shard", "keys", Edits(samples=_key_of_other_shard))


def _rename_key(key: str, subject: str, impression: str, samples: list[Row]) -> None:
    """Give the first sample another key, and the other sample of its subject the same subject."""
    other = samples[1]["impression"]
    samples[0] |= {"key": key, "subject": subject, "impression": impression, "group": subject}
    samples[1] |= {"key": f"{subject}/{other}", "subject": subject, "group": subject}


def _rename_group(name: str, samples: list[Row]) -> None:
    for each in samples[:2]:
        each["group"] = name


def _rename_sidecar(name: str, samples: list[Row]) -> None:
    samples[0]["payloads"][name] = samples[0]["payloads"].pop("mnt")


def _same_key(samples: list[Row]) -> None:
    samples[1] |= {name: samples[0][name] for name in ("key", "subject", "impression")}


def _key_of_other_shard(samples: list[Row]) -> None:
    samples[0] |= {"key": "s99/0", "subject": "s99"}


def _splits() -> Iterator[Case]:
    reserved = (
        "B3SUMS",
        "SHA256SUMS",
        "SHA256SUMS-00001",
        "shards",
        "shards-00001",
        "subjects",
        "subjects-00000",
        "skipped",
        "index",
        "manifest",
    )
    for name in reserved:
        yield Case(f"split: {name}", "splits", Edits(splits=(name, "val")), verified=_REFUSED_WHEN_PACKED)
    odd = ("", ".", "..", "../victim", "a b", "a/b", "-x", "caf\xe9", "a" * 240, "A.tar", FORGES, ESCAPES)
    for name in odd:
        verified = "the format allows this name" if NAME.fullmatch(name) else ""
        yield Case(f"split: {shown(name)}", "splits", Edits(splits=(name, "val")), verified=verified)
