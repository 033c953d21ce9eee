"""Planning 1.5 M images without the images: what a scan keeps of each, the plan, and the plan on disk.

The system calls of a scan are left out, for there are no files; what they would say of each image is made up, in the
order of a disk, which is none.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from memory import own_peak
from places import scratch
from report import publish_report
from shardkit.pack.options import PackOptions
from shardkit.pack.plan.planfile import PlanFile, PlanHeader, write_plan
from shardkit.pack.plan.sharding import TreePlan, assign_shards
from shardkit.pack.plan.split import fit_thresholds
from shardkit.pack.source.candidates import Candidate, ChunkedTable, Sidecar, candidate_chunk, candidate_table
from shardkit.pack.source.layout import KNOWN_LAYOUTS, LayoutCensus, match_first

SUBJECTS, IMPRESSIONS = 150_000, 10
SUBJECTS_A_BATCH = 1_000
BYTES, SIDECAR_BYTES = 400_000, 2_000
RATIOS = {"train": 0.8, "val": 0.1, "test": 0.1}
Result = TypeVar("Result")


def sources() -> Iterator[bytes]:
    rng = np.random.default_rng(0)
    for subject in rng.permutation(SUBJECTS).tolist():
        folder = f"batch_{subject // SUBJECTS_A_BATCH:05}/subject_{subject:06}"
        for impression in rng.permutation(IMPRESSIONS).tolist():
            yield f"{folder}/impression_{impression:02}.png".encode()


def scan() -> pa.Table:
    census, rows = LayoutCensus(), ChunkedTable(candidate_chunk)
    for number, source in enumerate(sources()):
        explained = match_first(KNOWN_LAYOUTS, source)
        assert explained, "the paths follow the first layout that is known"
        layout, subject, impression = explained
        census.add(layout, source)
        beside = (Sidecar("mnt", SIDECAR_BYTES, number),)
        rows.append(Candidate(subject, impression, source, BYTES + number % 1_000, number, beside))
    return candidate_table(rows.chunks())


def plan(found: pa.Table) -> TreePlan:
    columns = dict(zip(found.column_names, found.columns, strict=True))
    subjects = found["subject"].chunk(0).dictionary.to_pylist()
    thresholds = fit_thresholds(RATIOS, dict.fromkeys(subjects, 1))
    del found, subjects
    return assign_shards(columns, {}, thresholds.split_of, PackOptions().shard_size)


def write(made: TreePlan, folder: Path) -> PlanFile:
    terms = PlanHeader(
        options=PackOptions().record(),
        codec="png",
        choice="",
        splitting={},
        versions={},
        preparation={},
        generation=1,
        by="",
        inputs=SUBJECTS * IMPRESSIONS,
    )
    return write_plan(folder, made, terms)


def main() -> None:
    figures: dict[str, float] = {}
    imports = own_peak()

    def measured(what: str, work: Callable[[], Result]) -> Result:
        start = time.perf_counter()
        result = work()
        figures[f"{what}, s"] = time.perf_counter() - start
        figures[f"{what}: peak above imports so far, MB"] = own_peak() - imports
        return result

    images = f"{SUBJECTS * IMPRESSIONS:,} images"
    with scratch() as folder:
        found = [measured(f"noting {images}", scan)]
        made = measured(f"planning {images}", lambda: plan(found.pop()))  # planning takes the columns over
        written = measured(f"writing the plan of {images}", lambda: write(made, folder))
        figures["shards"] = len(written.shards)
    publish_report("plan_scale", figures)


if __name__ == "__main__":
    main()
