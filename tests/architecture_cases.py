"""Modules that break a rule in their last line, with what is said of it.

A row of a table is a case: path, source and message. A `; ` in the source is the end of a line.
"""

import re


def cases(table: str) -> list[list[str]]:
    rows = (re.split(r" {2,}", line) for line in table.strip().splitlines())
    return [[path, source.replace("; ", "\n"), *message] for path, source, *message in rows]


ARROWS = cases("""
shardkit/pack/plan.py         import shardkit.cli.console                 pack may not import cli
shardkit/pack/plan.py         import shardkit.cli.console as talk         pack may not import cli
shardkit/image/png.py         from shardkit.pack.plan import Row          image may not import pack
shardkit/image/png.py         from shardkit.pack.plan import Row; Row(); import shardkit.view  image may not import
shardkit/image/png.py         from shardkit import stream                 image may not import stream
shardkit/image/png.py         from .. import stream                       image may not import stream
shardkit/image/png.py         from ..stream.ring import Ring              image may not import stream
shardkit/errors.py            from .schema import Row                     errors may not import schema
shardkit/storage/__init__.py  from ..format import tables                 storage may not import format
shardkit/format/tar.py        def late(): import shardkit.image.png       format may not import image
shardkit/format/tar.py        if TYPE_CHECKING: from shardkit.pack.plan import Row  format may not import pack
shardkit/format/tar.py        import importlib as i; i.import_module("shardkit.pack")  format may not import pack
shardkit/format/tar.py        from importlib import import_module as do; do("..pack", here)  format may not import pack
shardkit/format/tar.py        __import__("shardkit.pack")                 format may not import pack
shardkit/format/tar.py        import shardkit; shardkit.pack.plan.rows()  format may not import pack
shardkit/__init__.py          def f(): from shardkit.cli import main      __init__ may not import cli
shardkit/format/tar.py        from shardkit import publish                shardkit.publish is no room
shardkit/format/tar.py        from shardkit import *                      shardkit.*: a star hides
shardkit/misc/bag.py          pass                                        shardkit.misc is a room that no arrow names
shardkit/helpers.py           pass                                        shardkit.helpers is a room that no arrow names
trainer/misc/bag.py           pass                                        trainer.misc is a room that no arrow names
trainer/validator.py          from trainer.cli import train               validator may not import cli
trainer/losses.py             from trainer.checkpoint import writer       losses may not import checkpoint
trainer/checkpoint/writer.py  from trainer.distributed import world       checkpoint may not import distributed
trainer/models/vit.py         from ..config import Model                  models may not import config
trainer/planning.py           import trainer.distributed                  planning may not import distributed
""")

BANS = cases("""
shardkit/pack/plan.py     import torch                                  torch:
shardkit/pack/plan.py     from torch.utils import data                  torch.utils.data:
shardkit/pack/plan.py     import trainer.loop                           shardkit knows no trainer
shardkit/stream/ring.py   import cv2                                    cv2:
trainer/augment.py        from PIL import Image                         PIL.Image:
shardkit/pack/plan.py     import deflate                                deflate:
shardkit/pack/merge.py    import pickle as json                         pickle:
shardkit/pack/merge.py    from _pickle import loads                     _pickle.loads:
shardkit/pack/merge.py    from marshal import loads                     marshal.loads:
shardkit/pack/merge.py    import importlib; importlib.import_module("cloudpickle")  cloudpickle:
shardkit/pack/merge.py    def f(): import shelve                        shelve:
shardkit/format/tar.py    import tarfile                                tarfile:
shardkit/pack/merge.py    from subprocess import run                    subprocess.run:
shardkit/pack/merge.py    import os; os.system('true')                  os.system:
shardkit/pack/merge.py    import os as o; o.execvp('true', [])          os.execvp:
shardkit/pack/merge.py    from os import spawnl                         os.spawnl:
shardkit/pack/merge.py    import os; opener = os.popen                  os.popen:
shardkit/cli/info.py      print('size')                                 print:
shardkit/cli/info.py      echo = print                                  print:
shardkit/cli/info.py      import builtins; builtins.print()             print:
shardkit/pack/plan.py     eval('1')                                     eval:
shardkit/pack/plan.py     exec('1')                                     exec:
trainer/trainer.py         from shardkit import StreamingDataset         shardkit.StreamingDataset: data alone
trainer/trainer.py         import shardkit; shardkit.StreamingDataset()  shardkit.StreamingDataset: data alone
trainer/schedule.py       import time                                   time: this module is pure
trainer/planning.py       import torch; torch.distributed.barrier()     torch.distributed.barrier: this module
shardkit/pack/merge.py    from multiprocessing import reduction         multiprocessing.reduction:
shardkit/pack/merge.py    import asyncio; asyncio.create_subprocess_exec('true')  asyncio.create_subprocess_exec:
shardkit/pack/merge.py    import os; os.fork()                          os.fork: a child gets the locks
shardkit/pack/merge.py    import sys; sys.stdout.write('size')          sys.stdout.write: stdout is for JSON lines
shardkit/errors.py        from sys import stdout                        sys.stdout: stdout is for JSON lines
shardkit/stream/order/epoch.py  open('state')                                 open: this module is pure
""")

