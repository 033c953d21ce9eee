import pytest

from trainer.augment.pipeline import check_augment, input_size, ridge_period_at_input
from trainer.config.schema import Augment
from trainer.errors import UsageError


def test_ridges_come_nearer_as_images_shrink() -> None:
    assert ridge_period_at_input(Augment(shrink=2, ridge_period=9)) == 4.5


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (Augment(), (401, 320)),
        (Augment(shrink=2), (200, 160)),
        (Augment(shrink=2, crop=(160, 128)), (160, 128)),
        (Augment(crop=(401, 320)), (401, 320)),
    ],
)
def test_the_size_of_the_input(section: Augment, expected: tuple[int, int]) -> None:
    assert input_size(section, (401, 320)) == expected


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (Augment(shrink=2, crop=(201, 100)), "augment.crop asks for 201 x 100 .* have 200 x 160: stored 401 x 320"),
        (Augment(crop=(400, 321)), "Ask for a crop of 401 x 320 at most"),
        (Augment(shrink=400), "augment.shrink = 400"),
        (Augment(crop=(-1, 5)), "asks for -1 x 5"),
    ],
)
def test_a_crop_that_does_not_fit_is_told_with_its_sizes(section: Augment, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        input_size(section, (401, 320))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (Augment(shrink=0), "augment.shrink is 0"),
        (Augment(std=0), "augment.std is 0"),
        (Augment(enhance="gabor", shrink=4), "ridges are 2.25 pixels apart"),
        (Augment(enhance="gabor", ridge_period=0), "ridges are 0 pixels apart"),
    ],
)
def test_what_no_image_can_mend_is_told_at_once(section: Augment, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_augment(section)
    check_augment(Augment())
