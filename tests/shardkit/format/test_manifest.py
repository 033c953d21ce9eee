"""A manifest that differs by one bit is refused, and so is one that could lead elsewhere."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import Damaged, UsageError
from shardkit.format.json_values import canonical_json
from shardkit.format.manifest import MAX_MANIFEST_SIZE, manifest_bytes, parse_manifest, read_manifest
from shardkit.format.recorded_options import OPTION_TYPES, RecordedArrays
from shardkit.pack.adopt.receipts import AdoptOptions
from shardkit.pack.options import PackOptions
from shardkit.pack.source.array_files import ArrayFiles
from shardkit.schema import MAJOR, Generation, Manifest, Seal, Totals

PATH = Path("dataset/manifest.json")

GENERATION = Generation(
    number=0,
    by="pack",
    digest="d" * 64,
    class_map="c" * 64,
    versions={"shardkit": "1"},
    splits={"train": Totals(samples=2, subjects=1, shards=1, bytes=2048, classes=1)},
    packed=2,
    skipped={"changed": 1},
    shards="shards.parquet",
    subjects="subjects-00000.parquet",
    listed="skipped.jsonl",
    index=("index/train-00000.parquet",),
)
MANIFEST = Manifest(
    options={"codec": "png", "size": None, "layout": "{subject}/é.png"},
    codec="png",
    choice="as asked for",
    preparation={},
    generations=(GENERATION,),
    files={"shards.parquet": Seal("b" * 64, 100)},
    splitting={"thresholds": {"names": ["train"], "below": []}},
)
WHOLE = manifest_bytes(MANIFEST)


def sealed(fields: dict[str, Any]) -> bytes:
    """What somebody writes who knows how a manifest is sealed."""
    kept = {name: value for name, value in fields.items() if name != "self"}
    return canonical_json({**kept, "self": blake3(canonical_json(kept)).hexdigest()})


def test_it_comes_back() -> None:
    assert parse_manifest(WHOLE, PATH) == MANIFEST
    assert sealed(json.loads(WHOLE)) == WHOLE


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 7))
def test_every_flipped_bit_is_found(at: int, bit: int) -> None:
    hurt = WHOLE[:at] + bytes([WHOLE[at] ^ 1 << bit]) + WHOLE[at + 1 :]
    with pytest.raises((Damaged, UsageError)):
        parse_manifest(hurt, PATH)


@given(st.integers(0, len(WHOLE) - 1))
def test_every_cut_is_found(length: int) -> None:
    with pytest.raises(Damaged, match="shardkit repair dataset"):
        parse_manifest(WHOLE[:length], PATH)


@pytest.mark.parametrize(
    "content",
    [b"", b"null\n", b"[]\n", b"{}\n", b"7\n", b"[" * 100_000, WHOLE + b"\n", WHOLE + WHOLE, WHOLE[:-1] + b" \n"],
)
def test_what_is_no_manifest_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged):
        parse_manifest(content, PATH)


@pytest.mark.parametrize(
    "schema", [{"name": "shardkit", "major": MAJOR + 1, "minor": 0}, {"name": "other", "major": 1}]
)
def test_another_format_is_refused_as_such(schema: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="is not shardkit 1"):
        parse_manifest(sealed({**json.loads(WHOLE), "schema": schema}), PATH)


def test_the_name_of_another_format_makes_no_line_of_its_own() -> None:
    schema = {"name": "x 1 is fine\nError: \x1b[2J" + "long" * 100, "major": 1, "minor": 0}
    with pytest.raises(UsageError) as refused:
        parse_manifest(sealed({**json.loads(WHOLE), "schema": schema}), PATH)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/b", ".hidden", "", "a b", "x\n", "index/../x", "é"])
@pytest.mark.parametrize("where", ["files", "shards", "subjects", "listed", "index", "splits"])
def test_a_name_that_leads_elsewhere_is_refused(where: str, name: str) -> None:
    values: dict[str, Any] = {"index": (name,), "splits": {name: GENERATION.splits["train"]}}
    if where == "files":
        odd = replace(MANIFEST, files={name: Seal("b" * 64, 1)})
    else:
        odd = replace(MANIFEST, generations=(replace(GENERATION, **{where: values.get(where, name)}),))
    with pytest.raises(UsageError, match="is not allowed in a dataset"):
        parse_manifest(manifest_bytes(odd), PATH)


@pytest.mark.parametrize("field", ["generations", "files", "codec", "options", "self", "splitting"])
def test_a_missing_field_is_damage(field: str) -> None:
    fields = json.loads(WHOLE)
    del fields[field]
    with pytest.raises(Damaged):
        parse_manifest(sealed(fields) if field != "self" else canonical_json(fields), PATH)


def test_a_dataset_without_a_generation_is_damage() -> None:
    with pytest.raises(Damaged):
        parse_manifest(sealed({**json.loads(WHOLE), "generations": []}), PATH)


@pytest.mark.parametrize("numbers", [(1, 0), (0, 0), (0, 2, 1)])
def test_generations_have_ascending_numbers(numbers: tuple[int, ...]) -> None:
    odd = replace(MANIFEST, generations=tuple(replace(GENERATION, number=number) for number in numbers))
    with pytest.raises(Damaged):
        parse_manifest(manifest_bytes(odd), PATH)


@pytest.mark.parametrize(
    "odd",
    [
        {"number": []},
        {"number": True},
        {"packed": -1},
        {"packed": 1 << 63},
        {"packed": 0.5},
        {"by": ["pack"]},
        {"index": [[1]]},
        {"index": "x"},
        {"splits": {}},
        {"splits": {"train": {"samples": "2"}}},
        {"splits": []},
        {"skipped": {"changed": "1"}},
        {"versions": {"shardkit": None}},
        {"more": 1},
    ],
    ids=str,
)
def test_a_generation_of_another_shape_is_damage(odd: dict[str, Any]) -> None:
    fields = json.loads(WHOLE)
    fields["generations"][0] |= odd
    with pytest.raises(Damaged):
        parse_manifest(sealed(fields), PATH)


ARRAYS = {
    "images": "images.npy",
    "labels": "labels.npy",
    "samples": 1,
    "type": "|u1",
    "label_type": "<i8",
    "images_head": "00ff",
    "labels_head": "",
}
THRESHOLDS = {"names": ["train", "val"], "below": ["0" * 16]}


@pytest.mark.parametrize(
    "options",
    [
        {},
        PackOptions().record(),
        PackOptions(size=448, fit="crop", layout="{subject}/{impression}.png", enhance="gabor").record(),
        {"shape": [3, 32, 32], "arrays": ARRAYS},
        {"shape": [268, 999_999], "arrays": ARRAYS},
        AdoptOptions(None, "label", "train").record(),
        {"of a later version": [1, {"x": None}]},
    ],
    ids=str,
)
def test_options_that_can_be_meant_are_taken(options: dict[str, Any]) -> None:
    assert parse_manifest(manifest_bytes(replace(MANIFEST, options=options)), PATH).options == options


@pytest.mark.parametrize(
    "odd",
    [
        {"codec": "gif"},
        *(
            {"options": {"shape": shape, "arrays": ARRAYS}}
            for shape in ([10**9] * 3, ["x", {}], [], [3], [0, 3], [1] * 4)
        ),
        *(
            {"options": {"shape": [3, 3], "arrays": ARRAYS | {"images": name}}}
            for name in ("/etc/passwd", "../images.npy")
        ),
        {"options": {"shape": [3, 3], "arrays": ARRAYS | {"labels": "labels.bin/x"}}},
        {"options": {"shape": [3, 3], "arrays": ARRAYS | {"images_head": "0g"}}},
        {"options": {"shape": [3, 3], "arrays": ARRAYS | {"images_head": "00" * 70_000}}},
        {"options": {"shape": [3, 3], "arrays": ARRAYS | {"type": "|O"}}},
        {"options": {"shape": [3, 3], "arrays": ARRAYS | {"label_type": "<f8"}}},
        {"options": {"shape": [3, 3], "arrays": ARRAYS | {"more": 1}}},
        {"options": {"shape": [3, 3], "arrays": {}}},
        {"options": {"shape": [3, 3]}},
        {"options": {"arrays": ARRAYS}},
        *({"options": {"size": size}} for size in (-5, 0, 10**9, "8", True)),
        *({"options": {"shard_size": size}} for size in (0, -1, None)),
        {"options": {"fit": "squeeze"}},
        {"options": {"layout": 7}},
        {"options": {"sha256": 1}},
        {"options": {"adopted": "yes"}},
        {"preparation": {"size": 10**9}},
        {"preparation": {"fit": [1]}},
        *({"splitting": {"thresholds": THRESHOLDS | odd}} for odd in ({"names": ["train"]}, {"names": ["train"] * 2})),
        *({"splitting": {"thresholds": THRESHOLDS | {"below": [place]}}} for place in ("x" * 16, "1", 7)),
        {"splitting": {"thresholds": {"names": ["a", "b", "c"], "below": ["f" * 16, "0" * 16]}}},
        {"splitting": {"thresholds": []}},
    ],
    ids=lambda odd: str(odd)[:80],
)
def test_terms_that_no_version_writes_are_damage(odd: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match="no version writes this, though it matches its own digest"):
        parse_manifest(manifest_bytes(replace(MANIFEST, **odd)), PATH)


@pytest.mark.parametrize("name", ["../val", "a b"])
def test_a_threshold_names_a_split(name: str) -> None:
    odd = replace(MANIFEST, splitting={"thresholds": THRESHOLDS | {"names": ["train", name]}})
    with pytest.raises(UsageError, match="is not allowed in a dataset"):
        parse_manifest(manifest_bytes(odd), PATH)


def test_what_is_recorded_is_what_is_checked() -> None:
    """So that no option is added that a stranger may set to anything."""
    assert OPTION_TYPES.keys() == PackOptions().record().keys() | AdoptOptions(None, "label", "train").record().keys()
    assert {each.name for each in fields(RecordedArrays)} == {each.name for each in fields(ArrayFiles)}


@pytest.mark.parametrize("name", ["shards", "subjects", "listed", "index"])
def test_a_file_belongs_to_one_generation(name: str) -> None:
    """Thousands of generations in a megabyte would have one table read thousands of times."""
    later = replace(
        GENERATION,
        number=1,
        shards="shards-00001.parquet",
        subjects="subjects-00001.parquet",
        listed="skipped-00001.jsonl",
        index=("index/train-00001.parquet",),
    )
    parse_manifest(manifest_bytes(replace(MANIFEST, generations=(GENERATION, later))), PATH)
    shared = replace(later, **{name: getattr(GENERATION, name)})

    with pytest.raises(Damaged, match="belongs to several generations"):
        parse_manifest(manifest_bytes(replace(MANIFEST, generations=(GENERATION, shared))), PATH)


@pytest.mark.parametrize(
    "odd",
    [
        {"number": 100_000},
        {"splits": {"train": Totals(2, 1, 1_000_001, 2048, 1)}},
        {"splits": {"train": Totals(2, 1, 1, 2048, 1 << 53)}},
    ],
    ids=str,
)
def test_what_names_of_files_cannot_count_is_damage(odd: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match="at most"):
        parse_manifest(manifest_bytes(replace(MANIFEST, generations=(replace(GENERATION, **odd),))), PATH)


@pytest.mark.parametrize("repeated", [b"{},", b"[],", b'"",'])
def test_many_small_values_are_not_made_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repeated: bytes
) -> None:
    (tmp_path / "manifest.json").write_bytes(b'{"options":[' + repeated * 1_100_000 + b"0]}\n")
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(Damaged, match="more values than a manifest can have"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ['{"x":' * 300 + "1" + "}" * 300, "[" * 50 + "]" * 50, "1" * 5000, "1e999", "NaN"])
def test_what_would_exhaust_whoever_reads_it_is_damage(text: str) -> None:
    with pytest.raises(Damaged):
        parse_manifest(WHOLE.replace(b'"size":null', b'"size":' + text.encode()), PATH)
    fields = json.loads(WHOLE)
    if text[0] in "{[":
        fields["options"]["size"] = json.loads(text)
        with pytest.raises(Damaged):
            parse_manifest(sealed(fields), PATH)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_a_value_is_written_in_one_way(value: object) -> None:
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text
    assert text.isascii()
    assert text.count(b"\n") == 1


def test_a_value_that_json_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"ratio": float("nan")})


def test_no_dataset_is_said_as_it_is(tmp_path: Path) -> None:
    for folder, said in [(tmp_path / "none", "no such folder"), (tmp_path, "not a dataset")]:
        with pytest.raises(UsageError, match=said):
            read_manifest(folder)
    (tmp_path / ".shardkit").mkdir()
    with pytest.raises(UsageError, match="its making has not ended"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("left", ["shards.parquet", "shards-00001.parquet", "index/train-00000.parquet"])
def test_a_lost_manifest_is_made_again_by_repair(tmp_path: Path, left: str) -> None:
    folder = tmp_path / "a b"
    (folder / left).parent.mkdir(parents=True)
    (folder / left).touch()
    with pytest.raises(UsageError, match=f"manifest.json is missing. `shardkit repair '{folder}'`"):
        read_manifest(folder)


def test_an_enormous_one_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(MAX_MANIFEST_SIZE * 1000)
    with pytest.raises(Damaged, match="more than 67,108,864 bytes"):
        read_manifest(tmp_path)
