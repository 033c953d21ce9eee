"""What many tests read and none changes."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.packed import packed

# A test says nothing about speed: the machine that it runs on is shared. `make test` tries the same examples each time,
# so that it fails only for a reason in the code; `make faults` tries new ones, and more of them.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None, max_examples=500, print_blob=True)
settings.load_profile("same")

# A shell starts a job in the background with SIGINT ignored, and every program that a test starts inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there
MEMORY_NEEDED = 8 << 30


def pytest_configure() -> None:
    """Put temporary folders into memory where there is room: the tests flush some hundred thousand small files."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def packed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two splits with awkward names, its source beside it. It is only read: `packed_copy` may be hurt."""
    return packed(tmp_path_factory.mktemp("once"), split="train=0.7,val=0.3", sha256=True)


@pytest.fixture
def disk_path() -> Iterator[Path]:
    """A temporary folder on a disk, for tests of what the kernel caches: it cannot forget what lies in memory."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def packed_copy(packed_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(packed_once, tmp_path / "copy")
