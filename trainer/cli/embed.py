"""`python -m trainer embed RUN OUT`: writes an embedding of unit length for every sample of a split."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch.nn import functional

import shardkit
from trainer.cli.run_folder import RunArguments, add_weights_arguments, make_run_parser, open_run
from trainer.errors import UsageError
from trainer.evaluation.embedding import embed_split

_DESCRIPTION = """Write the embeddings of a split as Parquet (OUT.parquet) or NumPy (OUT.npz), in the index's order.

Half precision halves the file exactly; compressing unit vectors of floats gains next to nothing."""
_EXAMPLES = ("runs/first val.parquet", "runs/first test.npz --split test")
_ENDINGS = (".parquet", ".npz")
_DTYPES = {"fp16": np.float16, "fp32": np.float32}


def main(arguments: Sequence[str]) -> int:
    parser = add_weights_arguments(make_run_parser("embed", _DESCRIPTION, *_EXAMPLES))
    parser.add_argument("out", type=_out, metavar="OUT", help="a file that ends in .parquet or .npz")
    parser.add_argument("--dtype", choices=_DTYPES, default="fp16", help="of the numbers (default: fp16)")
    with open_run(parser, arguments) as it:
        vectors, numbers = _embed(it)
        if it.world.is_main:
            _write(it.words.out, vectors, _ids(it, numbers))
            it.say(
                f"{it.words.out}: {len(vectors):,} embeddings of {vectors.shape[1]} numbers, at step "
                f"{it.weights.found.step:,}."
            )
    return 0


def _out(text: str) -> Path:
    """Refused before an hour of work, not behind it."""
    out = Path(text)
    if out.suffix not in _ENDINGS or out.is_dir():
        raise UsageError(f"{out}: OUT is a file, whose name must end in {' or '.join(_ENDINGS)}.")
    if not out.parent.is_dir():
        raise UsageError(f"{out}: there is no folder {out.parent}. Make it, or name another place.")
    return out


def _embed(it: RunArguments) -> tuple[NDArray[np.generic], list[int]]:
    """The vectors, and which samples they are of."""
    weights = it.weights
    whole = embed_split(weights.network, weights.feed(it.split, it.world), weights.augment, it.world)
    unit: NDArray[np.generic] = functional.normalize(whole.vectors.to(torch.float64)).cpu().numpy()
    return unit.astype(_DTYPES[it.words.dtype]), whole.numbers.tolist()


def _ids(it: RunArguments, numbers: Sequence[int]) -> Mapping[str, list[Any]]:
    """Of the very samples that were embedded: a damaged one may have been replaced by its neighbour."""
    dataset = shardkit.open(it.weights.config.data.path, it.weights.generation)
    there = [each for shard in dataset[it.split].shards for each in dataset.samples(shard)]
    samples = [there[number] for number in numbers]
    return {
        "key": [each.key for each in samples],
        "subject": [each.subject for each in samples],
        "label": [each.label for each in samples],
    }


def _write(out: Path, vectors: NDArray[np.generic], ids: Mapping[str, list[Any]]) -> None:
    with shardkit.publish(out) as file:
        if out.suffix == ".npz":
            key, subject, label = (np.array(ids[name]) for name in ("key", "subject", "label"))
            np.savez(file, embeddings=vectors, key=key, subject=subject, label=label)
        else:
            column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
            pq.write_table(pa.table({**ids, "embedding": column}), file)
