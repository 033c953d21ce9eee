"""How well a batch is mixed where the shards hold one subject after the other: subjects in a batch of 256.

Ours and webdataset, with its buffer of 1 000 samples, read the same shards; a perfect permutation needs none.
"""

import numpy as np

from commands import said
from peers import PYTHON, found
from places import scratch
from reading import WEBDATASET, ours, packed
from report import publish_report
from trees import IMPRESSIONS, as_arrays, noise_arrays

SAMPLES, SHAPE = 100_000, (1, 16, 16)
SHARD_SIZE = "512KB"  # 2 000 samples, as many as a shard of 256 MB holds of prints
BATCH = 256
PERMUTATION, OURS = "perfect permutation", "shardkit"


def of_permutation() -> float:
    subjects = np.random.default_rng(0).permutation(SAMPLES) // IMPRESSIONS
    rows = subjects[: SAMPLES // BATCH * BATCH].reshape(-1, BATCH)
    return float(np.mean([len(np.unique(row)) for row in rows]))


def main() -> None:
    peers = found()
    subjects = {PERMUTATION: of_permutation()}
    with scratch() as room:
        as_arrays(room / "arrays", noise_arrays(SAMPLES, SHAPE))
        dataset = room / "dataset"
        packed(room / "arrays", dataset, "--from-arrays", "--codec", "raw", "--shard-size", SHARD_SIZE)
        commands = {OURS: ours("count_subjects", dataset, BATCH)}
        if WEBDATASET not in peers.missing:
            commands[WEBDATASET] = [PYTHON, "-m", "peer_scripts.count_subjects", str(dataset), str(BATCH)]
        subjects |= {name: float(said(command).split()[-1]) for name, command in commands.items()}
    figures = {f"{name}, subjects in a batch of {BATCH}": count for name, count in subjects.items()}
    figures |= {f"{name} / {PERMUTATION}": subjects[name] / subjects[PERMUTATION] for name in commands}
    publish_report("shuffle", figures, peers=peers)


if __name__ == "__main__":
    main()
