"""Check of the keys of samples: each is `subject/impression`, and no two samples of a dataset share one.

Only a 64-bit hash of each key is held while a dataset is verified. The few keys whose hashes are equal are read again.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from shardkit.format.keys import ENCODED_NAME, is_encoded
from shardkit.reader.dataset import Dataset
from shardkit.schema import Shard
from shardkit.verify.findings import Finding, FindingKind

Hashes = npt.NDArray[np.uint64]


def hash_keys(rows: pa.Table) -> Hashes:
    """Return a hash of the key of each row."""
    keys = rows["key"].cast(pa.large_binary()).to_pylist()
    return np.fromiter(map(xxh3_64_intdigest, keys), np.uint64, len(keys))


def find_invalid_keys(shard: Shard, rows: pa.Table) -> Iterator[Finding]:
    """Yield a finding if a key is not made of the subject and the impression of its row, or a name is not encoded."""
    expected = pc.binary_join_element_wise(rows["subject"], rows["impression"], "/")
    odd = np.flatnonzero(pc.not_equal(rows["key"], expected).to_numpy())
    if len(odd):
        key, wanted = (column[int(odd[0])].as_py() for column in (rows["key"], expected))
        text = f"{len(odd):,} of the keys of {shard.name} are not `subject/impression`."
        yield Finding(FindingKind.DISAGREES, shard.index, key, None, ascii(wanted), ascii(key), text)
    for name in ("subject", "impression", "group"):
        yield from _find_unencoded(shard, rows, f"{name}s", rows[name].combine_chunks(), range(len(rows)))
    sidecars = rows["sidecars"].combine_chunks()
    # An ending has dots, and tars of other tools have empty ones.
    endings = pc.binary_join_element_wise("x", pc.struct_field(pc.list_flatten(sidecars), "ext"), "")
    row_of = pc.list_parent_indices(sidecars).to_pylist()
    yield from _find_unencoded(shard, rows, "endings", pc.replace_substring(endings, ".", ""), row_of)


def _find_unencoded(
    shard: Shard, rows: pa.Table, what: str, names: pa.Array, row_of: Sequence[int]
) -> Iterator[Finding]:
    """Yield a finding if some names are not what `encoded` writes; `row_of` has the row of each name."""
    odd = ~pc.match_substring_regex(names, ENCODED_NAME).to_numpy(zero_copy_only=False)
    # Only decoding tells whether bytes are UTF-8, which is not escaped. Few names have such escapes.
    for place in np.flatnonzero(pc.match_substring_regex(names, "%[89A-F]")):
        odd[place] = odd[place] or not is_encoded(names[int(place)].as_py())
    found = np.flatnonzero(odd)
    if len(found):
        text = f"{len(found):,} of the {what} of {shard.name} are empty, or have characters that are written %XX there."
        yield Finding(FindingKind.DISAGREES, shard.index, rows["key"][row_of[int(found[0])]].as_py(), text=text)


def find_shared_keys(dataset: Dataset, hashes: Mapping[str, Hashes]) -> Iterator[Finding]:
    """Yield a finding for each shard with keys that earlier samples have; `hashes` are by name of the shard."""
    values = np.sort(np.concatenate([np.empty(0, np.uint64), *hashes.values()]))
    shared = np.unique(values[1:][values[1:] == values[:-1]])
    if not len(shared):
        return
    # A subject of an adopted dataset can be in several splits: there a key names one sample of its split.
    adopted = bool(dataset.manifest.options.get("adopted"))
    holders: dict[tuple[str, str], str] = {}
    for shard in dataset.shards:
        places = np.flatnonzero(np.isin(hashes.get(shard.name, np.empty(0, np.uint64)), shared))
        again: list[tuple[str, str]] = []
        for key in _keys_at(dataset, shard, places):
            scoped = (shard.split if adopted else "", key)
            if scoped in holders:
                again.append(scoped)
            else:
                holders[scoped] = shard.name
        if again:
            other = holders[again[0]]
            text = f"Other samples have {len(again):,} of the keys of {shard.name} too, the first one is in {other}."
            yield Finding(FindingKind.DISAGREES, shard.index, again[0][1], text=text)


def _keys_at(dataset: Dataset, shard: Shard, places: npt.NDArray[np.intp]) -> list[str]:
    if not len(places):
        return []
    keys: list[str] = dataset.rows(shard, ["key"])["key"].take(pa.array(places)).to_pylist()
    return keys
