"""Tables that are small as files and large as values, or that are no tables, or others."""

import base64
import random
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from tests.support.dataset_tables import INDEX, SHARDS, SUBJECTS, parquet, repeated, replace_column
from tests.support.dataset_writer import Edits, Files, Row
from tests.support.hostile_case import Case, plant_nothing, put, sparse

_INDEX_FILE = "index/train-00000.parquet"
_TABLES = {"shards.parquet": SHARDS, "subjects-00000.parquet": SUBJECTS, _INDEX_FILE: INDEX}
_CONVERTED = "values of another type that convert to the documented one are the same values"
_UNUSED = "a bit that changes no value may be any, as long as the file has the digest that is recorded"
_DIGEST = bytes(16)
_MEMBER = {"ext": "png", "offset": 512, "size": 100, "xxh3": _DIGEST}
_SHARD = {
    "name": "train-000000.tar",
    "split": "train",
    "samples": 1,
    "size": 2048,
    "blake3": "0" * 64,
    "rows": "0" * 64,
    "index": _INDEX_FILE,
    "row_group": 0,
    "generation": 0,
    "other": None,
}
_SUBJECT = {"subject": "s00", "group": "s00", "split": "train", "label": 0, "impressions": 1, "generation": 0}


def cases() -> Iterator[Case]:
    yield from _many_rows()
    yield from _large_values()
    yield from _other_types()
    yield from _missing_values()
    yield from _no_tables()


def _case(name: str, edits: Edits, verified: str = "") -> Case:
    return Case(f"table: {name}", "tables", edits, verified=verified)


def _many_rows() -> Iterator[Case]:
    """Rows that take no space, be it that the manifest counts them too."""
    million = 1_000_000
    for name, row, kind, groups in (
        ("shards.parquet", _SHARD, "shards", 4),
        ("shards.parquet", _SHARD, "shards", 20),
        ("subjects-00000.parquet", _SUBJECT, "subjects", 20),
    ):
        bomb = partial(_rows_for, name, row, million, groups)
        yield _case(f"{groups} million {kind}", Edits(files=bomb))
        counted = partial(_count, "train", kind, groups * million)
        yield _case(f"{groups} million {kind}, as the manifest counts", Edits(files=bomb, generation=counted))
    bomb = partial(_rows_for, "shards.parquet", _SHARD, 1, 2_000)
    yield _case("2,000 row groups of shards", Edits(files=bomb))
    row = {**dict.fromkeys(INDEX.names, 1), **dict.fromkeys(("key", "subject", "impression", "group"), "s00/0")}
    row |= {"source": b"x", "image": _MEMBER, "sidecars": [], "other": None}
    yield _case("4 million rows of the index", Edits(files=partial(_rows_for, _INDEX_FILE, row, 2 * million, 2)))


def _large_values() -> Iterator[Case]:
    """Texts that many rows share, and lists of nothing: a few kilobytes each."""
    for name in ("group", "source", "key"):
        yield _many_samples(f"20,000 rows of one {name} of 400 kB", 20_000, partial(_shared, name, "g" * 400_000))
    yield _many_samples("40 million missing sidecars", 4, partial(_sidecars, 10_000_000, missing=True), as_text=False)
    yield _many_samples("10 million equal sidecars", 4, partial(_sidecars, 2_500_000, missing=False), as_text=False)
    yield _many_samples("a key of 200 MB", 4, partial(_shared, "key", "k" * 200_000_000))
    for name, column in (("shards.parquet", "name"), ("shards.parquet", "rows"), ("subjects-00000.parquet", "group")):
        yield _case(f"a {column} of 300 MB in {name}", Edits(files=partial(_large_text, name, column)))
    spare = Edits(spare=put(choice="x" * 200_000_000))
    yield _case("a spare copy of 200 MB", spare)


