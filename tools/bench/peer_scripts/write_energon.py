"""Energon's way: webdataset's ShardWriter, then `energon prepare`, which indexes the tars and names the fields."""

import json
import os
from pathlib import Path

from megatron.energon.tools.prepare import command

from peer_scripts import write_webdataset
from peer_scripts.images import WORKERS, LabelledImage, timed

FIELDS = {"image": "png,bin", "label": "cls"}


def write(images: list[LabelledImage], out: Path) -> None:
    write_webdataset.write(images, out)
    answers = {"split-ratio": "1,0,0", "sample-type": "ImageClassificationSample", "field-map": json.dumps(FIELDS)}
    answers |= {"num-workers": str(WORKERS)}
    flags = [f"--{name}={value}" for name, value in answers.items()]
    command.main([os.fspath(out), "--non-interactive", "--no-progress", *flags], standalone_mode=False)


if __name__ == "__main__":
    timed(write)
