"""Decoding is tested twice: with the compiled kernels, and without them."""

import pytest

from shardkit.image.png.kernels import load_kernels, loaded_kernels


@pytest.fixture(scope="session")
def _prepared() -> bool:
    return load_kernels()


@pytest.fixture(params=["kernels", "no kernels"])
def with_and_without_kernels(request: pytest.FixtureRequest, _prepared: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    if request.param == "no kernels":
        monkeypatch.setattr(loaded_kernels, "kernels", None)
    else:
        assert _prepared, loaded_kernels.failure
