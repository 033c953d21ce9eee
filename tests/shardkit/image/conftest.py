"""Decoding is tested twice: with the compiled kernels, and without them."""

import pytest

from shardkit.image.png.kernels import prepare, room


@pytest.fixture(scope="session")
def _prepared() -> bool:
    return prepare()


@pytest.fixture(params=["kernels", "no kernels"])
def with_and_without_kernels(request: pytest.FixtureRequest, _prepared: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    if request.param == "no kernels":
        monkeypatch.setattr(room, "kernels", None)
    elif not _prepared:
        pytest.skip("there are no kernels here")
