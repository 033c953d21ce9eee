"""Modules that break a rule in their last line, with what is said of it; and some that only seem to break one."""

ALL = '__all__ = ["StreamingDataset", "__version__", "publish"]\n'

ARROWS = [
    ("shardkit/pack/plan.py", "import shardkit.cli.console", "pack may not import cli"),
    ("shardkit/pack/plan.py", "import shardkit.cli.console as talk", "pack may not import cli"),
    ("shardkit/image/png.py", "from shardkit.pack.plan import Row", "image may not import pack"),
    (
        "shardkit/image/png.py",
        "from shardkit.pack.plan import Row\nRow()\nimport shardkit.view",
        "image may not import",
    ),
    ("shardkit/image/png.py", "from shardkit import stream", "image may not import stream"),
    ("shardkit/image/png.py", "from .. import stream", "image may not import stream"),
    ("shardkit/image/png.py", "from ..stream.ring import Ring", "image may not import stream"),
    ("shardkit/errors.py", "from .dataset import Row", "errors may not import dataset"),
    ("shardkit/format/__init__.py", "from ..storage import local", "format may not import storage"),
    ("shardkit/format/tar.py", "def late():\n    import shardkit.image.png", "format may not import image"),
    (
        "shardkit/format/tar.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shardkit.pack.plan import Row",
        "format may not import pack",
    ),
    (
        "shardkit/format/tar.py",
        'from importlib import import_module as load\nload("shardkit.pack.plan")',
        "format may not import pack",
    ),
    (
        "shardkit/format/tar.py",
        'import importlib\nimportlib.import_module("..pack", __package__)',
        "format may not import",
    ),
    ("shardkit/format/tar.py", '__import__("shardkit.pack")', "format may not import pack"),
    ("shardkit/format/tar.py", "import shardkit\nshardkit.pack.plan.rows()", "format may not import pack"),
    ("shardkit/__init__.py", ALL + "def f():\n    from shardkit.cli import main", "__init__ may not import cli"),
    ("shardkit/format/tar.py", "from shardkit import publish", "shardkit.publish is no room"),
    ("shardkit/format/tar.py", "from shardkit import *", "shardkit.* is no room"),
    ("shardkit/misc/bag.py", "", "shardkit.misc is a room that no arrow names"),
    ("shardkit/helpers.py", "", "shardkit.helpers is a room that no arrow names"),
    ("trainer/misc/bag.py", "", "trainer.misc is a room that no arrow names"),
    ("trainer/loop.py", "from trainer.commands import train", "loop may not import commands"),
    ("trainer/loop.py", "from trainer.checkpoint import writer", "loop may not import checkpoint"),
    ("trainer/checkpoint/writer.py", "from trainer.models import vit", "checkpoint may not import models"),
    ("trainer/models/vit.py", "from ..config import Model", "models may not import config"),
    ("trainer/verification.py", "import trainer.world", "verification may not import world"),
]

BANS = [
    ("shardkit/pack/plan.py", "import torch", "torch:"),
    ("shardkit/pack/plan.py", "from torch.utils import data", "torch.utils.data:"),
    ("shardkit/pack/plan.py", "import trainer.loop", "shardkit knows no trainer"),
    ("shardkit/stream/ring.py", "import cv2", "cv2:"),
    ("trainer/augment.py", "from PIL import Image", "PIL.Image:"),
    ("shardkit/pack/plan.py", "import deflate", "deflate:"),
    ("shardkit/pack/merge.py", "import pickle as json", "pickle:"),
    ("shardkit/pack/merge.py", "from _pickle import loads", "_pickle.loads:"),
    ("shardkit/pack/merge.py", "from marshal import loads", "marshal.loads:"),
    ("shardkit/pack/merge.py", 'import importlib\nimportlib.import_module("cloudpickle")', "cloudpickle:"),
    ("shardkit/pack/merge.py", "def f():\n    import shelve", "shelve:"),
    ("shardkit/format/tar.py", "import tarfile", "tarfile:"),
    ("shardkit/pack/merge.py", "from subprocess import run", "subprocess.run:"),
    ("shardkit/pack/merge.py", "import os\nos.system('true')", "os.system:"),
    ("shardkit/pack/merge.py", "import os as o\no.execvp('true', [])", "os.execvp:"),
    ("shardkit/pack/merge.py", "from os import spawnl", "os.spawnl:"),
    ("shardkit/pack/merge.py", "import os\nopener = os.popen", "os.popen:"),
    ("shardkit/cli/info.py", "print('size')", "print:"),
    ("shardkit/cli/info.py", "echo = print", "print:"),
    ("shardkit/cli/info.py", "import builtins\nbuiltins.print()", "print:"),
    ("shardkit/pack/plan.py", "eval('1')", "eval:"),
    ("shardkit/pack/plan.py", "exec('1')", "exec:"),
    ("trainer/loop.py", "from shardkit import StreamingDataset", "shardkit.StreamingDataset: batches alone"),
    ("trainer/loop.py", "import shardkit\nshardkit.StreamingDataset()", "shardkit.StreamingDataset: batches alone"),
    ("trainer/schedule.py", "import time", "time: this module is pure"),
    (
        "trainer/verification.py",
        "import torch\ntorch.distributed.barrier()",
        "torch.distributed.barrier: this module",
    ),
    ("shardkit/stream/order.py", "open('state')", "open: this module is pure"),
]

# Every other name that is banned, in a module that may not say it.
OTHER_NAMES = {
    "shardkit/pack/merge.py": "torchvision imagecodecs imageio skimage simplejpeg turbojpeg dill joblib rich.print "
    "pty.spawn os.posix_spawnp os.renames os.fdatasync os.sync pathlib.Path.rename",
    "trainer/schedule.py": "os random",
}
BANS += [(path, f"import {name}", f"{name}: ") for path, names in OTHER_NAMES.items() for name in names.split()]

