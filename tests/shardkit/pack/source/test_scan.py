"""What a scan finds: samples with their sidecars, by a layout given or found out, whatever the threads."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.pack.source.candidates import (
    CANDIDATE_SCHEMA,
    SKIPPED_SCHEMA,
    Candidate,
    ChunkedTable,
    Sidecar,
    candidate_chunk,
    candidate_table,
)
from shardkit.pack.source.file_types import MAX_IMAGE_SIZE, MAX_SIDECAR_SIZE
from shardkit.pack.source.layout import KNOWN_LAYOUTS, Layout, LayoutCensus, detect_layout, match_first
from shardkit.pack.source.lists import ListFile
from shardkit.pack.source.scan import ScanResult, scan, scan_listed_files
from tests.shardkit.pack.trees import details, keys, planted, reasons, scanned

TWO = ("batch_00000/subject_000001/impression_00.png", "batch_00001/subject_001000/impression_01.png")


def test_a_sample_with_its_sidecars(tmp_path: Path) -> None:
    planted(tmp_path, "7/a.png", "7/a.mnt", "7/a.JSON", "7/a-b.png", "7/a.b.png", "7/a.b.json", "8/a.png")
    os.utime(tmp_path / "7/a.png", ns=(1, 1_700_000_000_123_456_789))

    rows = {row["source"]: row for row in scanned(tmp_path).found.to_pylist()}

    row = rows[b"7/a.png"]
    assert (row["subject"], row["impression"], row["size"]) == ("7", "a", 7)
    assert row["mtime_ns"] == 1_700_000_000_123_456_789
    assert [(each["ext"], each["size"]) for each in row["sidecars"]] == [("JSON", 8), ("mnt", 7)]
    assert row["sidecars"][1]["mtime_ns"] == (tmp_path / "7/a.mnt").stat().st_mtime_ns
    assert [each["ext"] for each in rows[b"7/a.b.png"]["sidecars"]] == ["json"]
    assert rows[b"7/a-b.png"]["sidecars"] == rows[b"8/a.png"]["sidecars"] == []


def test_the_tables_have_their_schemas(tmp_path: Path) -> None:
    for result in (scanned(tmp_path), scanned(planted(tmp_path, *TWO))):
        assert result.found.schema == CANDIDATE_SCHEMA
        assert result.skipped.schema == SKIPPED_SCHEMA
        result.found.validate(full=True)


@pytest.mark.parametrize(
    ("files", "template", "expected"),
    [
        (TWO, "batch_{batch}/subject_{subject}/impression_{impression}.png", ["000001/00", "001000/01"]),
        (["a/1.png", "subject_2/1.PNG"], "{subject}/{impression}.png", ["a/1", "subject_2/1"]),
        (["subject_2/impression_1.png"], "subject_{subject}/impression_{impression}.png", ["2/1"]),
    ],
)
def test_a_layout_is_found_out(tmp_path: Path, files: list[str], template: str, expected: list[str]) -> None:
    result = scanned(planted(tmp_path, *files))

    assert keys(result) == expected
    assert result.layout == Layout.parse(template)


def test_a_stray_image_is_skipped(tmp_path: Path) -> None:
    result = scanned(planted(tmp_path, *TWO, "overview.png"))

    assert len(result.found) == 2
    assert reasons(result) == {b"overview.png": "layout"}


def test_two_layouts_in_one_tree_are_not_guessed_at(tmp_path: Path) -> None:
    planted(tmp_path, *TWO, "7/1.png")

    with pytest.raises(UsageError, match="several layouts") as caught:
        scanned(tmp_path)

    assert "2 PNGs as 'batch_{batch}/" in str(caught.value)
    assert "1 PNGs as '{subject}/{impression}.png', such as '7/1.png'. Say which with --layout" in str(caught.value)


def test_a_flat_folder_teaches_a_layout(tmp_path: Path) -> None:
    planted(tmp_path, *(f"{name}.png" for name in "hgfedcba"))

    with pytest.raises(
        UsageError, match=r"no known layout explains 8 of 8 PNGs.*'a.png', 'b.png', 'c.png'\."
    ) as caught:
        scanned(tmp_path)

    assert "Names alone do not say whose they are: give each subject a folder of its own" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "template"),
    [("7_1.png", "{subject}_{impression}.png"), ("a-b-2.PNG", "{subject}-{impression}.png")],
)
def test_a_flat_folder_of_names_in_two_parts_teaches_a_layout(tmp_path: Path, name: str, template: str) -> None:
    planted(tmp_path, name)
    with pytest.raises(UsageError) as caught:
        scanned(tmp_path)
    assert f"--layout '{template}'" in str(caught.value)
    assert Layout.parse(template).match(name.encode())


def test_a_deeper_tree_teaches_a_layout(tmp_path: Path) -> None:
    """Left and right hand under one subject's name would become one finger."""
    planted(tmp_path, "left/x/7/1.png", "right/x/7/2.png")

    with pytest.raises(UsageError, match=r"--layout '\{_\}/\{_\}/\{subject\}/\{impression\}\.png'"):
        scanned(tmp_path)

    assert keys(scanned(tmp_path, "{hand}/x/{subject}/{impression}.png")) == ["7/1", "7/2"]


