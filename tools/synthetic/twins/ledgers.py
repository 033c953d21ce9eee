"""The files beside the images that say who is whose twin, all three with the same ids.

`groups.csv` is for `shardkit pack --groups`; the other two are those that the guides of twin training read.
"""

import json

from shardkit.format.publish import publish_bytes
from synthetic.tree import publish_groups
from synthetic.twins.samples import Faces

GROUPS_FILE, PAIRS_FILE, DATASET_FILE = "groups.csv", "twin_pairs_infor.json", "dataset_infor.json"


def publish_ledgers(faces: Faces) -> None:
    ids = {subject: faces.layout.subject_id(subject) for subject in faces.subjects}
    publish_groups(faces.out / GROUPS_FILE, ((ids[subject], f"pair_{subject // 2:06}") for subject in ids))
    _publish_json(faces, PAIRS_FILE, [[ids[2 * pair], ids[2 * pair + 1]] for pair in range(faces.pairs)])
    _publish_json(faces, DATASET_FILE, {ids[subject]: faces.paths(subject) for subject in ids})


def _publish_json(faces: Faces, name: str, content: object) -> None:
    publish_bytes(faces.out / name, (json.dumps(content) + "\n").encode())