def _many_samples(name: str, count: int, edit: Callable[[pa.Table], pa.Table], *, as_text: bool = True) -> Case:
    """A shard of so many samples, in a tar that is long enough for them; `as_text` edits the other shard too."""
    size = count * 2048

    def index(table: pa.Table, row_group: int) -> pa.Table:
        if not row_group and count > len(table):
            table = pa.concat_tables([table.slice(0, 1)] * count).combine_chunks()
        return edit(table) if not row_group or as_text else table

    def shards(rows: list[Row]) -> None:
        rows[0] |= {"samples": count, "size": max(size, rows[0]["size"])}

    plant = sparse("train-000000.tar", size) if count > 4 else plant_nothing
    return Case(f"table: {name}", "tables", Edits(index=index, shards=shards), plant)


def _shared(name: str, text: str, table: pa.Table) -> pa.Table:
    value = text.encode() if name == "source" else text
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(table), np.int32)), pa.array([value]))
    return replace_column(table, name, column)


def _sidecars(count: int, table: pa.Table, *, missing: bool) -> pa.Table:
    """Give each row so many sidecars; the rows share the memory of one."""
    kind = INDEX.field("sidecars").type.value_type
    members = pa.nulls(count, kind) if missing else pa.repeat(pa.scalar(_MEMBER, kind), count)
    row = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), members)
    place = table.schema.get_field_index("sidecars")
    return table.set_column(place, "sidecars", pa.chunked_array([row] * len(table)))


def _other_types() -> Iterator[Case]:
    """Columns of other types, more of them, or fewer."""
    for name, column, kind in (
        ("shards.parquet", "samples", pa.string()),
        ("shards.parquet", "name", pa.binary()),
        ("shards.parquet", "size", pa.float64()),
        ("shards.parquet", "size", pa.decimal128(38, 2)),
        ("shards.parquet", "row_group", pa.int64()),
        ("subjects-00000.parquet", "label", pa.string()),
        ("subjects-00000.parquet", "subject", pa.large_string()),
        ("subjects-00000.parquet", "subject", pa.dictionary(pa.int32(), pa.string())),
        (_INDEX_FILE, "label", pa.float64()),
        (_INDEX_FILE, "label", pa.timestamp("us")),
        (_INDEX_FILE, "key", pa.binary()),
        (_INDEX_FILE, "width", pa.bool_()),
        (_INDEX_FILE, "source", pa.string()),
    ):
        edits = Edits(files=partial(_with_type, name, column, kind))
        yield _case(f"{column} of {name} as {kind}", edits, verified=_CONVERTED)
    for name, columns in (("shards.parquet", ("name", "index")), (_INDEX_FILE, ("key", "image", "sidecars", "label"))):
        for column in columns:
            yield _case(f"{name} without {column}", Edits(files=partial(_edited, name, _without(column))))
            yield _case(f"{column} of {name} as nothing but nulls", Edits(files=partial(_edited, name, _nulls(column))))
            yield _case(f"{column} of {name} as a list", Edits(files=partial(_edited, name, _lists(column))))
            yield _case(f"{name} with {column} twice", Edits(files=partial(_edited, name, _twice(column))))
    for name in _TABLES:
        yield _case(f"{name} with 3,000 columns more", Edits(files=partial(_edited, name, _more_columns)))
        yield _case(f"{name} without a row", Edits(files=partial(_edited, name, lambda table: table.slice(0, 0))))
        yield _case(f"{name} with bytes that are no text", Edits(files=partial(_edited, name, _no_text)))


def _missing_values() -> Iterator[Case]:
    for name, schema in _TABLES.items():
        for column in schema.names:
            if column != "other":
                edit = partial(_edited, name, partial(_first_missing, column))
                yield _case(f"{name} with a missing {column}", Edits(files=edit))
    for field in ("ext", "offset", "size", "xxh3"):
        image = {**_MEMBER, field: None}
        yield _case(f"an image without {field}", Edits(rows=put(0, image=image)))
        yield _case(f"a sidecar without {field}", Edits(rows=put(0, sidecars=[image])))