MOVES = [
    ("shardkit/pack/merge.py", "import os\nos.rename(a, b)", "os.rename: only"),
    ("shardkit/pack/merge.py", "import os\nos.replace(a, b)", "os.replace: only"),
    ("shardkit/pack/merge.py", "from os import link as tie", "os.link: only"),
    ("trainer/checkpoint/writer.py", "import os\nos.fsync(3)", "os.fsync: only"),
    ("shardkit/pack/merge.py", "from shutil import move", "shutil.move: only"),
    ("shardkit/pack/merge.py", "path.rename(final)", ".rename(…) moves a file"),
    ("shardkit/pack/merge.py", "folder.joinpath('x').replace(final)", ".replace(…) moves a file"),
    ("trainer/checkpoint/rotate.py", "path.replace(target=final)", ".replace(…) moves a file"),
    ("shardkit/pack/merge.py", "from pathlib import Path\nPath.replace(a, b)", "pathlib.Path.replace: only"),
    ("shardkit/format/index.py", "path.hardlink_to(other)", ".hardlink_to(…) moves a file"),
]

PUBLIC = [
    ("trainer/batches.py", "from shardkit import format", "shardkit.format is not public"),
    ("trainer/batches.py", "import shardkit.errors", "shardkit.errors is not public"),
    ("trainer/batches.py", "from shardkit.format.publish import publish", "shardkit.format.publish.publish is not"),
    ("trainer/batches.py", "from shardkit.publish import inner", "shardkit.publish.inner is not public"),
    ("trainer/batches.py", "import shardkit as kit\nkit.secret()", "shardkit.secret is not public"),
    ("trainer/batches.py", "from shardkit import *", "shardkit.* is not public"),
    (
        "trainer/batches.py",
        'from importlib import import_module\nimport_module("shardkit.stream")',
        "shardkit.stream is",
    ),
    ("trainer/state.py", "import torch\ntorch.load('x')", "torch.load runs"),
    ("trainer/state.py", "from torch import load\nload('x', weights_only=False)", "torch.load runs"),
    ("trainer/state.py", "import torch\ntorch.load('x', weights_only=safe)", "torch.load runs"),
    ("shardkit/__init__.py", ALL + "import numpy", "`import shardkit` must stay cheap, and this imports numpy"),
    ("shardkit/__init__.py", ALL + "from shardkit.errors import Locked", "must stay cheap"),
    ("shardkit/__init__.py", ALL + "class Late:\n    import rich", "must stay cheap"),
    (
        "shardkit/__init__.py",
        ALL + "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    import rich",
        "must st",
    ),
]

FINE = [
    ("shardkit/pack/plan.py", "import shardkit\nshardkit.__version__"),
    ("shardkit/pack/plan.py", "from . import scan\nfrom .scan import files\nfrom ..errors import UsageError"),
    ("shardkit/verify/repair.py", "from shardkit.pack.shard import write"),
    ("shardkit/cli/info.py", "from shardkit.stream import ring\nfrom shardkit.errors import Locked"),
    ("shardkit/cli/info.py", "from shardkit.format import tar\n# import pickle\nname = 'pickle, tarfile, torch'"),
    ("shardkit/pack/plan.py", '"""Not a pickle, and no print(…)."""\nimport pickletools_of_ours'),
    ("shardkit/pack/plan.py", "'a b'.replace(' ', '_')\nname.replace(*pair)\nmoment.replace(year=2000)"),
    ("shardkit/pack/plan.py", "import copy\ncopy.replace(row)\ntable.rename(names, inplace=True)"),
    ("shardkit/pack/plan.py", "from dataclasses import replace\nreplace(row)\nreplace(row, size=1)"),
    ("shardkit/pack/plan.py", "import dataclasses\ndataclasses.replace(row)\ntable.rename(columns={})"),
    ("shardkit/pack/plan.py", "self.print('x')\nconsole.print('x')\nmodel.eval()\nrunner.exec()"),
    ("shardkit/pack/scan.py", "import os\nos.path.exists('x')\nos.unlink('x')"),
    ("shardkit/format/publish.py", "import os\nos.fsync(3)\npart.replace(path)"),
    ("shardkit/stream/dataset.py", "import torch"),
    ("shardkit/image/png.py", "import cv2\nfrom PIL import Image"),
    (
        "shardkit/__init__.py",
        ALL + "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shardkit.view import x",
    ),
    ("shardkit/__init__.py", ALL + "def load():\n    from shardkit.stream import dataset\n    import numpy"),
    ("trainer/batches.py", "from shardkit import StreamingDataset, publish\npublish(x).attribute"),
    ("trainer/batches.py", "import shardkit\nshardkit.StreamingDataset\nshardkit.__version__"),
    ("trainer/commands/prove.py", "import subprocess\nprint(1)\nfrom trainer.checkpoint import find"),
    ("trainer/state.py", "import torch\ntorch.load('x', weights_only=True)\nstate.load('x')"),
    ("trainer/__main__.py", "from trainer.commands import train"),
]

HOUSE = {
    "cli": "pack verify stream view format image storage dataset errors",
    "pack": "format image storage dataset errors",
    "verify": "pack format image storage dataset errors",
    "stream": "format image storage dataset errors",
    "view": "format image storage dataset errors",
    "format": "dataset errors",
    "image": "dataset errors",
    "storage": "dataset errors",
    "dataset": "",
    "errors": "",
}
