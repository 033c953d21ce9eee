"""What every tool that fills a tree promises: whole samples, the same by whoever makes them, resumed when stopped."""

import json
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from shardkit.storage.lock import lock_folder
from synthetic.tree import Layout
from tests.faults.disk import run_on_disk
from tests.tools.tool import IN_PROCESS, interrupted_group, made, picture, stopped, tool, tree

SEED = ("--seed", 5)


@dataclass(frozen=True)
class Maker:
    """A tool, a small run of it, a smaller one that it grows from, and what would be another tree."""

    name: str
    asked: tuple[object, ...]
    smaller: tuple[object, ...]
    others: tuple[tuple[object, ...], ...]
    wrong: tuple[tuple[object, ...], ...]
    images: int

    def __str__(self) -> str:
        return f"{self.name}{'-cheap' * ('--cheap' in self.asked)}"


FINGERPRINTS = Maker(
    "make_fingerprints",
    asked=("--subjects", 3, "--impressions", 18, "--size", "160x128", *SEED, "--truth"),
    smaller=("--subjects", 1, "--impressions", 2, "--size", "160x128", *SEED, "--truth"),
    others=(
        ("--seed", 6),
        ("--size", 128),
        ("--impressions", 17),
        ("--subjects", 2),
        ("--mnt-dialect", 2),
        ("--cheap",),
        ("--layout", "{subject}_{impression}.png"),
    ),
    wrong=(("--subjects", 0), ("--size", 64), ("--size", "wide"), ("--layout", "{subject}.png"), ("--mnt-dialect", 3)),
    images=54,
)
CHEAP = Maker(
    "make_fingerprints",
    asked=("--subjects", 40, "--impressions", 3, "--size", 128, *SEED, "--cheap"),
    smaller=("--subjects", 40, "--impressions", 1, "--size", 128, *SEED, "--cheap"),
    others=(("--seed", 6),),
    wrong=(("--impressions", 0),),
    images=120,
)
TWINS = Maker(
    "make_twins",
    asked=("--pairs", 2, "--images", 20, "--size", 96, *SEED),
    smaller=("--pairs", 1, "--images", 2, "--size", 96, *SEED),
    others=(
        ("--seed", 6),
        ("--difficulty", 0.7),
        ("--size", 64),
        ("--images", 19),
        ("--layout", "{subject}_{impression}.png"),
    ),
    wrong=(
        ("--pairs", 0),
        ("--difficulty", 1.1),
        ("--difficulty", "nan"),
        ("--size", 8),
        ("--layout", "{subject}.png"),
        ("--seed", -1),
    ),
    images=80,
)
MAKERS = (FINGERPRINTS, CHEAP, TWINS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[Maker, Path]:
    """What each maker writes with one worker, undisturbed."""
    folders = {maker: tmp_path_factory.mktemp(maker.name) for maker in MAKERS}
    for maker, out in folders.items():
        made(maker.name, out, *maker.asked, "--workers", 1)
    return folders


@pytest.mark.parametrize("maker", MAKERS, ids=str)
def test_every_image_is_readable_and_unlike_every_other(maker: Maker, whole: dict[Maker, Path]) -> None:
    files = list(whole[maker].rglob("*.png"))
    assert len({file.read_bytes() for file in files}) == len(files) == maker.images
    assert all(picture(file).size for file in files)


@pytest.mark.parametrize("maker", MAKERS, ids=str)
@pytest.mark.parametrize("workers", [2, 5])
def test_any_number_of_workers_writes_the_same_bytes(
    maker: Maker, workers: int, whole: dict[Maker, Path], tmp_path: Path
) -> None:
    made(maker.name, tmp_path, *maker.asked, "--workers", workers)
    assert tree(tmp_path) == tree(whole[maker])


@pytest.mark.parametrize("maker", MAKERS, ids=str)
def test_a_second_run_makes_what_is_missing_and_nothing_else(
    maker: Maker, whole: dict[Maker, Path], tmp_path: Path
) -> None:
    made(maker.name, tmp_path, *maker.asked)
    gone, kept = tmp_path / Layout().of(1, 1), tmp_path / Layout().of(1, 2)
    before = kept.stat()
    gone.unlink()
    (tmp_path / "groups.csv").unlink()
    made(maker.name, tmp_path, *maker.asked)
    assert tree(tmp_path) == tree(whole[maker])
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


STOPS = ((signal.SIGKILL, 1), (signal.SIGKILL, 2), (signal.SIGINT, 1), (signal.SIGTERM, 2))
EXIT_CODES = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.mark.parametrize("maker", [FINGERPRINTS, TWINS], ids=str)
@pytest.mark.parametrize(("by", "workers"), STOPS)
def test_a_stopped_run_is_finished_by_the_same_command(
    maker: Maker, by: signal.Signals, workers: int, whole: dict[Maker, Path], tmp_path: Path
) -> None:
    def well_under_way() -> bool:
        return len(list(tmp_path.rglob("[!.]*.png"))) > maker.images // 8

    options = (*maker.asked, "--workers", workers)
    assert stopped(maker.name, tmp_path, *options, when=well_under_way, by=by) == EXIT_CODES[by]
    left = tree(tmp_path)
    assert len(left) < len(tree(whole[maker])), "it had ended before it was stopped"
    assert by == signal.SIGKILL or not any(name.endswith(".part") for name in left)
    made(maker.name, tmp_path, *options)
    assert tree(tmp_path) == tree(whole[maker])


@pytest.mark.parametrize("after", [0, 0.1, 0.3, 0.6, 1])
def test_ctrl_c_reaches_all_processes_and_only_one_sentence_is_said(after: float, tmp_path: Path) -> None:
    """A terminal sends it to the workers too, whatever they are at: importing, for one."""
    options = ("--subjects", 500, "--impressions", 10, "--workers", 2)
    begun = (tmp_path / "out" / "recipe.json").exists
    said, code = interrupted_group("make_fingerprints", tmp_path / "out", *options, when=begun, after=after)
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
    assert code == 130
    assert said.splitlines()[-1].startswith("Error: interrupted by SIGINT.")
    assert not list(tmp_path.rglob("*.part"))


def test_two_runs_at_once_do_not_meet(whole: dict[Maker, Path], tmp_path: Path) -> None:
    made("make_twins", tmp_path, *TWINS.smaller)
    with lock_folder(tmp_path, ".recipe.lock"):
        ended = tool("make_twins", tmp_path, *TWINS.asked)
    assert ended.returncode == 5
    assert "another process is writing here" in ended.stderr
    made("make_twins", tmp_path, *TWINS.asked)
    assert tree(tmp_path) == tree(whole[TWINS])


def test_a_tree_too_large_for_the_disk_is_refused_at_once(tmp_path: Path) -> None:
    ended = tool("make_fingerprints", tmp_path / "out", "--subjects", 100_000_000, "--impressions", 10_000)
    assert ended.returncode == 6
    assert "bytes are needed and" in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["x" * 300, "file/out", "/proc/out"])