def _no_tables() -> Iterator[Case]:
    contents: dict[str, Callable[[bytes], bytes]] = {
        "empty": lambda _: b"",
        "text": lambda _: b"name,split\n" * 100,
        "cut": lambda table: table[: len(table) // 2],
        "magic bytes alone": lambda _: b"PAR1PAR1",
        "a footer longer than the file": lambda table: table[:-8] + b"\xff\xff\xff\x7fPAR1",
        "a footer of no bytes": lambda table: table[:-8] + b"\0\0\0\0PAR1",
        "an Arrow file": lambda _: b"ARROW1\0\0" + bytes(100),
        "zeros": lambda table: bytes(len(table)),
        **{f"flipped bits, {seed}": partial(_flipped, seed) for seed in range(3)},
        **{f"flipped bits in the footer, {seed}": partial(_flipped_footer, seed) for seed in range(5)},
        "a schema of Arrow that is none": partial(_schema, b"AAAA" * 200),
        "a schema of Arrow that is no base64": partial(_schema, b"\xff\x00!"),
        "a schema of Arrow of other types": partial(_schema, base64.b64encode(pa.schema({"x": pa.int8()}).serialize())),
    }
    for name in _TABLES:
        for what, change in contents.items():
            harmless = _UNUSED if what.startswith(("flipped bits", "a schema of Arrow of")) else ""
            yield _case(f"{name} is {what}", Edits(files=partial(_changed, name, change)), verified=harmless)


def _rows_for(name: str, row: Row, count: int, groups: int, files: Files) -> None:
    files[name] = parquet(repeated(row, _TABLES[name], count, groups))


def _count(split: str, kind: str, count: int, generation: Row) -> None:
    generation["splits"][split] |= {kind: count, "samples": count}


def _table(content: bytes) -> pa.Table:
    return pa.parquet.read_table(pa.BufferReader(content))


def _edited(name: str, edit: Callable[[pa.Table], pa.Table], files: Files) -> None:
    files[name] = parquet([edit(_table(files[name]))])


def _with_type(name: str, column: str, kind: pa.DataType, files: Files) -> None:
    table = _table(files[name])
    values = table[column].combine_chunks()
    cast = values.cast(pa.int64()).cast(kind) if kind == pa.timestamp("us") else values.cast(kind, safe=False)
    files[name] = parquet([replace_column(table, column, cast)])


def _without(column: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.drop_columns([column])


def _nulls(column: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: replace_column(table, column, pa.nulls(len(table)))


def _lists(column: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: replace_column(table, column, [[1]] * len(table), pa.list_(pa.int8()))


def _twice(column: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.append_column(table.schema.field(column), table[column])


def _more_columns(table: pa.Table) -> pa.Table:
    for number in range(3000):
        table = table.append_column(f"c{number}", pa.nulls(len(table), pa.int8()))
    return table


def _no_text(table: pa.Table) -> pa.Table:
    column = next(each.name for each in table.schema if each.type == pa.string())
    values = pa.array([b"\xff\xfe\x80"] * len(table), pa.binary())
    text = pa.StringArray.from_buffers(len(values), values.buffers()[1], values.buffers()[2])
    return replace_column(table, column, text)


def _first_missing(column: str, table: pa.Table) -> pa.Table:
    values = table[column].to_pylist()
    return replace_column(table, column, [None, *values[1:]])


def _large_text(name: str, column: str, files: Files) -> None:
    table = _table(files[name])
    values = [*(["x" * 300_000_000]), *table[column].to_pylist()[1:]]
    files[name] = parquet([replace_column(table, column, values)])


def _changed(name: str, change: Callable[[bytes], bytes], files: Files) -> None:
    files[name] = change(files[name])


def _flipped(seed: int, table: bytes) -> bytes:
    return _flip(seed, table, range(4, len(table) - 8))


def _flipped_footer(seed: int, table: bytes) -> bytes:
    size = int.from_bytes(table[-8:-4], "little")
    return _flip(seed, table, range(len(table) - 8 - size, len(table) - 8))


def _flip(seed: int, table: bytes, among: range) -> bytes:
    content = bytearray(table)
    content[random.Random(seed).choice(among)] ^= 1 << seed % 8  # noqa: S311 - bits, not secrets
    return bytes(content)


def _schema(content: bytes, table: bytes) -> bytes:
    return parquet([_table(table)], {b"ARROW:schema": content}, store_schema=False)
