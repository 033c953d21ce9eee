"""Samples left out by name: they are counted, everything adds up, and nothing is brought back by the way."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.pack.plan.planner import apply_exclusions
from shardkit.pack.source.candidates import Candidate, candidate_chunk, candidate_table, skipped_table
from shardkit.pack.source.lists import ListFile
from shardkit.pack.source.scan import ScanResult
from shardkit.reader.dataset import open_dataset
from tests import trees
from tests.commands import Ended, ran
from tests.shardkit.pack.growing import keys
from tests.shardkit.pack.plan.found import founds
from tests.shardkit.pack.trees import keys as found_keys


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return trees.grown(tmp_path, subjects=6, impressions=3, sidecars=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "packed"


def listed(tmp_path: Path, *lines: str, name: str = "exclude.txt") -> Path:
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def seen(rows: list[Candidate]) -> ScanResult:
    return ScanResult(candidate_table([candidate_chunk(rows)]), skipped_table([]), ignored={}, layout=None)  # type: ignore[arg-type]


@given(founds(), st.data())
def test_what_is_named_is_skipped_and_the_rest_stays(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Candidate], data: st.DataObject
) -> None:
    everything = [f"{row.subject}/{row.impression}" for row in rows]
    named = data.draw(st.lists(st.sampled_from([*everything, "nobody/1"]), unique=True))
    result = apply_exclusions(seen(rows), ListFile(listed(tmp_path_factory.getbasetemp(), *named)))
    assert found_keys(result) == sorted({*everything} - {*named})
    assert len(result.found) + len(result.skipped) == len(rows)
    assert {*result.found["subject"].cast("string").to_pylist()} == {
        *(result.found["subject"].chunk(0).dictionary.to_pylist() if result.found["subject"].num_chunks else ())
    }
    assert bool(result.warnings) == ("nobody/1" in named)


def test_a_comment_may_be_a_key(tmp_path: Path) -> None:
    rows = [Candidate("#1", "a", b"#1/a.png", 1, 0, ()), Candidate("2", "b", b"2/b.png", 1, 0, ())]
    path = tmp_path / "list"
    path.write_bytes(b"\xef\xbb\xbf# likely mislabels\r\n\r\n#1/a\r\n   \n")
    result = apply_exclusions(seen(rows), ListFile(path))
    assert (found_keys(result), result.warnings) == (["2/b"], ())


def test_names_in_vain_are_told(tmp_path: Path) -> None:
    rows = [Candidate("2", "b", b"2/b.png", 1, 0, ())]
    path = listed(tmp_path, "2/b", "2/c.png", "2/d", "2/e", "2/f")
    (warning,) = apply_exclusions(seen(rows), ListFile(path)).warnings
    assert "names 4 of 5 in vain: no sample to be packed is '2/c.png', '2/d', '2/e', …." in warning


def adds_up(ended: Ended, packed: int, **skipped: int) -> bool:
    said = ended.json
    return (said["packed"], said["skipped"], said["inputs"]) == (packed, skipped, packed + sum(skipped.values()))


def test_excluded_samples_are_counted_and_the_exit_code_is_that_of_success(
    source: Path, folder: Path, tmp_path: Path
) -> None:
    path = listed(tmp_path, "0001/02", "0003/00", "0003/01", "0003/02")
    ended = ran("pack", source, folder, "--exclude", path, "--on-error", "fail", "--json")
    assert ended.code == 0
    assert adds_up(ended, 14, excluded=4)
    assert trees.skips(folder) == {f"{key}.png": "excluded" for key in path.read_text().split()}
    dataset = open_dataset(folder)
    assert {each.subject: each.label for each in dataset.subjects} == {
        name: label for label, name in enumerate(("0000", "0001", "0002", "0004", "0005"))
    }
    assert not {*path.read_text().split()} & keys(dataset)
    assert ran("verify", folder).code == 0


def test_what_nobody_asked_to_leave_out_still_shows(source: Path, folder: Path, tmp_path: Path) -> None:
    (source / "0002/01.png").write_bytes(b"")
    ended = ran("pack", source, folder, "--exclude", listed(tmp_path, "0001/02"), "--json")
    assert ended.code == 3
    assert adds_up(ended, 16, empty=1, excluded=1)


def test_what_is_excluded_need_not_be_sound(source: Path, folder: Path, tmp_path: Path) -> None:
    (source / "0001/02.png").write_bytes(b"")
    options = ("--exclude", listed(tmp_path, "0001/02"), "--on-error", "fail")
    assert ran("pack", source, folder, *options).code == 0


def test_a_dry_run_shows_them(source: Path, folder: Path, tmp_path: Path) -> None:
    ended = ran("pack", source, folder, "--exclude", listed(tmp_path, "0001/02", "0009/00"), "--dry-run", "--json")
    assert (ended.json["inputs"], ended.json["skipped"]) == (18, {"excluded": 1})
    assert "skipped: 1 excluded" in ended.stderr
    assert "Warning: " in ended.stderr
    assert "'0009/00'" in ended.stderr
    assert not folder.exists()


def test_everything_cannot_be_excluded(source: Path, folder: Path, tmp_path: Path) -> None:
    path = listed(tmp_path, *(f"{subject:04}/{impression:02}" for subject in range(6) for impression in range(3)))
    ended = ran("pack", source, folder, "--exclude", path)
    assert ended.code == 2
    assert "names all images" in ended.error


def test_another_list_is_another_pack(source: Path, folder: Path, tmp_path: Path) -> None:
    options = ("--shard-size", "2KB", "--exclude")
    assert ran("pack", source, folder, *options, listed(tmp_path, "0001/02"), "--task", "1/2").code == 0
    assert ran("pack", source, folder, *options, listed(tmp_path, "0001/01")).code == 5
    assert ran("pack", source, folder, *options[:-1]).code == 5
    assert ran("pack", source, folder, *options, listed(tmp_path, "0001/02", name="again.txt")).code == 0
    fresh = tmp_path / "fresh"
    assert ran("pack", source, fresh, *options, listed(tmp_path, "0001/02")).code == 0
    assert trees.files(folder) == trees.files(fresh)


def test_an_append_brings_nothing_back(source: Path, folder: Path, tmp_path: Path) -> None:
    left_out = listed(tmp_path, "0001/02")
    assert ran("pack", source, folder, "--exclude", left_out).code == 0
    forgotten = ran("append", source, folder)
    assert forgotten.code == 2
    assert "samples were left out of it with --exclude" in forgotten.error
    nothing = ran("append", source, folder, "--exclude", left_out)
    assert nothing.code == 0
    assert "all 17 images are in" in nothing.stderr
    trees.grown(tmp_path, subjects=7, impressions=3, sidecars=True)
    more = ran("append", source, folder, "--exclude", listed(tmp_path, "0001/02", "0006/00", "0000/00"), "--json")
    assert more.code == 0
    assert adds_up(more, 2, excluded=2)
    assert "no sample to be packed is '0000/00'" in more.stderr  # it is packed, and append takes nothing away
    assert ran("append", source, folder, "--exclude", listed(tmp_path)).code == 0
    assert len(keys(open_dataset(folder))) == 21


def test_arrays_have_no_keys_to_name(source: Path, folder: Path, tmp_path: Path) -> None:
    ended = ran("pack", source, folder, "--from-arrays", "--shape", "1x1x1", "--exclude", listed(tmp_path, "a/b"))
    assert ended.code == 2
    assert "--exclude: " in ended.error
