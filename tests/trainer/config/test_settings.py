"""A resume refuses other values of identity fields and names them; free fields change as they like."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given

from tests.trainer.config.configs import configs
from trainer.config.schema import Config
from trainer.config.settings import check_same_identity, find_differences, identity_of, settings, values_of, with_values
from trainer.errors import Mismatch


def test_every_field_carries_a_mark() -> None:
    """Those of sections that are written tomorrow, too."""
    whole = [(section.name, each) for section in fields(Config) for each in fields(getattr(Config(), section.name))]
    unmarked = [
        f"{section}.{each.name}" for section, each in whole if not isinstance(each.metadata.get("identity"), bool)
    ]
    assert len(whole) == len(settings())
    assert not unmarked


@given(configs(), configs())
def test_what_json_kept_differs_in_identity_alone(then: Config, now: Config) -> None:
    kept = json.loads(json.dumps(identity_of(then)))
    assert find_differences(kept, identity_of(then)) == []
    old, new = values_of(then), values_of(now)
    expected = [name for name, each in settings().items() if each.identity and old[name] != new[name]]
    assert [name for name, _, _ in find_differences(kept, identity_of(now))] == expected


def test_a_free_field_may_change() -> None:
    check_same_identity(identity_of(Config()), identity_of(with_values(Config(), {"run.folder": "x", "log.every": 1})))


def test_a_refusal_names_each_field_with_both_values() -> None:
    now = with_values(Config(), {"optim.base_lr": 0.01, "augment.crop": (8, 8), "data.train": "all"})
    with pytest.raises(Mismatch) as error:
        check_same_identity(identity_of(Config()), identity_of(now))
    assert "data.train was 'train' and is 'all' now" in str(error.value)
    assert "augment.crop was [0, 0] and is [8, 8] now" in str(error.value)
    assert "optim.base_lr was 0.003 and is 0.01 now" in str(error.value)
    assert "--run.folder" in str(error.value)


def test_a_setting_that_one_version_does_not_know() -> None:
    now = identity_of(Config())
    then = {name: each for name, each in now.items() if name != "run.seed"}
    assert find_differences(then, now) == [("run.seed", "not there", 0)]
    with pytest.raises(Mismatch, match=r"run\.seed was not there and is 0 now"):
        check_same_identity(then, now)
    with pytest.raises(Mismatch, match=r"run\.seed was 0 and is not there now"):
        check_same_identity(now, then)


def test_values_by_name_are_those_of_the_sections() -> None:
    config = with_values(Config(), {"run.epochs": 3, "run.seed": 4, "optim.clip": 0.5})
    assert config == replace(
        Config(),
        run=replace(Config().run, epochs=3, seed=4),
        optim=replace(Config().optim, clip=0.5),
    )
    assert with_values(Config(), values_of(config)) == config
