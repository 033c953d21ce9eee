"""Reading samples out of one large file, which stays as the plan found it or ends the pack.

A tree loses one image that changed. Of a file that changed nobody knows which samples did, so none may be packed.
"""

import os
from pathlib import Path

from shardkit.errors import Mismatch
from shardkit.format.refusal import explained, explanation
from shardkit.pack.arrays_files import sample_bytes
from shardkit.pack.options import PackOptions


class ArraysFile:
    """The images of arrays, held open; the source of a sample is its number in decimal digits."""

    def __init__(self, root: Path, options: PackOptions) -> None:
        files = options.arrays
        assert files, "the options of arrays describe their files"
        self._path = root / files.images
        self._start, self._sample = len(files.images_head) // 2, sample_bytes(options)
        self._size = self._start + files.samples * self._sample
        with explained(self._path):
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._moment = _moment(os.fstat(self._descriptor))

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self, source: bytes, size: int, mtime_ns: int, into: memoryview) -> None:
        """Fill `into` with the sample that the plan names."""
        start, filled = self._start + int(source) * self._sample, 0
        try:
            while filled < size and (count := os.preadv(self._descriptor, [into[filled:]], start + filled)):
                filled += count
            now = _moment(os.fstat(self._descriptor))
        except OSError as error:
            raise explanation(error, self._path) or error from error
        if filled < size or now != self._moment or now[:2] != (self._size, mtime_ns):
            raise Mismatch(
                f"{self._path}: changed after the pack was planned: its size or time is another. Bring it back as it "
                "was and run the same command; or add --replan to pack it as it is now."
            )


def _moment(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns
