"""Datasets written from `docs/format.md` alone, honest ones and such as lie.

Each step hands what it made to an edit before the next one computes digests of it. So a dataset can say anything, and
every digest in it still matches.
"""

import itertools
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from tests.support.dataset_tables import INDEX, SHARDS, SUBJECTS, parquet
from tests.support.format_digests import digest_class_map, digest_dataset, digest_of, digest_rows
from tests.support.tar_writer import npy_zst, png, tar

Row = dict[str, Any]
Files = dict[str, bytes]
OPTIONS: Row = {
    **dict.fromkeys(("arrays", "enhance", "exclude", "files", "groups", "layout", "shape", "size")),
    "check": "header",
    "codec": "png",
    "color": "keep",
    "fit": "pad",
    "sha256": False,
    "shard_size": 2000,
    "splits": "train=0.5,val=0.5",
}
ARRAY_FILES: Row = {
    "images": "images.bin",
    "images_head": "",
    "labels": "labels.bin",
    "labels_head": "",
    "label_type": "<i4",
    "samples": 10,
    "type": "<f4",
}
PREPARATION: Row = {
    **dict.fromkeys(("enhance", "enhance_version", "fit", "ridge_width", "size")),
    "color": "keep",
    "color_version": 1,
    "geometry_version": 1,
}
ADOPTED_OPTIONS: Row = {"adopted": True, "key": None, "label_field": "label", "split": "train"}
VERSIONS = {"shardkit": "0.0.1"}

_SEED = 0x53484152444B4954
_HALF = 1 << 63
_MANY_ROWS, _LARGE_TABLE = 10_000, 10 << 20
"""The digest of more takes too long here, and a table so large is refused before it is needed."""


def _leave(_value: Any) -> None:  # noqa: ANN401 - an edit of nothing
    pass


def _same(value: Any) -> Any:  # noqa: ANN401 - an edit of nothing
    return value


def _same_table(table: pa.Table, _row_group: int) -> pa.Table:
    return table


@dataclass(frozen=True)
class Edits:
    """What is changed in a dataset, in the order in which it is made. Edits of values change them in place."""

    splits: tuple[str, str] = ("train", "val")
    kind: str = "tree"
    """Or `arrays`, or `adopted`."""
    generations: int = 1
    removed: bool = False
    """Write what is staged by a removal of the first subject: one generation with the number 1."""
    samples: Callable[[list[Row]], None] = _leave
    """Those of the first shard, before its tar is written."""
    tar: Callable[[bytes], bytes] = _same
    """The first shard's tar."""
    rows: Callable[[list[Row]], None] = _leave
    """The first shard's rows of the index."""
    index: Callable[[pa.Table, int], pa.Table] = _same_table
    """The tables of the first index file, with the number of each row group."""
    shards: Callable[[list[Row]], None] = _leave
    subjects: Callable[[list[Row]], None] = _leave
    spare: Callable[[Row], None] = _leave
    """The copy of the manifest's own fields that the shard table keeps."""
    files: Callable[[Files], None] = _leave
    """The content of every file but tars, lists of digests and the manifest."""
    generation: Callable[[Row], None] = _leave
    sums: Callable[[bytes], bytes] = _same
    manifest: Callable[[Row], None] = _leave
    sealed: Callable[[bytes], bytes] = _same
    """The bytes of the manifest, after its own digest was taken."""


@dataclass
class Dataset:
    files: Files = field(default_factory=dict)
    sources: Files = field(default_factory=dict)
    """The tree that the dataset says that it was packed from."""
    samples: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    """Those of the first shard, as the index has them."""
    tables: dict[str, tuple[pa.Table, bytes | None]] = field(default_factory=dict)
    """Of each tar, the rows of the index and the digest of what follows its last payload."""

    def write(self, folder: Path) -> None:
        write_files(folder, self.files)


def write_files(folder: Path, files: Files) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def combined(*edits: Edits) -> Edits:
    """Return one edit of several; each changes other fields."""
    changed = [
        (each.name, getattr(edit, each.name))
        for edit in edits
        for each in fields(Edits)
        if getattr(edit, each.name) != each.default
    ]
    assert len(dict(changed)) == len(changed), "two edits of one field"
    return Edits(**dict(changed))


def build(edits: Edits = Edits()) -> Dataset:
    return _Builder(edits).build()


