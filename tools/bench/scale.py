"""Does the size of a dataset matter? The first batch, the cost of a sample, and memory over the epochs, on tiny arrays.

With 256 bytes of pixels, a sample costs what the loader itself costs. Every dataset has shards of 625 samples, so the
largest has as many shards as 600 GB of prints.
"""

from collections.abc import Iterator

from commands import said
from reading import Reader, ours, pin, speeds
from report import publish_report
from trees import TINY, tiny_dataset

SAMPLES = (10_000, 100_000, 1_500_000)
TURNS = 2
FIRST_BATCHES = 3
EPOCHS = 10


def first_batch(samples: int) -> dict[str, float]:
    command = ours("first_batch", tiny_dataset(samples))
    runs = [tuple(map(float, said(command).split())) for _ in range(FIRST_BATCHES)]
    best, memory = min(seconds for seconds, _ in runs), max(megabytes for _, megabytes in runs)
    return {
        f"first batch of {samples:,}, s after imports": best,
        f"first batch of {samples:,}, MB above imports": memory,
    }


def cost() -> dict[str, float]:
    folders = {f"{samples:,}": tiny_dataset(samples) for samples in SAMPLES}
    readers = {name: Reader(ours("read_shardkit", folder), folder) for name, folder in folders.items()}
    cost = {name: 1e6 / speed for name, speed in speeds(readers, TINY[0] * TINY[1], TURNS).items()}
    least, *larger = cost
    flatness = {f"cost of {name} / {least}": cost[name] / cost[least] for name in larger}
    return {f"{name} samples, microseconds a sample": each for name, each in cost.items()} | flatness


def memory_over_epochs(samples: int) -> Iterator[tuple[str, float]]:
    lines = said(ours("read_epochs", tiny_dataset(samples), EPOCHS)).splitlines()
    peaks = [float(line.split()[1]) for line in lines]
    yield f"{samples:,} samples, MB more after epoch {EPOCHS} than after epoch 2", peaks[-1] - peaks[1]


def main() -> None:
    pin()
    publish_report("scale", first_batch(SAMPLES[-1]) | cost() | dict(memory_over_epochs(SAMPLES[1])))


if __name__ == "__main__":
    main()