def test_a_few_that_match_do_not_speak_for_many_that_do_not(tmp_path: Path) -> None:
    planted(tmp_path, "a/b/1/1.png", "a/b/1/2.png", "thumbs/all.png")

    with pytest.raises(UsageError, match="no known layout explains 2 of 3 PNGs"):
        scanned(tmp_path)


def test_a_layout_that_explains_nothing(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"explains none of 2 PNGs.*batch_00000/subject_000001.*--layout '\{_\}/\{subj"
    ):
        scanned(planted(tmp_path, *TWO), "{subject}_{impression}.png")


@given(st.lists(st.sampled_from([*TWO, "7/1.png", "8/1.png", "x.png", "a/b/c/d.png", "subject_1/impression_1.png"])))
def test_detection_does_not_depend_on_the_order(sources: list[str]) -> None:
    def outcome(some: list[str]) -> str:
        parts = [LayoutCensus(), LayoutCensus()]
        for number, source in enumerate(some):
            explained = match_first(KNOWN_LAYOUTS, source.encode())
            parts[number % 2].add(explained[0] if explained else None, source.encode())
        parts[0].merge(parts[1])
        try:
            return repr(detect_layout(parts[0], Path("root")))
        except UsageError as error:
            return str(error)

    assert outcome(sources) == outcome(sorted(sources))


def test_an_empty_tree_is_for_the_caller_to_speak_about(tmp_path: Path) -> None:
    result = scanned(planted(tmp_path, "1/a.jpg", "1/b.JPG", "1/c.tif", "notes.txt"))

    assert (len(result.found), len(result.skipped), result.layout) == (0, 0, None)
    assert result.ignored == {".jpg": 2, ".tif": 1, "other": 1}


def test_junk_is_counted_and_never_found(tmp_path: Path) -> None:
    files = [".DS_Store", "._1.png", "Thumbs.db", "desktop.ini", "1.png.part", "1.png~", ".x/1.png"]
    files += ["__MACOSX/1.png", ".ipynb_checkpoints/1.png", "@eaDir/1.png"]
    planted(tmp_path, "7/1.png", *(f"7/{file}" for file in files), "7/2.mnt", "groups.csv", "dataset.json")

    result = scanned(tmp_path)

    assert keys(result) == ["7/1"]
    assert len(result.skipped) == 0
    assert result.ignored == {"junk": len(files), "orphan sidecar": 2, "other": 1}


def test_names_as_they_come(tmp_path: Path) -> None:
    names = [b"\xff\xfe", b"new\nline", b"esc\x1b[31m", b"..dots.", b"trailing ", "é".encode(), "e\u0301".encode()]
    names = [b"s" + name for name in names]
    planted(tmp_path, *(name + b"/" + name + b".png" for name in names))

    found = scanned(tmp_path).found

    assert {*found["source"].to_pylist()} == {name + b"/" + name + b".png" for name in names}
    assert {*found["subject"].to_pylist()} >= {"s%FF%FE", "snew%0Aline", "s%2E%2Edots%2E", "strailing "}
    assert len({*found["subject"].to_pylist()}) == len(names)


def test_endings_that_differ_in_case_are_both_found(tmp_path: Path) -> None:
    assert keys(scanned(planted(tmp_path, "7/a.png", "7/a.PNG", "7/a.mnt"))) == ["7/a", "7/a"]


def plain(result: ScanResult) -> str:
    rows = sorted(result.found.to_pylist(), key=lambda row: row["source"])
    return json.dumps(
        [rows, sorted(map(repr, result.skipped.to_pylist())), result.ignored], default=repr, sort_keys=True
    )


def test_threads_and_shares_change_nothing(tmp_path: Path) -> None:
    for subject in range(600):  # more folders than a thread takes at a time
        planted(tmp_path, f"batch_{subject % 7}/subject_{subject}/impression_{subject % 3}.png", f"{subject}.mnt")

    results = [scanned(tmp_path, threads=threads) for threads in (1, 3, 8)]

    assert len(results[0].found) == 600
    assert len({plain(result) for result in results}) == 1


