import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.image.formats import CODEC_EXTENSION, Codec
from shardkit.pack.codec_choice import SampledImage, choose_by_cost, select_sample_keys

KEYS = [f"{subject:06}/{impression:02}" for subject in range(300) for impression in range(4)]
SIZE = st.integers(1, 10**9)


def sampled(pixels: int, png: int, zstd: int, lz4: int, raw: int) -> SampledImage:
    return SampledImage(pixels, {"png": png, "zstd": zstd, "lz4": lz4, "raw": raw})


SAMPLES = st.lists(st.builds(sampled, SIZE, SIZE, SIZE, SIZE, SIZE), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("sample", "codec"),
    [
        pytest.param(sampled(83_824, 40_300, 40_100, 62_800, 83_952), "zstd", id="sensor prints"),
        pytest.param(sampled(262_144, 137_000, 148_500, 230_000, 262_272), "zstd", id="grown prints"),
        pytest.param(sampled(262_144, 260_000, 262_300, 262_300, 262_272), "raw", id="noise"),
        pytest.param(sampled(262_144, 9_000, 9_500, 11_000, 262_272), "lz4", id="drawings"),
        pytest.param(sampled(262_144, 20_000, 60_000, 90_000, 262_272), "png", id="gradients"),
    ],
)
def test_picks_what_suits_the_data(sample: SampledImage, codec: Codec) -> None:
    choice = choose_by_cost([sample])
    assert choice.codec == codec
    assert choice.why.startswith(f"{codec} ")


def test_says_why_in_figures() -> None:
    assert choose_by_cost([sampled(1000, 400, 450, 900, 1100)] * 3).why == (
        "zstd takes 12.5 % more bytes than png on 3 sampled images, "
        "and decodes fastest of the codecs that take at most a quarter more than the smallest."
    )


@given(SAMPLES)
def test_keeps_to_its_rule(samples: list[SampledImage]) -> None:
    choice = choose_by_cost(samples)
    assert set(choice.stored) == set(choice.decoding) == set(CODEC_EXTENSION)
    allowed = [codec for codec in choice.stored if 4 * choice.stored[codec] <= 5 * min(choice.stored.values())]
    assert choice.codec in allowed
    assert choice.decoding[choice.codec] == min(choice.decoding[codec] for codec in allowed)


@given(samples=SAMPLES, seed=st.integers())
def test_the_order_of_the_sample_does_not_matter(samples: list[SampledImage], seed: int) -> None:
    shuffled = samples.copy()
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - a test's shuffle
    assert choose_by_cost(shuffled) == choose_by_cost(samples)


def test_a_quarter_more_is_allowed_and_no_byte_beyond() -> None:
    assert choose_by_cost([sampled(9999, 1000, 1250, 5000, 5000)]).codec == "zstd"
    assert choose_by_cost([sampled(9999, 1000, 1251, 5000, 5000)]).codec == "png"


def test_costs_are_those_that_were_measured() -> None:
    decoding = choose_by_cost([sampled(262_144, 137_000, 148_500, 230_000, 262_272)]).decoding
    measured = {"png": 950_000, "zstd": 155_000, "lz4": 85_000, "raw": 30_000}
    assert decoding == {codec: pytest.approx(figure, rel=0.02) for codec, figure in measured.items()}


def test_the_sample_depends_on_the_keys_alone() -> None:
    shuffled = KEYS.copy()
    random.Random(1).shuffle(shuffled)  # noqa: S311 - a test's shuffle
    assert select_sample_keys(shuffled) == select_sample_keys(iter(KEYS))
    assert len(set(select_sample_keys(KEYS))) == 256


def test_a_key_more_changes_the_sample_by_one_at_most() -> None:
    assert len(set(select_sample_keys(KEYS)) - set(select_sample_keys([*KEYS, "another/00"]))) <= 1


def test_the_sample_is_spread_over_the_keys() -> None:
    places = sorted(KEYS.index(key) for key in select_sample_keys(KEYS))
    assert abs(places[128] - len(KEYS) // 2) < 150


def test_few_keys_are_all_taken() -> None:
    assert sorted(select_sample_keys(KEYS[:10])) == KEYS[:10]


def test_the_sample_is_this_one() -> None:
    """Another hash or key would choose another codec for the same data."""
    assert select_sample_keys(KEYS, 3) == ["000287/03", "000156/00", "000050/02"]