# Every other name that is banned, in a module that may not say it.
OTHER_NAMES = {
    "shardkit/pack/merge.py": "torchvision imagecodecs imageio skimage simplejpeg turbojpeg dill joblib rich.print "
    "pty.spawn pty.fork os.forkpty os.posix_spawnp os.renames os.fdatasync os.sync pathlib.Path.rename sys.__stdout__ "
    "asyncio.create_subprocess_shell asyncio.subprocess",
    "trainer/schedule.py": "os random",
}
BANS += [[path, f"import {name}", f"{name}: "] for path, names in OTHER_NAMES.items() for name in names.split()]

MOVES = cases("""
shardkit/pack/merge.py        import os; os.rename(a, b)                    os.rename: only
shardkit/pack/merge.py        import os; os.replace(a, b)                   os.replace: only
shardkit/pack/merge.py        from os import link as tie                    os.link: only
trainer/checkpoint/writer.py  import os; os.fsync(3)                        os.fsync: only
shardkit/pack/merge.py        from shutil import move                       shutil.move: only
shardkit/pack/merge.py        path.rename(final)                            .rename(…) moves a file
shardkit/pack/merge.py        folder.joinpath('x').replace(final)           .replace(…) moves a file
trainer/checkpoint/rotate.py  path.replace(target=final)                    .replace(…) moves a file
shardkit/pack/merge.py        from pathlib import Path; Path.replace(a, b)  pathlib.Path.replace: only
shardkit/format/index.py      path.hardlink_to(other)                       .hardlink_to(…) moves a file
""")

LOADS = cases("""
trainer/network.py          import torch; torch.load('x')                                 torch.load runs
trainer/network.py          from torch import load; load('x', weights_only=False)         torch.load runs
trainer/network.py          import torch; torch.load('x', weights_only=safe)              torch.load runs
shardkit/format/index.py  import numpy as np; np.load('x', allow_pickle=True)           allow_pickle runs
shardkit/format/index.py  import numpy as np; np.save('x', rows, allow_pickle=trusted)  allow_pickle runs
trainer/network.py          archive.read(allow_pickle=1)                                  allow_pickle runs
""")

# Ways to say a name without writing it out.
INDIRECT = cases("""
shardkit/pack/merge.py  from importlib import import_module; import_module(name="pickle")  pickle: reading
shardkit/format/tar.py  import importlib as i; i.import_module(package=here, name="..pack")  format may not import pack
shardkit/pack/merge.py  import importlib; importlib.__import__("pickle")      pickle: reading
shardkit/pack/merge.py  from os import *                                      os.*: a star hides
shardkit/pack/merge.py  from .plan import *                                   shardkit.pack.plan.*: a star hides
trainer/trainer.py       def late(): from math import *                        math.*: a star hides
shardkit/pack/merge.py  import os; getattr(os, "rename")(a, b)                os.rename: only
shardkit/pack/merge.py  import os; move = getattr(os, "rename", None)         os.rename: only
shardkit/pack/merge.py  import os; move = getattr(disk, "rename", os.rename)  os.rename: only
shardkit/pack/merge.py  import asyncio; getattr(asyncio, "subprocess").PIPE   asyncio.subprocess.PIPE:
shardkit/pack/merge.py  getattr(path, "rename")(final)                        .rename(…) moves a file
""")

PUBLIC = cases("""
trainer/data.py    from shardkit import format           shardkit.format is not public
trainer/data.py    import shardkit.errors                shardkit.errors is not public
trainer/data.py    from shardkit.storage.atomic import publish  shardkit.storage.atomic.publish is not
trainer/data.py    from shardkit.publish import inner    shardkit.publish.inner is not public
trainer/data.py    import shardkit as kit; kit.secret()  shardkit.secret is not public
trainer/data.py    from shardkit import *                shardkit.*: a star hides
trainer/data.py    import importlib; importlib.import_module("shardkit.x")  shardkit.x is not public
shardkit/__init__.py  import numpy                          `import shardkit` must stay cheap, and this imports numpy
shardkit/__init__.py  from shardkit.errors import Locked    must stay cheap
shardkit/__init__.py  class Late: import rich               must stay cheap
shardkit/__init__.py  if not TYPE_CHECKING: import rich     must stay cheap
""")
