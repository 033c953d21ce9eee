"""What a head takes at 100,000 and a million classes: its forward and backward alone, and the memory of a process.

Whole on one rank, and in blocks on one and on two (gloo), with all classes and with a tenth of them. Each case is a
process of its own, so that its peak is its own; what was there before the head is taken off.
"""

import sys

from commands import said
from places import BENCH
from report import publish_report

EMBEDDING, BATCH = 128, 64
CASES = (("whole", 1, 1.0), ("blocks", 1, 1.0), ("blocks", 1, 0.1), ("blocks", 2, 1.0), ("blocks", 2, 0.1))
"""How classes are held, ranks, and the share of them that is compared."""
ONE = str(BENCH / "our_scripts" / "one_head.py")


def main() -> None:
    figures: dict[str, float] = {}
    for classes in (100_000, 1_000_000):
        for kind, ranks, share in CASES:
            name = f"{classes:,} classes, {kind}, {ranks} rank{'s' * (ranks > 1)}, {share:.0%} of them"
            seconds, megabytes = _measured(kind, ranks, share, classes)
            figures |= {f"{name}: ms a micro-batch": 1000 * seconds, f"{name}: MB a rank at most": megabytes}
    publish_report("heads", figures)


def _measured(kind: str, ranks: int, share: float, classes: int) -> tuple[float, float]:
    """Of rank 0, which all others wait for."""
    words = [ONE, kind, str(classes), str(EMBEDDING), str(BATCH), str(share)]
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"]
    seconds, megabytes = said([sys.executable, *(torchrun if ranks > 1 else []), *words]).split()
    return float(seconds), float(megabytes)


if __name__ == "__main__":
    main()
