"""The files beside the images that say who is whose twin, all three with the same ids.

`groups.csv` is for `shardkit pack --groups`; the other two are those that the guides of twin training read.
"""

import json

from shardkit.storage.atomic import publish_bytes
from synthetic.tree import GROUPS_FILE, Tree, publish_groups

PAIRS_FILE, DATASET_FILE = "twin_pairs_infor.json", "dataset_infor.json"


def publish_ledgers(tree: Tree) -> None:
    ids = [tree.layout.subject_id(subject) for subject in range(tree.subjects)]
    publish_groups(tree.out / GROUPS_FILE, ((one, f"pair_{subject // 2:06}") for subject, one in enumerate(ids)))
    _publish_json(tree, PAIRS_FILE, list(zip(ids[::2], ids[1::2], strict=True)))
    _publish_json(tree, DATASET_FILE, {one: _paths(tree, subject) for subject, one in enumerate(ids)})


def _paths(tree: Tree, subject: int) -> list[str]:
    return [tree.layout.of(subject, number) for number in range(tree.samples)]


def _publish_json(tree: Tree, name: str, content: object) -> None:
    publish_bytes(tree.out / name, (json.dumps(content) + "\n").encode())