class _Builder:
    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        self._dataset = Dataset()
        self._sealed: dict[str, Row] = {}
        self._generations: list[Row] = []
        self._shards: list[Row] = []
        self._subjects: dict[tuple[str, str], Row] = {}
        self._names = {split: _names_in(place) for place, split in enumerate(edits.splits)}
        self._samples = itertools.count()

    def build(self) -> Dataset:
        for number in range(self._edits.generations):
            self._add_generation(number)
        if self._edits.kind == "arrays":
            self._dataset.sources = self._arrays()
        schema = {"name": "shardkit", "major": 1, "minor": 0}
        described = {"schema": schema, "files": self._sealed, "generations": self._generations}
        manifest = {**described, **terms_of(self._edits), "digest": self._generations[-1]["digest"]}
        self._edits.manifest(manifest)
        manifest["self"] = digest_of(canonical(manifest))
        self._dataset.files["manifest.json"] = self._edits.sealed(canonical(manifest))
        return self._dataset

    def _add_generation(self, number: int) -> None:
        before = dict(self._subjects)
        shards = [shard for split in self._edits.splits for shard in self._split(number, split)]
        subjects = [each for who, each in self._subjects.items() if who not in before]
        if number == 0:
            self._edits.shards(shards)
            self._edits.subjects(subjects)
        self._shards += shards
        self._subjects = before | {(each["split"], each["subject"]): each for each in subjects}
        generation = self._generation(number, shards)
        files = self._tables(generation, shards, subjects)
        if number == 0:
            self._edits.files(files)
            self._edits.generation(generation)
        self._generations.append(generation)
        self._seal(number + self._edits.removed, files, [each["name"] for each in shards])

    def _tables(self, generation: Row, shards: list[Row], subjects: list[Row]) -> Files:
        spare = {
            **terms_of(self._edits),
            **{name: generation[name] for name in ("number", "by", "versions", "skipped")},
        }
        spare["classes"] = {split: each["classes"] for split, each in generation["splits"].items()}
        self._edits.spare(spare)
        return {
            generation["shards"]: parquet([pa.Table.from_pylist(shards, SHARDS)], {b"shardkit": canonical(spare)}),
            generation["subjects"]: parquet([pa.Table.from_pylist(subjects, SUBJECTS)]),
            generation["listed"]: b"",
            **{name: self._dataset.files.pop(name) for name in generation["index"] if name in self._dataset.files},
        }

    def _seal(self, number: int, files: Files, tars: list[str]) -> None:
        digests = {name: digest_of(content) for name, content in files.items()}
        digests |= {name: digest_of(self._dataset.files.get(name, b"")) for name in tars}
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
        files = {**files, _numbered("B3SUMS", number): self._edits.sums(lines.encode("utf-8", "surrogateescape"))}
        self._dataset.files |= files
        self._sealed |= {name: {"blake3": digest_of(each), "size": len(each)} for name, each in files.items()}

    def _split(self, number: int, split: str) -> Iterator[Row]:
        """Write the tars and the index that a generation adds to a split."""
        first_split = split == self._edits.splits[0]
        index = f"index/{split}-{number + self._edits.removed:05}.parquet"
        start = sum(each["split"] == split for each in self._shards)
        tables = []
        for place in range(2 if first_split and number == 0 else 1):
            first = first_split and number == place == 0
            shard, rows = self._shard(number, split, first=first, subjects=2 if first_split else 1)
            table = pa.Table.from_pylist(rows, INDEX)
            tables.append(self._edits.index(table, place) if first_split else table)
            digest = _digest(tables[-1])
            name = f"{split}-{start + place:06}.tar"
            self._dataset.files[name] = shard.pop("content")
            self._dataset.rows = self._dataset.rows or rows
            self._dataset.tables[name] = (table, shard["other"])
            yield {**shard, "name": name, "rows": digest, "index": index, "row_group": place}
        self._dataset.files[index] = parquet(tables)

    def _shard(self, number: int, split: str, *, first: bool, subjects: int) -> tuple[Row, list[Row]]:
        """Return a shard's row with its content and without what the index adds, and its rows of the index."""
        names = [next(self._names[split]) for _ in range(subjects)]
        samples = [self._sample(number, split, name, place) for name in names for place in range(2)]
        if first:
            del samples[: 2 * self._edits.removed]
            self._edits.samples(samples)
        self._remember(number, split, samples)
        members = [(f"{each['key']}.{ext}", content) for each in samples for ext, content in each["payloads"].items()]
        packed = tar(members)
        rows = list(self._rows(samples, packed.content, iter(packed.offsets)))
        content = self._edits.tar(packed.content) if first else packed.content
        last = (rows[-1]["image"], *rows[-1]["sidecars"])[-1]
        if first:
            self._edits.rows(rows)
        digests = {"blake3": digest_of(content), "other": self._other(content[last["offset"] + last["size"] :])}
        described = {"split": split, "samples": len(rows), "size": len(content), "generation": number}
        return {**described, **digests, "content": content}, rows

    def _sample(self, number: int, split: str, name: str, place: int) -> Row:
        seed = next(self._samples)
        label = self._label(split, name)
        arrays = self._edits.kind == "arrays"
        subject, impression = (str(label), str(seed)) if arrays else (name, str(place))
        key = f"{subject}/{impression}"
        image = {"npy.zst": npy_zst(seed)} if arrays else {"png": png(seed)}
        sidecars = {} if arrays else {"json": b'{"seed": %d}' % seed, "mnt": b"minutiae of %d\n" % seed}
        sides = dict.fromkeys(("original_width", "original_height", "width", "height"), 4 if arrays else 8)
        named = {"key": key, "subject": subject, "impression": impression, "group": subject, "label": label}
        stored = {"channels": 1, "bit_depth": 32 if arrays else 8, "generation": number}
        source = str(seed).encode() if arrays else f"{key}.png".encode()
        return {**named, **sides, **stored, "source": source, "payloads": {**image, **sidecars}}

    def _label(self, split: str, name: str) -> int:
        labels = self._labels.setdefault(split, {})
        return labels.setdefault(name, len(labels))

    @cached_property
    def _labels(self) -> dict[str, dict[str, int]]:
        return {}

    def _remember(self, number: int, split: str, samples: list[Row]) -> None:
        self._dataset.samples += samples
        for each in samples:
            described = {name: each[name] for name in ("subject", "group", "label")}
            fresh = {**described, "split": split, "impressions": 0, "generation": number}
            self._subjects.setdefault((split, each["subject"]), fresh)["impressions"] += 1
            stem = each["source"].rpartition(b".")[0].decode("utf-8", "replace")
            payloads = each["payloads"].items()
            self._dataset.sources |= {f"{stem}.{ext}": content for ext, content in payloads if "\0" not in ext}

    def _rows(self, samples: list[Row], content: bytes, offsets: Iterator[int]) -> Iterator[Row]:
        end = 0
        for sample in samples:
            members, other = [], b""
            for ext, payload in sample["payloads"].items():
                offset = next(offsets)
                members.append({"ext": ext, "offset": offset, "size": len(payload), "xxh3": xxh3_128_digest(payload)})
                other += content[end:offset]
                end = offset + len(payload)
            row = {name: sample[name] for name in INDEX.names if name in sample}
            yield {**row, "image": members[0], "sidecars": members[1:], "other": self._other(other)}

    def _other(self, content: bytes) -> bytes | None:
        return xxh3_128_digest(content) if self._edits.kind == "adopted" else None

    def _generation(self, number: int, shards: list[Row]) -> Row:
        by = "append" if number else "index" if self._edits.kind == "adopted" else "pack"
        if self._edits.removed:
            number, by = number + 1, "remove"
        digests = {"digest": digest_dataset(self._shards), "class_map": digest_class_map(self._subjects.values())}
        return {
            "number": number,
            "by": by,
            **digests,
            "versions": dict(VERSIONS),
            "splits": {split: self._totals(split) for split in sorted(self._edits.splits)},
            "packed": sum(each["samples"] for each in shards),
            "skipped": {},
            "shards": _numbered("shards", number, ".parquet"),
            "subjects": f"subjects-{number:05}.parquet",
            "listed": _numbered("skipped", number, ".jsonl"),
            "index": list(dict.fromkeys(each["index"] for each in shards)),
        }

    def _totals(self, split: str) -> Row:
        shards = [each for each in self._shards if each["split"] == split]
        subjects = [each for each in self._subjects.values() if each["split"] == split]
        sums = {"samples": sum(each["samples"] for each in shards), "bytes": sum(each["size"] for each in shards)}
        classes = max((each["label"] + 1 for each in subjects), default=0)
        return {**sums, "subjects": len(subjects), "shards": len(shards), "classes": classes}

    def _arrays(self) -> Files:
        labels = np.array([each["label"] for each in self._dataset.samples], "<i4")
        images = [np.arange(16, dtype="<f4") + number for number in range(len(labels))]
        return {"images.bin": b"".join(each.tobytes() for each in images), "labels.bin": labels.tobytes()}


