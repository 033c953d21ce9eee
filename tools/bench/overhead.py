"""What a loader costs by itself: 4 KiB are copied a sample, and nothing is decoded.

The same noise is stored by each in its own way, as bytes by the peers, as arrays by us. FFCV is not among them: it
compiles its loop for what it stores, and is measured where pixels are (readers.py).
"""

from peers import found
from places import scratch
from reading import ENERGON, FILES, LITDATA, MOSAICML, WEBDATASET, packed, pin, readers_of_peers, speeds
from report import publish_report
from trees import as_arrays, as_files, noise_arrays

SAMPLES = 20_000
SHAPE = (1, 64, 64)
OTHERS = (FILES, MOSAICML, LITDATA, ENERGON)  # once, for the table; webdataset as often as ours, for the ratio
TURNS = 3
OURS = "shardkit"


def main() -> None:
    peers = found()
    pin()
    values = noise_arrays(SAMPLES, SHAPE)
    with scratch() as room:
        as_files(room / "tree", values)
        as_arrays(room / "arrays", values)
        others = readers_of_peers(OTHERS, peers, room / "tree", room, "copy")
        compared = readers_of_peers((WEBDATASET,), peers, room / "tree", room, "copy")
        compared[OURS] = packed(room / "arrays", room / OURS, "--from-arrays", "--codec", "raw")
        best = speeds(others, values[0].nbytes, 1) | speeds(compared, values[0].nbytes, TURNS)
    figures = {f"{name}, samples a second": speed for name, speed in best.items()}
    figures |= {f"{OURS} / {name}": best[OURS] / speed for name, speed in best.items() if name != OURS}
    publish_report("overhead", figures, peers=peers)


if __name__ == "__main__":
    main()