def test_the_watcher_hears_of_every_sample(tmp_path: Path) -> None:
    heard: list[int] = []
    scan(planted(tmp_path, *TWO, "overview.png"), None, 2, heard.append)

    assert sum(heard) == 2


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_root_that_is_none(tmp_path: Path, name: str) -> None:
    planted(tmp_path, "file")

    with pytest.raises(UsageError, match=rf"{name}: (No such file|Not a directory).*Name another place"):
        scanned(tmp_path / name)


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.integers(0, 2), min_size=9, max_size=9))
def test_columns_give_the_rows_back(subjects: list[str], counts: list[int]) -> None:
    rows = [
        Candidate(subject, str(size), b"\xff", size, -size, tuple(Sidecar("mnt", each, size) for each in range(count)))
        for size, (subject, count) in enumerate(zip(subjects, counts, strict=False))
    ]
    columns = ChunkedTable(candidate_chunk, most=2)
    for row in rows:
        columns.append(row)
    table = candidate_table(columns.chunks())

    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (*row[:-1], [each._asdict() for each in row.sidecars]) for row in rows
    ]
    assert len({chunk.dictionary.to_string() for chunk in table["subject"].chunks}) <= 1


def listed(root: Path, content: bytes) -> ScanResult:
    list_file = root.parent / "list"
    list_file.write_bytes(content)
    return scan_listed_files(root, ListFile(list_file), None, 2, lambda _: None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted(tmp_path / "tree", "7/1.png", "7/1.mnt", "7/2.png", "8/1.png", "9/n\nl.png", "9/\xff.png")


def test_a_list_of_files(root: Path) -> None:
    result = listed(root, b"\n7/1.png\n\n./7//1.png\n8/x/../1.png\n%s/8/1.png\n" % os.fsencode(root))

    assert keys(result) == ["7/1", "8/1"]
    assert {row["source"]: len(row["sidecars"]) for row in result.found.to_pylist()} == {b"7/1.png": 1, b"8/1.png": 0}


@pytest.mark.parametrize("ending", [b"", b"\0"])
def test_a_list_with_nuls(root: Path, ending: bytes) -> None:
    assert keys(listed(root, b"7/1.png\x009/n\nl.png" + ending)) == ["7/1", "9/n%0Al"]


def test_a_list_of_absolute_paths_below_a_link(root: Path) -> None:
    link = root.with_name("link")
    link.symlink_to(root)
    lines = b"%s/7/1.png\n%s/8/1.png" % (os.fsencode(link), os.fsencode(root))

    assert {*listed(link, lines).found["source"].to_pylist()} == {b"7/1.png", b"8/1.png"}


def test_a_list_longer_than_a_block(root: Path) -> None:
    assert keys(listed(root, b"7/1.png\n" * 20_000 + b"7/2.png")) == ["7/1", "7/2"]


def test_what_a_list_names_in_vain(root: Path) -> None:
    outside = os.fsencode(root.with_name("list"))
    result = listed(
        root, b"7/1.png\n7/gone.png\nno/1.png\n../list\n../tree/8/1.png\n%s\n7\n7/._x.png\n7/1.mnt" % outside
    )

    assert keys(result) == ["7/1"]
    assert reasons(result) == {
        b"7/gone.png": "gone",
        b"no/1.png": "gone",
        b"../list": "outside",
        b"../tree/8/1.png": "outside",
        outside: "outside",
    }
    assert result.ignored == {"other": 1, "junk": 1}
    assert "it is in the list, but not in the folder" in details(result)


def test_a_list_of_windows(root: Path) -> None:
    planted(root, "7/3.png", "7/3.png\r", "7/4.png\r")
    result = listed(root, b"7/1.png\r\n\r\n7/3.png\r\n7/4.png\r\n7/2.png\r")

    assert keys(result) == ["7/1", "7/2"]
    assert result.ignored == {"other": 2}  # their names end with it


def test_a_return_before_a_nul_is_meant(root: Path) -> None:
    assert reasons(listed(root, b"7/1.png\r\x007/2.png\0")) == {b"7/1.png\r": "gone"}


def test_what_is_too_large_is_told_by_its_size_alone(root: Path) -> None:
    for name, size in (("7/2.png", MAX_IMAGE_SIZE + 1), ("8/1.png", MAX_IMAGE_SIZE), ("7/1.mnt", MAX_SIDECAR_SIZE + 1)):
        os.truncate(root / name, size)
    result = scanned(root)

    assert reasons(result) == {b"7/1.png": "too-large", b"7/2.png": "too-large"}
    assert "8/1" in keys(result)
    assert [each.split(":")[0] for each in details(result) if "sidecar" in each] == ["its sidecar .mnt"]


def test_a_sidecar_may_be_as_large_as_is_said(root: Path) -> None:
    os.truncate(root / "7/1.mnt", MAX_SIDECAR_SIZE)
    assert not len(scanned(root).skipped)


def test_a_list_that_cannot_be_read(root: Path) -> None:
    with pytest.raises(UsageError, match="nowhere: No such file"):
        scan_listed_files(root, ListFile(root / "nowhere"), None, 1, lambda _: None)


def test_a_list_that_turns_to_nuls(root: Path) -> None:
    with pytest.raises(UsageError, match="lines, and then a NUL"):
        listed(root, b"7/1.png\n" * 20_000 + b"7/2.png\x00")


def test_an_empty_list(root: Path) -> None:
    assert len(listed(root, b"\n\n").found) == 0
