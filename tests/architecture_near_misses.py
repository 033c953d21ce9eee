"""Modules that only seem to break a rule."""

from tests.architecture_cases import cases

FINE = cases("""
shardkit/pack/plan.py       import shardkit; shardkit.__version__
shardkit/pack/plan.py       from . import scan; from .scan import files; from ..errors import UsageError
shardkit/verify/repair.py   from shardkit.pack.shard import write
shardkit/cli/info.py        from shardkit.stream import ring; from shardkit.errors import Locked
shardkit/cli/info.py        from shardkit.format import tar; # import pickle; name = 'pickle, tarfile, torch'
shardkit/pack/plan.py       'Not a pickle, and no print(…).'; import pickletools_of_ours
shardkit/pack/plan.py       'a b'.replace(' ', '_'); name.replace(*pair); moment.replace(year=2000)
shardkit/pack/plan.py       import copy; copy.replace(row); table.rename(names, inplace=True)
shardkit/pack/plan.py       from dataclasses import replace; replace(row); replace(row, size=1)
shardkit/pack/plan.py       import dataclasses; dataclasses.replace(row); table.rename(columns={})
shardkit/pack/plan.py       self.print('x'); console.print('x'); model.eval(); runner.exec()
shardkit/pack/scan.py       import os; os.path.exists('x'); os.unlink('x')
shardkit/storage/atomic.py  import os; os.fsync(3); part.replace(path)
shardkit/stream/dataset.py  import torch
shardkit/image/png.py       import cv2; from PIL import Image
shardkit/__init__.py        if TYPE_CHECKING: from shardkit.view import x
shardkit/__init__.py        def load(): from shardkit.stream import dataset
shardkit/__init__.py        def load(): import numpy
trainer/data.py          from shardkit import StreamingDataset, publish; publish(x).attribute
trainer/data.py          import shardkit; shardkit.StreamingDataset; shardkit.__version__
trainer/cli/prove.py   import subprocess; print(1); from trainer.checkpoint import store
trainer/network.py            import torch; torch.load('x', weights_only=True); state.load('x')
trainer/__main__.py         from trainer.cli import train
shardkit/pack/plan.py       from importlib import import_module; import_module(name=chosen, package='pickle')
shardkit/pack/plan.py       from .paths import rename; rename(a, b); rename(a)
shardkit/pack/scan.py       import os; getattr(os, 'unlink')('x'); getattr(os, name); hasattr(os, 'rename')
shardkit/pack/plan.py       getattr(row, 'rename'); getattr(table, 'rename')(columns={})
shardkit/pack/plan.py       import numpy as np; np.load('x'); np.load('x', allow_pickle=False)
shardkit/pack/plan.py       import multiprocessing; multiprocessing.get_context('spawn')
shardkit/pack/plan.py       import asyncio; asyncio.create_task(work); process.fork()
shardkit/pack/plan.py       import sys; sys.stderr.write('x'); self.stdout.write('x')
shardkit/cli/console.py     import sys; sys.stdout.flush()
trainer/cli/prove.py   import os; import sys; sys.stdout.write('x'); os.fork()
""")
