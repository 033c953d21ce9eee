"""Who says `alive` in time is left alone, however short the times between are."""

import subprocess
import sys

QUICK_STEPS = """
import time
from trainer.distributed.watchdog import stall_watchdog

with stall_watchdog(0, 1.0) as dog:
    until = time.monotonic() + 8
    while time.monotonic() < until:
        time.sleep(0.2)
        dog.heartbeat()
"""


def test_steps_that_are_shorter_than_a_second() -> None:
    """Longer than faulthandler would wait, had it not been told of any of them."""
    ended = subprocess.run([sys.executable, "-c", QUICK_STEPS], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
