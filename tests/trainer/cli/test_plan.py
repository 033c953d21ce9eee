"""`trainer plan` on a real dataset: for people, as JSON, and as a config to train with."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.patterns import packed
from trainer.__main__ import main
from trainer.cli.plan import format_bytes, format_duration
from trainer.config.files import load_config
from trainer.models.layers import BackboneSpec
from trainer.models.registry import count_parameters


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("plan"), subjects=40, split="train=0.8,val=0.2")


def _asked(data: Path, *words: str) -> list[str]:
    return ["plan", "--config", "demo", f"--data.path={data}", "--augment.crop", "0", "0", *words]


def test_json_is_one_object_of_figures(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_asked(data, "--cards", "2", "--memory", "16", "--rate", "64", "--json")) == 0
    said = capsys.readouterr().out
    facts = json.loads(said)
    assert said.count("\n") == 1
    assert facts["data"]["samples"] == 4 * facts["data"]["subjects"]
    assert facts["data"]["all_samples"] == 160
    assert (facts["ranks"], facts["micro_batch"], facts["accumulation"], facts["global_batch"]) == (2, 32, 2, 128)
    assert facts["lr"] == pytest.approx(6e-3)  # twice the demo's batch
    assert facts["epoch_steps"] == 1
    assert facts["epoch_seconds"] == 2.0
    assert facts["rate_source"] == "as given by --rate"
    classes = facts["data"]["classes"]
    assert facts["head_bytes"] == classes * 128 * 4 * 3
    assert facts["disk"]["checkpoints"] == 4 * 3 * 4 * (
        count_parameters("small", BackboneSpec(1, (16, 16), 128)) + classes * 128
    )
    sealed = [each for each in data.rglob("*") if each.is_file() and each.name != "manifest.json"]
    assert facts["disk"]["dataset"] == sum(each.stat().st_size for each in sealed)


def _facts(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(_asked(data, "--json", "--cpus", "2", *words)) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_what_a_config_asks_for_has_its_price(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = _facts(data, capsys)
    averaged = _facts(data, capsys, "--ema.decay", "0.9")
    sharded = _facts(data, capsys, "--optim.sharded", "true")
    colored = _facts(data, capsys, "--data.color", "rgb")
    copy = 4 * (count_parameters("small", BackboneSpec(1, (16, 16), 128)) + plain["data"]["classes"] * 128)
    assert averaged["disk"]["checkpoints"] - plain["disk"]["checkpoints"] == 4 * copy
    assert averaged["rank_bytes"] - plain["rank_bytes"] == copy
    assert plain["rank_bytes"] - sharded["rank_bytes"] == copy  # half of two copies
    assert colored["rank_bytes"] - plain["rank_bytes"] == 4 * 4 * 2 * 16 * 5 * 5  # two more channels into the stem


def test_the_page_names_batch_and_where_its_rate_comes_from(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_asked(data, "--cpus", "2")) == 0
    page = capsys.readouterr().out
    assert "64 a step = 2 x 32 x 1 (ranks x micro-batch x accumulation)" in page
    assert "measured on two cores" in page
    assert "But" not in page
    assert "config: 57" in page  # what the recipe has, next to what is recommended
    assert "recommended: " in page
    assert max(map(len, page.splitlines())) <= 80


def test_the_page_says_what_keeps_the_run_from_starting(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_asked(data, "--cpus", "1", "--system.channels_last", "true")) == 0
    assert "But         system.channels_last is true on a CPU" in capsys.readouterr().out


def test_toml_can_be_trained_with(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_asked(data, "--cards", "1", "--memory", "40", "--toml", "--optim.clip", "0.5")) == 0
    said = capsys.readouterr()
    assert tomllib.loads(said.out)["data"]["global_batch"] == 128
    assert not said.err
    (tmp_path / "run.toml").write_text(said.out)
    config = load_config(["--config", str(tmp_path / "run.toml")])
    assert (config.data.global_batch, config.data.micro_batch, config.run.epochs) == (128, 128, 800)
    assert (config.optim.clip, config.augment.crop, config.data.path) == (0.5, (0, 0), str(data))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--cards", "0"], "'0' is no whole number from 1 on"),
        (["--memory", "much"], "'much' is no number above 0"),
        (["--cards", "1", "--cpus", "1"], "not allowed with"),
        (["--memory", "80", "--cards", "8"], "samples do not fill one row of 2,048"),
        (["--model.name", "smal"], "Did you mean 'small'?"),
        (["--data.train", "trian"], "there is no split 'trian'"),
        (["--run.epoch", "3"], "Did you mean --run.epochs?"),
        (["--data.path", ""], "No dataset is named."),
    ],
)
def test_mistakes_end_with_2_and_a_sentence(
    data: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_asked(data, *words)) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert not said.out


def test_sizes_and_times_as_people_say_them() -> None:
    assert [format_bytes(each) for each in (0, 999, 1_000, 1_536_000_000)] == ["0 B", "999 B", "1 kB", "1.54 GB"]
    assert [format_duration(each) for each in (0.5, 90, 5400, 259200)] == ["0.5 s", "1.5 min", "1.5 h", "3 days"]