@pytest.mark.parametrize("name", ["make_fingerprints", "make_twins", "make_arrays"])
def test_a_place_that_cannot_be_is_one_sentence(name: str, out: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    asked = {"make_fingerprints": CHEAP.asked, "make_twins": TWINS.asked, "make_arrays": ("--samples", 10)}[name]
    ended = tool(name, tmp_path / out, *asked)
    assert ended.returncode in {2, 6}  # /proc has no room for anything
    assert [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert "Traceback" not in ended.stderr


def test_an_unreadable_recipe_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").mkdir()
    ended = tool("make_twins", tmp_path, *TWINS.asked)
    assert ended.returncode == 2
    assert "recipe.json: Is a directory" in ended.stderr


@pytest.mark.parametrize("maker", MAKERS, ids=str)
def test_a_tree_can_grow(maker: Maker, whole: dict[Maker, Path], tmp_path: Path) -> None:
    made(maker.name, tmp_path, *maker.smaller)
    made(maker.name, tmp_path, *maker.asked)
    assert tree(tmp_path) == tree(whole[maker])


@pytest.mark.parametrize(("maker", "other"), [(maker, other) for maker in MAKERS for other in maker.others])
def test_another_recipe_is_refused(maker: Maker, other: tuple[object, ...], whole: dict[Maker, Path]) -> None:
    before = tree(whole[maker])
    ended = tool(maker.name, whole[maker], *maker.asked, *other)
    assert ended.returncode == 5
    assert str(whole[maker]) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert tree(whole[maker]) == before


@pytest.mark.parametrize(("maker", "wrong"), [(maker, wrong) for maker in MAKERS for wrong in maker.wrong])
def test_what_cannot_be_meant_is_refused_before_anything_is_written(
    maker: Maker, wrong: tuple[object, ...], tmp_path: Path
) -> None:
    ended = tool(maker.name, tmp_path / "out", *maker.asked, *wrong)
    assert ended.returncode == 2
    assert "Error" in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("maker", MAKERS, ids=str)
def test_a_folder_of_someone_elses_is_left_alone(maker: Maker, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all I have")
    ended = tool(maker.name, tmp_path, *maker.asked)
    assert ended.returncode == 2
    assert "not empty" in ended.stderr
    assert tree(tmp_path) == {"thesis.tex": b"all I have"}


FULL = """
from {name} import {name} as command
args = ["out", *{asked!r}, "--workers", "1"]
assert run_command(command, args) == 6, "seen beforehand"
assert not Path("out").exists()
space.require = lambda *_: None
assert run_command(command, args) == 6, "met on the way"
assert 0 < len(list(Path("out").rglob("[!.]*.png"))) < {images}
subprocess.run(["mount", "-o", "remount,size=8m", "."], check=True)
assert run_command(command, args) == 0
assert tree(Path("out")) == tree(Path({whole!r}))
"""


@pytest.mark.parametrize("maker", [FINGERPRINTS, TWINS], ids=str)
def test_a_full_disk_is_said_and_waited_for(maker: Maker, whole: dict[Maker, Path], tmp_path: Path) -> None:
    asked = [str(word) for word in maker.asked]
    code = FULL.format(name=maker.name, asked=asked, images=maker.images, whole=str(whole[maker]))
    ended = run_on_disk("size=600k", tmp_path, IN_PROCESS + code)
    assert ended.returncode == 0, ended.stderr
    beforehand, on_the_way, *_ = [line for line in ended.stderr.splitlines() if line.startswith("Error")]
    assert "bytes are needed and" in beforehand
    assert "no space left" in on_the_way


def test_a_layout_of_ones_own_names_files_and_ids(tmp_path: Path) -> None:
    layout = ("--layout", "p{subject}/{impression}.png")
    made("make_twins", tmp_path / "twins", "--pairs", 1, "--images", 1, "--size", "64x80", *layout)
    made("make_fingerprints", tmp_path / "prints", "--subjects", 2, "--impressions", 1, "--size", "128x144", *layout)
    assert picture(tmp_path / "twins/p1/0.png").shape == (64, 80, 3)
    assert picture(tmp_path / "prints/p1/0.png").shape == (128, 144)
    assert json.loads((tmp_path / "twins/dataset_infor.json").read_bytes()) == {"0": ["p0/0.png"], "1": ["p1/0.png"]}
    assert (tmp_path / "prints/groups.csv").read_text() == "subject,group\n0,person_000000\n1,person_000000\n"
