"""How many subjects a batch of webdataset shows, on average over an epoch, read from the same tars as ours.

It knows a sample by its key, SUBJECT/IMPRESSION.
"""

import sys
from pathlib import Path

import webdataset as wds

from peer_scripts.read_webdataset import BUFFER, SHARDS


def main() -> None:
    folder, batch_size = sys.argv[1:]
    urls = sorted(map(str, Path(folder).glob("*.tar")))
    keys = wds.WebDataset(urls, shardshuffle=SHARDS).shuffle(BUFFER).to_tuple("__key__")
    batches = keys.batched(int(batch_size), partial=False)
    counts = [len({key.rpartition("/")[0] for key in batch}) for (batch,) in batches]
    print(sum(counts) / len(counts))


if __name__ == "__main__":
    main()
