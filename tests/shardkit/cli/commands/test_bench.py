"""`shardkit bench`: what it measures is the stream, and what it says follows from the rates."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shardkit.cli.commands.bench_report import MeasuredData, Verdict, find_bottleneck, report_lines
from shardkit.stream.profiling import Rate, Stage
from tests.commands import Ended, ended, process, ran
from tests.packed import packed
from tests.pictures import png

QUICK = ("--seconds", 0.01, "--batch", 4)
WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from shardkit.cli.main import main; main()"
PNG = MeasuredData("png", 150_000, converted=False, cores=8)


def rates(threads: int = 8, disk: float = 0.0, **samples: float) -> list[Rate]:
    return [Rate(Stage(step), threads, rate, rate * 260_000, disk) for step, rate in samples.items()]


def benched(folder: Path, *options: object) -> Ended:
    done = ran("bench", folder, *QUICK, *options)
    assert done.code == 0, done.stderr
    return done


def test_the_table_has_a_line_for_each_number_of_threads(packed_once: Path) -> None:
    done = benched(packed_once, "--threads", "2,1")

    lines = done.stderr.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("threads  copy only"))
    assert [line.split()[0] for line in lines[first + 1 : first + 3]] == ["1", "2"]
    assert lines[0].startswith(str(packed_once)[:20])
    assert {"storage", "a sample", "bound by", "next"} <= {line[:11].strip() for line in lines}
    assert done.stdout == ""


def test_json_is_a_line_a_rate_and_one_for_what_they_mean(packed_once: Path) -> None:
    *measured, last = map(json.loads, benched(packed_once, "--threads", "1", "--json").stdout.splitlines())

    assert [each["step"] for each in measured] == ["copy", "read", "digest", "decode"]
    assert all(each["samples"] > 0 for each in measured)
    assert last["data"]["ext"] == "png"
    assert last["verdict"]["bound"] in {"storage", "decode", "digest", "memory", "samples"}


@pytest.mark.parametrize("codec", ["zstd", "lz4", "raw"])
def test_pixels_of_ours(tmp_path: Path, codec: str) -> None:
    *_, last = benched(packed(tmp_path, codec=codec), "--threads", 1, "--json").stdout.splitlines()

    assert json.loads(last)["data"]["ext"].startswith("npy")


def test_mixed_sizes_come_as_a_list_or_are_brought_to_one(tmp_path: Path) -> None:
    for number in range(8):
        file = tmp_path / "source" / str(number) / "0.png"
        file.parent.mkdir(parents=True)
        file.write_bytes(png(shape=(13, 11 + number)))
    folder = packed(tmp_path)

    refused = ran("bench", folder, *QUICK)
    assert refused.code == 2
    assert "as_list=True" in refused.error
    as_list = benched(folder, "--threads", 1, "--as-list", "--json").stdout.splitlines()
    assert [json.loads(line)["step"] for line in as_list[:-1]] == ["read", "digest", "decode"]
    *_, last = benched(folder, "--threads", 1, "--size", 8, "--cold", "--json").stdout.splitlines()
    assert json.loads(last)["data"]["converted"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--threads", "two"], "write numbers of threads like 1,2,4"),
        (["--threads", "0"], "write numbers of threads like 1,2,4"),
        (["--split", "vla"], "Did you mean 'val'?"),
        (["--batch", 1000], "do not fill one row of 1,000"),
        (["--color", "grey"], "Did you mean gray?"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_sentence(packed_once: Path, args: list[object], told: str) -> None:
    done = ran("bench", packed_once, *args)

    assert (done.code, done.stdout) == (2, "")
    assert told in done.error


def test_no_dataset(tmp_path: Path) -> None:
    done = ran("bench", tmp_path)

    assert done.code == 2
    assert "not a dataset" in done.error


def test_a_damaged_shard_ends_it(packed_copy: Path) -> None:
    for tar in packed_copy.glob("train-*.tar"):
        content = bytearray(tar.read_bytes())
        content[600] ^= 1
        tar.write_bytes(content)

    done = ran("bench", packed_copy, *QUICK, "--threads", 1)
    assert done.code == 4
    assert "digest" in done.error


def test_a_cut_shard_ends_it(packed_copy: Path) -> None:
    for tar in packed_copy.glob("train-*.tar"):
        tar.write_bytes(tar.read_bytes()[:-512])

    done = ran("bench", packed_copy, *QUICK, "--threads", 1)
    assert done.code == 4
    assert done.error.count(".tar") >= 1


def test_an_interruption_ends_it_at_once(packed_once: Path) -> None:
    running = process("bench", packed_once, "--batch", 4, "--seconds", 600)
    assert running.stderr is not None
    running.stderr.readline()
    running.send_signal(signal.SIGINT)

    done = ended(running)
    assert done.code == 130
    assert "Traceback" not in done.stderr


def test_without_torch_it_says_what_to_install(packed_once: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, "bench", str(packed_once)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == "Error: A stream needs torch, which is not installed: pip install 'shardkit[train]'.\n"


@pytest.mark.parametrize(
    ("measured", "data", "bound", "change"),
    [
        (rates(copy=30e3, read=20e3, digest=18e3, decode=3e3), PNG, "decode", "--codec zstd"),
        (rates(2, copy=30e3, read=20e3, digest=18e3, decode=3e3), PNG, "decode", "more threads: 8"),
        (rates(copy=30e3, read=20e3, digest=18e3, decode=17e3), PNG, "memory", "fewer bytes"),
        (rates(copy=30e3, read=2e3, digest=2e3, decode=1.9e3, disk=250e6), PNG, "storage", "disk"),
        (rates(copy=90e3, read=20e3, digest=6e3, decode=5e3), PNG, "digest", "check=False"),
        (
            rates(copy=900e3, read=90e3, digest=80e3, decode=75e3),
            MeasuredData("npy", 896, converted=False, cores=8),
            "samples",
            "nothing",
        ),
        (
            rates(copy=30e3, read=20e3, digest=18e3, decode=3e3),
            MeasuredData("png", 150_000, converted=True, cores=8),
            "decode",
            "pack with the --size",
        ),
        (
            rates(copy=30e3, read=20e3, digest=18e3, decode=3e3),
            MeasuredData("jpg", 150_000, converted=False, cores=8),
            "decode",
            "more cores",
        ),
        (rates(read=20e3, digest=18e3, decode=3e3), PNG, "decode", "--codec zstd"),
    ],
)
def test_a_verdict_follows_from_the_rates(measured: list[Rate], data: MeasuredData, bound: str, change: str) -> None:
    verdict = find_bottleneck(measured, data)

    assert verdict.bound == bound
    assert change in verdict.change


def test_threads_that_add_nothing_are_not_asked_for() -> None:
    measured = [
        rate
        for threads, whole in ((1, 100.0), (2, 195.0), (4, 200.0))
        for rate in rates(threads, copy=9e3, read=5e3, digest=4e3, decode=whole)
    ]

    assert find_bottleneck(measured, PNG).threads == 2
    assert find_bottleneck(measured, PNG).microseconds["decode"] == pytest.approx(1e6 / 200 - 1e6 / 4000)


@pytest.mark.parametrize("width", [80, 100])
def test_a_report_fits_its_width(width: int) -> None:
    measured = [*rates(1, **dict.fromkeys(Stage, 123_456.0)), *rates(16, **dict.fromkeys(Stage, 1_234_567.0))]
    verdict = Verdict("memory", "a word " * 20, "another word " * 20, 16, {"read": 12.0})

    lines = ["".join(line) for line in report_lines(measured, PNG, verdict, width)]
    assert max(map(len, lines)) <= width
    assert any(line.endswith("x 10.0") for line in lines)


@pytest.mark.parametrize(("counts", "said"), [((1,), "fastest of those that were measured"), ((1, 2), "is enough")])
def test_one_page_never_says_both_that_threads_are_enough_and_that_more_are_wanted(
    counts: tuple[int, ...], said: str
) -> None:
    measured = [rate for count in counts for rate in rates(count, copy=30e3, read=20e3, digest=18e3, decode=3e3)]
    verdict = find_bottleneck(measured, PNG)
    page = "\n".join(line for lines in report_lines(measured, PNG, verdict, 200) for line in lines)
    assert said in page
    assert ("more threads:" in verdict.change) is (verdict.threads == max(counts))
