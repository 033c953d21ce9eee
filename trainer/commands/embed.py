"""`python -m trainer embed RUN OUT`: a vector of unit length for every sample of a split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from torch.nn import functional

import shardkit
from trainer.commands.run_folder import Asked, asked, parser_of, with_weights
from trainer.errors import UsageError
from trainer.judging import embedded

_DESCRIPTION = """Write the embeddings of a split as Parquet (OUT.parquet) or NumPy (OUT.npz), in the index's order.

Half precision halves the file exactly; compressing unit vectors of floats gains next to nothing."""
_ENDINGS = (".parquet", ".npz")


def main(arguments: Sequence[str]) -> int:
    parser = with_weights(parser_of("embed", _DESCRIPTION))
    parser.add_argument("out", type=Path, metavar="OUT", help="a file that ends in .parquet or .npz")
    parser.add_argument("--dtype", choices=("fp16", "fp32"), default="fp16", help="of the numbers (default: fp16)")
    with asked(parser, arguments) as it:
        if it.words.out.suffix not in _ENDINGS:
            raise UsageError(f"{it.words.out}: its name must end in {' or '.join(_ENDINGS)}.")
        vectors = _vectors(it)
        if it.world.leads:
            _write(it, vectors)
            it.say(
                f"{it.words.out}: {len(vectors):,} embeddings of {vectors.shape[1]} numbers, at step "
                f"{it.weights.found.step:,}."
            )
    return 0


def _vectors(it: Asked) -> NDArray[np.generic]:
    weights = it.weights
    whole = embedded(weights.network, weights.feed(it.words.split, it.world), weights.augment, it.world, lambda: True)
    assert whole is not None  # nobody asks it to stop
    unit = functional.normalize(whole.vectors.double()).cpu().numpy()
    return unit.astype(np.float16 if it.words.dtype == "fp16" else np.float32)


def _write(it: Asked, vectors: NDArray[np.generic]) -> None:
    config, generation = it.weights.config, it.weights.found.state["dataset"]["generation"]
    dataset = shardkit.open(config.data.path, generation)
    samples = [each for shard in dataset[it.words.split].shards for each in dataset.samples(shard)]
    ids = {
        "key": [each.key for each in samples],
        "subject": [each.subject for each in samples],
        "label": [each.label for each in samples],
    }
    with shardkit.publish(it.words.out) as file:
        if it.words.out.suffix == ".npz":
            np.savez(file, allow_pickle=False, embeddings=vectors, **{name: np.array(ids[name]) for name in ids})
        else:
            column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
            pq.write_table(pa.table({**ids, "embedding": column}), file)
