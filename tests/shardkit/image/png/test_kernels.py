"""Kernels are an advantage and no need: where there are none, the same is decoded."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shardkit.image.arrays import Bytes
from shardkit.image.png import kernels as module
from shardkit.image.png.kernels import Kernels, load_kernels, loaded_kernels

FRESH = """
import sys
{before}
import numpy as np
from shardkit.image.codec import decode_into
from shardkit.image.png.kernels import load_kernels
from tests import pictures

def filled():
    slots = np.zeros((1, 13, 11), np.uint8)
    return not decode_into("png", [memoryview(pictures.png())], slots) and bool((slots[0] == pictures.pixels()).all())

seen = set()
sys.addaudithook(lambda event, _: seen.add(event))
before = filled()
assert not seen & {{"import", "compile", "exec", "open", "marshal.loads", "pickle.find_class", "ctypes.dlopen"}}, seen
print(before, load_kernels(), filled())
"""


def told(before: str = "", **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", FRESH.format(before=before)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return ended.stdout.strip()


@pytest.mark.skipif(not load_kernels(), reason="the kernels cannot be compiled here")
def test_a_picture_makes_no_code_appear_and_prepare_does() -> None:
    assert told() == "True True True"


@pytest.mark.skipif(not load_kernels(), reason="the kernels cannot be compiled here")
def test_the_first_use_of_all_compiles_and_keeps(tmp_path: Path) -> None:
    assert told(NUMBA_CACHE_DIR=str(tmp_path)) == "True True True"
    assert list(tmp_path.rglob("*.nbc"))


def test_without_numba_the_same_is_decoded() -> None:
    assert told("sys.modules['numba'] = None") == "True False True"


FORKED = """
import os, threading
from shardkit.image.png import kernels
from shardkit.image.png.kernels import load_kernels

compiling, stop = threading.Event(), threading.Event()
kernels._load = lambda: (compiling.set(), stop.wait())[0]
thread = threading.Thread(target=load_kernels)
thread.start()
compiling.wait()
child = os.fork()
if not child:
    os._exit(load_kernels())
stop.set()
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_forked_while_another_thread_compiles_does_without() -> None:
    ended = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "0\n"


def test_a_compiler_that_fails_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:  # noqa: ANN401 - kernels
        raise RuntimeError("LLVM knows no such processor")

    monkeypatch.setattr(module, "_load", fail)
    forget(monkeypatch)

    assert not load_kernels()
    assert not load_kernels()
    assert loaded_kernels.failure == "RuntimeError: LLVM knows no such processor"


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before anybody asked for kernels."""
    monkeypatch.setattr(loaded_kernels, "asked", False)
    monkeypatch.setattr(loaded_kernels, "kernels", None)
    monkeypatch.setattr(loaded_kernels, "failure", None)


def wrong_filters(kernels: Kernels) -> Kernels:
    """The last byte of pixels of three bytes is wrong."""

    def unfilter(lines: Bytes, rows: int, pixel_bytes: int, target: Bytes) -> int:
        found = kernels.unfilter(lines, rows, pixel_bytes, target)
        target[-1] ^= pixel_bytes == 3
        return found

    return kernels._replace(unfilter=unfilter)


def wrong_deflate(kernels: Kernels) -> Kernels:
    def unpack_two(streams: Sequence[Sequence[memoryview]], sizes: Sequence[int]) -> list[Bytes | None]:
        found = kernels.unpack_two(streams, sizes)
        return [None if each is None else each ^ np.uint8(1) for each in found]

    return kernels._replace(unpack_two=unpack_two)


@pytest.mark.skipif(not load_kernels(), reason="the kernels cannot be compiled here")
@pytest.mark.parametrize("wrong", [wrong_filters, wrong_deflate])
def test_kernels_that_give_wrong_bytes_are_not_used(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Kernels], Kernels]
) -> None:
    loaded = loaded_kernels.kernels
    assert loaded is not None
    monkeypatch.setattr(module, "_load", lambda: wrong(loaded))
    forget(monkeypatch)

    assert not load_kernels()
    assert loaded_kernels.failure is not None
    assert "gives wrong bytes" in loaded_kernels.failure


@pytest.mark.skipif(not load_kernels(), reason="the kernels cannot be compiled here")
def test_what_cannot_be_kept_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba import njit, types  # noqa: PLC0415 - only where it is

    from shardkit.image.png import jit  # noqa: PLC0415 - the same

    def unkept(signatures: list[Any], *, nogil: bool, cache: bool = False) -> Any:  # noqa: ANN401 - a decorator
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(signatures, nogil=nogil)

    monkeypatch.setattr(jit, "_njit", unkept)

    assert jit.entry_kernel(lambda number: number + 1, types.int64(types.int64))(1) == 2
