import gc
import pickle
from unittest import mock

import torch

from shardkit.stream.collate.batch import Batch, Minutiae
from shardkit.stream.order.epoch import EpochOrder
from tests.shardkit.stream.prints import Prints
from tests.shardkit.stream.streams import streamed


def batch(*, as_list: bool = False) -> Batch:
    images = torch.arange(12, dtype=torch.uint8).reshape(2, 1, 2, 3)
    asked: list[str] = []

    def keys() -> list[str]:
        asked.append("keys")
        assert asked == ["keys"], "made once"
        return ["a/1", "b/2"]

    return Batch(
        images=list(images) if as_list else images,
        labels=torch.tensor([3, 4]),
        numbers=torch.tensor([7, 8]),
        valid=torch.tensor([True, False]),
        minutiae=Minutiae(torch.zeros(2, 1, 3), torch.tensor([1, 0])),
        mated=torch.tensor([True]),
        keys=keys,
        state=lambda: {"step": 5},
    )


def test_it_goes_to_another_process_whole() -> None:
    for as_list in (False, True):
        sent = batch(as_list=as_list)
        back = pickle.loads(pickle.dumps(sent))  # noqa: S301 - our own

        assert (back.keys, back.state, len(back)) == (["a/1", "b/2"], {"step": 5}, 2)
        assert torch.equal(torch.stack(list(back.images)), torch.stack(list(sent.images)))
        assert torch.equal(back.minutiae.points, torch.zeros(2, 1, 3))
        assert (back.labels.tolist(), back.numbers.tolist(), back.mated.tolist()) == ([3, 4], [7, 8], [True])


def test_a_batch_that_travels_leaves_the_row_of_all_ranks_to_the_one_who_asks_for_its_state(
    prints: Prints,
) -> None:
    stream = streamed(prints, world=3, global_batch=6)
    expected = [each.state for each in stream]

    with mock.patch.object(EpochOrder, "row", side_effect=AssertionError("nobody asked for it")):
        sent = [pickle.dumps(each) for each in streamed(prints, world=3, global_batch=6)]
    assert max(map(len, sent)) < 4000
    back = [pickle.loads(each) for each in sent]  # noqa: S301 - our own
    assert [each.state for each in back] == expected
    del stream
    gc.collect()
    assert pickle.loads(sent[2]).state == expected[2], "whoever has no such stream opens the dataset"  # noqa: S301
    assert pickle.loads(pickle.dumps(back[1])).state == expected[1]  # noqa: S301


def test_it_goes_to_a_device_whole() -> None:
    moved = batch().to("meta")

    assert isinstance(moved.images, torch.Tensor)
    assert {each.device.type for each in (moved.images, moved.labels, moved.valid, moved.numbers)} == {"meta"}
    assert moved.minutiae is not None
    assert moved.minutiae.points.device.type == "meta"
    assert moved.keys == ["a/1", "b/2"]


def test_it_says_what_it_is() -> None:
    assert repr(batch()) == "<batch of 2: 1 x 2 x 3>"
    assert repr(batch(as_list=True)) == "<batch of 2: mixed sizes>"
