"""Where benchmarks find things: the command, data that is kept between runs, and room for what a run makes."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BENCH = Path(__file__).resolve().parent
TOOLS = BENCH.parent
ROOT = TOOLS.parent
KEPT = ROOT / ".bench-data"
SHARDKIT = str(Path(sys.executable).parent / "shardkit")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for one measurement; beside the results and not in /tmp, which is memory on many machines."""
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".bench-") as name:
        yield Path(name)
