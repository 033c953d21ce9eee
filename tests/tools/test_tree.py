"""A layout names every sample, and no two alike."""

import csv
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from synthetic.tree import USERS_LAYOUT, Layout, publish_groups

widths = st.one_of(st.just(""), st.integers(1, 12).map(lambda width: f":0{width}"))
separators = st.sampled_from(["/", "_", "-", "/subject_", " by ", "/2/f"])
samples = st.tuples(st.integers(0, 3_000), st.integers(0, 120))


@st.composite
def templates(draw: st.DrawFn) -> str:
    names = draw(st.permutations(["subject", "impression", *draw(st.sampled_from([[], ["batch"]]))]))
    first, *rest = [f"{{{name}{draw(widths)}}}" for name in names]
    return "".join([first, *(draw(separators) + field for field in rest), ".png"])


@given(templates(), st.sets(samples, max_size=50))
def test_every_sample_has_a_path_of_its_own_inside_the_folder(template: str, some: set[tuple[int, int]]) -> None:
    layout = Layout(template)
    paths = {layout.of(*sample) for sample in some}

    assert len(paths) == len(some)
    for path in map(PurePosixPath, paths):
        assert path.suffix == ".png"
        assert not path.is_absolute()
        assert ".." not in path.parts


@given(templates(), samples)
def test_a_path_shows_the_subject_id(template: str, sample: tuple[int, int]) -> None:
    layout = Layout(template)
    identity = layout.subject_id(sample[0])

    assert int(identity) == sample[0]
    assert identity in layout.of(*sample)


def test_the_users_own_layout() -> None:
    layout = Layout()

    assert layout.template == USERS_LAYOUT
    assert layout.of(12_345, 7) == "batch_00012/subject_012345/impression_07.png"
    assert layout.subject_id(12_345) == "012345"


@pytest.mark.parametrize(
    "template",
    [
        "",
        "prints.png",
        "{subject}.png",
        "{batch}/{impression}.png",
        "{subject/{impression}.png",
        "{subject}}/{impression}.png",
        "{{subject}}/{impression}.png",
        "{subject!r}/{impression}.png",
        "{subject:q}/{impression}.png",
        "{subject:c}/{impression}.png",
        "{subject:6}/{impression}.png",
        "{subject:0999999999}/{impression}.png",
        "{subject:{impression}}/{impression}.png",
        "{subject}/{impression[0]}.png",
        "{subject.real}/{impression}.png",
        "{subject}/{impression}/{0}.png",
        "{subject}/{impression}/{}.png",
        "{subject}/{impression}/{finger}.png",
    ],
)
def test_a_template_that_does_not_name_the_samples_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match=r"must name \{subject\} and \{impression\}"):
        Layout(template)


@pytest.mark.parametrize("template", ["{subject}{impression}.png", "{subject:06}/{batch}00{impression}.png"])
def test_fields_that_touch_are_refused(template: str) -> None:
    with pytest.raises(UsageError, match="more than digits between two fields"):
        Layout(template)


@pytest.mark.parametrize(
    "template",
    [
        "/data/{subject}/{impression}.png",
        "../{subject}/{impression}.png",
        "{subject}/../{impression}.png",
        "{subject}/{impression}.jpg",
        "{subject}/{impression}",
        "{subject}/{impression}/.png",
    ],
)
def test_a_path_outside_or_of_another_kind_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match=r"must be a relative path inside the folder that ends in \.png"):
        Layout(template)


@pytest.mark.parametrize(
    "template",
    [".hidden/{subject}/{impression}.png", "recipe.json/{subject}_{impression}.png", "a\n/{subject}/{impression}.png"],
)
def test_a_path_among_the_files_beside_the_samples_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match="must be printable"):
        Layout(template)


def test_the_id_is_the_subject_as_it_stands_first() -> None:
    assert Layout("{subject:06}/{subject}_{impression}.png").subject_id(12) == "000012"


def test_groups_are_a_csv_that_any_reader_reads(tmp_path: Path) -> None:
    rows = [("000001", "person_1"), ("a,b", 'the "second"')]
    path = tmp_path / "groups.csv"
    publish_groups(path, rows)

    assert path.read_bytes().startswith(b"subject,group\n000001,person_1\n")
    with path.open(newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("subject", "group"), *rows]