def terms_of(edits: Edits) -> Row:
    """Return what holds for every generation."""
    thresholds = {"below": [f"{_HALF:016x}"], "names": list(edits.splits)}
    terms = {"options": dict(OPTIONS), "codec": "png", "choice": "as asked for", "preparation": {}}
    if edits.kind == "adopted":
        adopted = {"options": dict(ADOPTED_OPTIONS), "codec": "as found", "choice": "adopted as they are"}
        return {**terms, **adopted, "splitting": {}}
    if edits.kind == "arrays":
        options = {**OPTIONS, "codec": "zstd", "shape": [1, 4, 4], "arrays": dict(ARRAY_FILES)}
        splitting = {"by": "sample", "thresholds": thresholds}
        return {**terms, "options": options, "codec": "zstd", "preparation": dict(PREPARATION), "splitting": splitting}
    return {**terms, "splitting": {"thresholds": thresholds}}


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _digest(table: pa.Table) -> str:
    """Return the digest of rows, or nothing where it would take too long or a value has none."""
    if len(table) > _MANY_ROWS or table.nbytes > _LARGE_TABLE:
        return ""
    try:
        return digest_rows(table)
    except (struct.error, TypeError, AttributeError):
        return ""


def _names_in(place: int) -> Iterator[str]:
    """Yield names of subjects whose groups lie in the first or the second half of the circle."""
    names = (f"s{number:02}" for number in itertools.count())
    return (each for each in names if (xxh3_64_intdigest(each.encode(), _SEED) >= _HALF) == bool(place))


def _numbered(stem: str, generation: int, ending: str = "") -> str:
    return f"{stem}{ending}" if generation == 0 else f"{stem}-{generation:05}{ending}"
