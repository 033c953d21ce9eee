"""Manifests that are sealed and absurd, and such as are no manifests."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.dataset_writer import Edits, Files, Row, canonical
from tests.support.format_digests import digest_of
from tests.support.hostile_case import ESCAPES, FORGED, FORGES, LONG, Case, drop, put, shown, variants
from tests.support.hostile_options import TYPES

_TOTALS = ("samples", "subjects", "shards", "bytes", "classes")
_FIELDS: dict[str, tuple[Any, ...]] = {
    "digest": ("", "0" * 64, 5, ESCAPES),
    "schema": (
        *(5, {}, {"name": "shardkit"}, {"name": "shardkit", "major": 2, "minor": 0}),
        *({"name": "shardkit", "major": "1", "minor": 0}, {"name": "shardkit", "major": 1, "minor": 99}),
        *({"name": FORGES, "major": 1, "minor": 0}, {"name": ESCAPES, "major": ESCAPES, "minor": 0}),
    ),
    "generations": (*TYPES.values(), [None], ["x"]),
    "files": tuple(TYPES.values()),
    "unknown": (5,),
}
_GENERATION: dict[str, tuple[Any, ...]] = {
    "number": (-1, 7, LONG, "x", 1.0, True, None),
    "by": ("x", "append", ESCAPES, FORGES, 5),
    "digest": ("", "0" * 64, 5, ESCAPES),
    "class_map": ("", "0" * 64, 5, ESCAPES),
    "versions": ({}, 5, {ESCAPES: ESCAPES}, {"shardkit": FORGES}, {"shardkit": 5}),
    "packed": (-1, 0, LONG, "x"),
    "skipped": ({"truncated": 5}, {ESCAPES: 1}, {FORGES: LONG}, {"x": -1}, 5),
    "splits": ({}, 5, {"train": {}}, {"train": 5}, {"../x": {}}),
    "index": ([], ["index/nothing.parquet"], ["manifest.json"], 5, ["index/train-00000.parquet"] * 9),
}
_UNCHECKED = {
    "by": "who made a generation is shown and not checked",
    "versions": "versions are shown and not checked",
    "classes": "labels that were given to removed subjects count too",
}


def cases(victim: Path) -> Iterator[Case]:
    for name, edit in variants(_FIELDS):
        yield _case(name, edit)
    for name in ("options", "codec", "choice", "preparation", "splitting", "digest", "schema", "generations", "files"):
        yield _case(f"no {name}", drop(name))
    yield from _generations(victim)
    yield from _totals()
    yield from _files(victim)
    yield from _lists()
    yield from _raw()


def _case(name: str, edit: Callable[[Row], Any]) -> Case:
    return Case(f"manifest: {name}", "manifests", Edits(manifest=edit))


def _generations(victim: Path) -> Iterator[Case]:
    names = (
        *("", ".", "..", "manifest.json", "train-000000.tar", "nothing.parquet", "index/train-00000.parquet", 5),
        *("../victim/shards.parquet", str(victim / "shards.parquet"), FORGES, ESCAPES),
    )
    for name, edit in variants(_GENERATION | {"shards": names, "subjects": names[3:6], "listed": names[3:]}):
        verified = _UNCHECKED.get(name.partition(" ")[0], "") if "5" not in name else ""
        if name in {"number 7", f"number {LONG}"}:
            verified = "after a removal the one generation that there is may have any number"
        yield Case(f"generation: {name}", "manifests", Edits(generation=edit), verified=verified)
    many = [f"index/x-{number:05}.parquet" for number in range(50_000)]
    yield Case("generation: 50,000 index files", "manifests", Edits(generation=put(index=many)))
    yield _case("3,000 generations of one table", partial(_repeat_generation, 3000, 1))
    yield _case("generations of one number", partial(_repeat_generation, 2, 0))
    yield _case("generations that go back", partial(_repeat_generation, 2, -5))


def _repeat_generation(count: int, step: int, fields: Row) -> None:
    first = fields["generations"][0]
    fields["generations"] = [{**first, "number": number * step} for number in range(count)]


def _totals() -> Iterator[Case]:
    for name, edit in variants(dict.fromkeys(_TOTALS, (-1, 0, 10**12, LONG, "x")), "splits", "train"):
        large = name.endswith((str(10**12), str(LONG)))
        verified = _UNCHECKED.get(name.partition(" ")[0], "") if large else ""
        yield Case(f"totals: {name}", "manifests", Edits(generation=edit), verified=verified)
    for split in ("extra", "../x", ESCAPES, FORGES):
        edit = put("splits", **{split: dict.fromkeys(_TOTALS, 0)})
        yield Case(f"totals: a split {shown(split)}", "manifests", Edits(generation=edit))
    yield Case("totals: a split less", "manifests", Edits(generation=drop("splits", "val")))


def _files(victim: Path) -> Iterator[Case]:
    seal: Row = {"blake3": "0" * 64, "size": 9}
    names = (
        *("../victim/file", str(victim / "file"), ".shardkit/x", "manifest.json", "index/../x", "index/", "", ".."),
        *("train-000000.tar", "nothing", FORGES, ESCAPES, "a\0b", "B3SUMS-00007", "SHA256SUMS"),
    )
    for name in names:
        yield _case(f"files name {shown(name)}", put("files", **{name: seal}))
    for name in ("shards.parquet", "B3SUMS"):
        yield _case(f"{name} is not among the files", drop("files", name))
        yield _case(f"{name} sealed by a number", put("files", **{name: 5}))
        yield _case(f"{name} sealed by nothing", put("files", **{name: {}}))
        for what, edit in variants({"size": (-1, LONG), "blake3": (5, ESCAPES), "x": (1,)}, "files", name):
            yield _case(f"{name} sealed with {what}", edit)
    many = {f"x{number}": seal for number in range(50_000)}
    yield _case("50,000 files that are not there", put("files", **many))


def _lists() -> Iterator[Case]:
    contents = {
        "with escapes": f"{'0' * 64}  {ESCAPES}\n".encode(),
        "with a line feed": f"{'0' * 64}  x\n{FORGED}\n".encode(),
        "of one line of 100 MB": b"0" * 100_000_000,
        "leading out": f"{'0' * 64}  ../victim/file\n".encode(),
        "that is no text": b"\xff\xfe\x00" * 100,
        "of nothing": b"",
    }
    empty = "a list without a line is what the manifest counts"
    for what, content in contents.items():
        yield Case(f"B3SUMS {what}", "manifests", Edits(sums=partial(_instead, content)))
        verified = "" if b"\n" in content else empty
        yield Case(
            f"skipped.jsonl {what}", "manifests", Edits(files=partial(_list_instead, content)), verified=verified
        )


def _instead(content: bytes, _before: bytes) -> bytes:
    return content


def _list_instead(content: bytes, files: Files) -> None:
    files["skipped.jsonl"] = content


def _raw() -> Iterator[Case]:
    contents: dict[str, Callable[[bytes], bytes]] = {
        "empty": partial(_instead, b""),
        "no JSON": partial(_instead, b"hello\n"),
        "a list": partial(_instead, b"[]\n"),
        "null": partial(_instead, b"null\n"),
        "text in UTF-16": lambda content: content.decode().encode("utf-16"),
        "with a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
        "with bytes behind it": lambda content: content + b" ",
        "without its line feed": lambda content: content.rstrip(b"\n"),
        "100,000 lists deep": partial(_instead, b"[" * 100_000 + b"]" * 100_000),
        "a field 100,000 deep": lambda content: content.replace(b'"options":', b'"options":' + b'{"a":' * 100_000, 1),
        "with NaN": lambda content: content.replace(b'"number":0', b'"number":NaN'),
        "with a number of 5,000 digits": lambda content: content.replace(b'"number":0', b'"number":' + b"9" * 5000),
        "with one field twice": lambda content: content.replace(b'{"choice"', b'{"codec":"exe","choice"'),
        "without a digest": lambda content: content.replace(b'"self"', b'"other"'),
        "with another digest": lambda content: canonical({**json.loads(content), "self": "0" * 64}),
        "with a digest that is a number": lambda content: canonical({**json.loads(content), "self": 7}),
        "60 MB of objects": partial(_instead, b"[" + b"{}," * 20_000_000 + b"{}]"),
        "65 MB of spaces": lambda content: b" " * (65 << 20) + content,
        "with spaces, sealed": lambda content: _sealed(content, lambda value: json.dumps(value).encode()),
        "with half a surrogate pair, sealed": lambda content: _sealed(content, canonical, choice="\ud800"),
    }
    for what, change in contents.items():
        verified = "a choice is free text, which is shown escaped" if "surrogate" in what else ""
        yield Case(f"manifest: {what}", "manifests", Edits(sealed=change), verified=verified)


def _sealed(content: bytes, text: Callable[[Row], bytes], **values: object) -> bytes:
    fields = {**json.loads(content), **values}
    del fields["self"]
    return text({**fields, "self": digest_of(text(fields))})
