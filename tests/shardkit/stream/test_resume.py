"""A state taken before any step is enough: fresh streams go on from it, on other worlds, with other workers."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings

from shardkit.errors import Mismatch, UsageError
from shardkit.stream.options import State
from tests.shardkit.stream.cases import Case, cases
from tests.shardkit.stream.prints import Prints
from tests.shardkit.stream.streams import Rows, resumed, rows, rows_of, streamed

EveryPrints = dict[str, Prints]


def stepwise(prints: Prints, case: Case) -> tuple[list[State], Rows]:
    """The state before each step of an epoch and behind the last, and all rows of it."""
    stream = streamed(prints, **case.options)
    stream.set_epoch(case.epoch)
    states, batches = [stream.state_dict()], []
    for batch in stream:
        batches.append(batch)
        assert batch.state == stream.state_dict(), "though more rows are under way"
        states.append(stream.state_dict())
    return states, rows_of([batches])


def check_every_step(every_prints: EveryPrints, case: Case) -> None:
    prints = every_prints[case.prints]
    states, expected = stepwise(prints, case)
    for step, state in enumerate(states[:-1]):
        there = json.loads(json.dumps(state))
        streams = resumed(prints, case.other_world, there, **case.options)

        assert {json.dumps(stream.state_dict()) for stream in streams} == {json.dumps(state)}
        assert rows(streams, case.other_workers) == expected[step:]


@settings(max_examples=12)
@given(cases())
def test_every_step_can_be_resumed_on_any_world(every_prints: EveryPrints, case: Case) -> None:
    check_every_step(every_prints, case)


@pytest.mark.campaign
@settings(max_examples=400)
@given(cases())
def test_every_step_campaign(every_prints: EveryPrints, case: Case) -> None:
    check_every_step(every_prints, case)


@settings(max_examples=10)
@given(cases())
def test_behind_the_last_step_the_next_epoch_starts(every_prints: EveryPrints, case: Case) -> None:
    prints = every_prints[case.prints]
    states, _ = stepwise(prints, case)
    following = streamed(prints, **case.options)
    following.set_epoch(case.epoch + 1)

    assert states[-1] == following.state_dict()
    assert rows(resumed(prints, case.other_world, states[-1], **case.options)) == rows([following])


def test_a_resumed_epoch_is_followed_by_whole_ones(prints: Prints) -> None:
    straight = streamed(prints, batch_size=4)
    first, second = rows([straight]), rows([straight])
    [stream] = resumed(prints, 1, list(streamed(prints, batch_size=4))[2].state, batch_size=4)

    assert rows([stream]) == first[3:]
    assert len(stream) == len(first), "of a whole epoch"
    assert rows([stream]) == second


def test_a_trainer_that_sets_the_epoch_does_not_lose_its_place(prints: Prints) -> None:
    state = list(streamed(prints, batch_size=4))[2].state
    [stream] = resumed(prints, 1, state, batch_size=4)
    stream.set_epoch(0)

    assert stream.state_dict() == state
    stream.set_epoch(1)
    assert (stream.state_dict()["epoch"], stream.state_dict()["step"]) == (1, 0)


def test_an_iteration_that_was_broken_off_starts_its_epoch_again(prints: Prints) -> None:
    stream = streamed(prints, batch_size=4)
    for _ in stream:
        break
    assert stream.state_dict()["step"] == 1

    assert rows([stream]) == rows([streamed(prints, batch_size=4)])


def test_a_state_is_small_and_the_same_after_json_and_pickle(prints: Prints) -> None:
    state = next(iter(streamed(prints, batch_size=4))).state

    assert json.loads(json.dumps(state)) == state == pickle.loads(pickle.dumps(state))  # noqa: S301 - made here
    assert len(json.dumps(state)) < 1000


def test_what_was_loaded_is_what_is_saved_before_the_first_step(prints: Prints) -> None:
    state = list(streamed(prints, batch_size=4))[3].state
    [stream] = resumed(prints, 1, state, batch_size=4)

    assert stream.state_dict() == state


@pytest.mark.parametrize(
    ("option", "saved", "now"),
    [
        ("seed", 1, 2),
        ("shuffle", True, False),
        ("tail", "drop", "mask"),
        ("block_rows", 512, 8),
        ("sampler", "uniform", "balanced"),
        ("global_batch", 4, 8),
        ("subset", None, 9),
    ],
)
def test_another_option_is_refused_by_its_name(prints: Prints, option: str, saved: object, now: object) -> None:
    common: dict[str, Any] = {"global_batch": 4}
    state = streamed(prints, **{**common, option: saved}).state_dict()

    with pytest.raises(Mismatch, match=f"{option}={saved!r}, and this stream has {option}={now!r}"):
        resumed(prints, 1, state, **{**common, option: now})


@pytest.mark.parametrize(
    "free", [{"threads": 3}, {"ahead": 1}, {"check": False}, {"size": 4}, {"on_bad": "substitute"}, {"as_list": True}]
)
def test_what_does_not_change_the_order_may_change(prints: Prints, free: dict[str, Any]) -> None:
    plain = list(streamed(prints, batch_size=4))
    [stream] = resumed(prints, 1, plain[1].state, batch_size=4, **free)

    assert rows([stream]) == rows_of([plain])[2:]


def test_another_version_of_the_order_is_refused(prints: Prints) -> None:
    state = streamed(prints, batch_size=4).state_dict()

    with pytest.raises(Mismatch, match=r"version 99 of the order.*Go on with the shardkit that saved it"):
        resumed(prints, 1, {**state, "order": 99}, batch_size=4)


def test_a_state_that_was_changed_by_hand_is_refused(prints: Prints) -> None:
    state = list(streamed(prints, batch_size=4))[1].state

    with pytest.raises(Mismatch, match=r"The order before row 3 of epoch 0.*order_digest"):
        resumed(prints, 1, {**state, "step": 3}, batch_size=4)


@pytest.mark.parametrize(
    "changed", [{"step": -1}, {"step": "1"}, {"epoch": 1.0}, {"epoch": True}, {"generation": None}, {"more": 1}]
)
def test_what_is_no_state_is_refused(prints: Prints, changed: dict[str, object]) -> None:
    state = streamed(prints, batch_size=4).state_dict()

    with pytest.raises(UsageError, match="no state of a stream"):
        resumed(prints, 1, {**state, **changed}, batch_size=4)
    with pytest.raises(UsageError, match="no state of a stream"):
        streamed(prints, batch_size=4).load_state_dict(None)  # type: ignore[arg-type]  # what a checkpoint without one gives


@pytest.mark.parametrize(
    "name", ["version", "order", "dataset", "generation", "options", "epoch", "step", "order_digest"]
)
def test_any_odd_value_ends_with_a_sentence(prints: Prints, name: str) -> None:
    stream = streamed(prints, batch_size=4)
    state = stream.state_dict()

    odd: tuple[Any, ...] = (None, "x", -1, 10**30, [], {})
    for value in odd:
        with pytest.raises((Mismatch, UsageError)):
            stream.load_state_dict({**state, name: value})
        assert stream.state_dict() == state
