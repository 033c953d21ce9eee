"""The design as data: the rooms of both packages, their arrows, and what no room may name.

A new room is a new name in an arrow; an exception is a line with its reason. `architecture.py` holds the code to this.
"""

from dataclasses import dataclass

# A room may import every room to its right in an arrow; none to its left, and not its neighbours between the bars.
ARROWS = {
    "shardkit": (
        "__main__ → cli | __init__ → pack | verify | stream | view → reader → format | image | host → storage",
        "storage → schema | errors | parallel",
        "__main__ | cli | __init__ | pack | verify | stream | view → schema | errors | parallel",
        "reader | format | image | host → schema | errors | parallel",
        "verify → pack",  # repair makes a shard again with the function that made it first
    ),
    "trainer": (
        "__init__ | __main__ → cli → trainer → validator → build → run_record → metrics → evaluation | train_step",
        "evaluation | train_step → data → distributed | checkpoint → heads → augment | network → config → errors",
        "cli | trainer | validator | build | run_record | metrics → data → distributed | checkpoint → heads",
        "cli | trainer | validator | build | run_record | metrics → augment | network → config → errors",
        "cli | build | evaluation | train_step | data | distributed | checkpoint | heads | augment | network → models",
        "cli | build | checkpoint | network → losses | optim | planning → errors",
        "cli | trainer | validator | build | run_record | metrics → schedule → config → errors",
        "losses → models",
    ),
}


@dataclass(frozen=True)
class Ban:
    """Names, as patterns, that may not stand in some modules, and what to do instead."""

    names: tuple[str, ...]
    where: tuple[str, ...]
    why: str
    but: tuple[str, ...] = ()


PUBLISHER = "shardkit.storage.atomic"
PUBLISH = f"only {PUBLISHER} renames and flushes, so that a final name stands for whole, durable bytes. Call `publish`."
BOTH = ("shardkit", "trainer")
PURE = (
    "shardkit.pack.plan.sharding",
    "shardkit.pack.plan.split",
    "shardkit.pack.source.layout",
    "shardkit.stream.order",
    "trainer.evaluation.hard_cases",
    "trainer.evaluation.pair_scores",
    "trainer.evaluation.roc",
    "trainer.evaluation.twins",
    "trainer.evaluation.verification",
    "trainer.planning",
    "trainer.schedule",
)

NO_PROGRAM = "shardkit starts no other program. Call a library."
STDOUT = "stdout is for JSON lines. Use shardkit.cli.console in a command; elsewhere return the value."

BANS = (
    Ban(("*.[*]",), BOTH, "a star hides which names are meant. Import each by its name."),
    Ban(("trainer",), ("shardkit",), "shardkit knows no trainer. Hand in what is needed as an argument."),
    Ban(
        ("torch", "torchvision"),
        ("shardkit",),
        "torch belongs to shardkit.stream and the trainer alone: packing needs none.",
        but=("shardkit.stream",),
    ),
    Ban(
        ("cv2", "PIL", "imagecodecs", "deflate", "imageio", "skimage", "simplejpeg", "turbojpeg"),
        BOTH,
        "libraries differ in their pixels, so one room knows them. Use shardkit.image.",
        but=("shardkit.image",),
    ),
    Ban(
        ("pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "multiprocessing.reduction", "shelve"),
        ("shardkit",),
        "reading it runs what a stranger wrote. Use JSON, Parquet or .npy.",
    ),
    Ban(("tarfile",), ("shardkit",), "it writes headers of its own and follows what it reads. Use shardkit.format."),
    Ban(
        ("subprocess", "os.system", "os.popen", "os.exec*", "os.spawn*", "os.posix_spawn*", "pty.spawn"),
        ("shardkit",),
        NO_PROGRAM,
    ),
    Ban(("asyncio.subprocess", "asyncio.create_subprocess_*"), ("shardkit",), NO_PROGRAM),
    Ban(
        ("os.fork*", "pty.fork"),
        ("shardkit",),
        "a child gets the locks of threads that it has not got, and hangs. Use multiprocessing, started by spawn.",
    ),
    Ban(("builtins.print", "rich.print"), ("shardkit",), STDOUT),
    Ban(("sys.stdout", "sys.__stdout__"), ("shardkit",), STDOUT, but=("shardkit.cli",)),
    Ban(("builtins.eval", "builtins.exec"), ("shardkit",), "it runs text as code. Parse what you expect."),
    Ban(
        ("os.rename", "os.renames", "os.replace", "os.link", "os.fsync", "os.fdatasync", "os.sync", "shutil.move"),
        BOTH,
        PUBLISH,
        but=(PUBLISHER,),
    ),
    Ban(("pathlib.Path.rename", "pathlib.Path.replace"), BOTH, PUBLISH, but=(PUBLISHER,)),
    Ban(
        ("shardkit.StreamingDataset",),
        ("trainer",),
        "data alone takes shardkit's stream to the device. Ask trainer.data.",
        but=("trainer.data",),
    ),
    Ban(
        ("builtins.open", "os", "time", "random", "torch.distributed"),
        PURE,
        "this module is pure: no files, clock, chance or other ranks. Take the value as an argument.",
    ),
)

# Methods that move a file when they are called with the new name alone.
MOVING_METHODS = {"rename", "replace", "hardlink_to"}
# Functions of the same name that move nothing.
COPIES = {"dataclasses.replace", "copy.replace"}

MAX_LINES = 400
MIN_LINES = 60

MAX_FLOORS = {"*": 6, "shardkit": 8, "shardkit.verify": 7, "trainer": 13}
"""Longest chain of imports between the direct children of a package."""

SHORT_FILES = {
    "shardkit/cli/commands/bench_probe.py": "imported only where torch is installed",
    "shardkit/cli/commands/merge.py": "one command a file",
    "shardkit/cli/commands/repair.py": "one command a file",
    "shardkit/format/keys.py": "a section of docs/format.md",
    "shardkit/format/tar.py": "a section of docs/format.md",
    "shardkit/host/findings.py": "values that all checks of the host return",
    "shardkit/host/resources.py": "memory and cores, which the stream asks for without the rest of the host",
    "shardkit/image/arrays.py": "types and buffers that every decoder shares",
    "shardkit/image/color.py": "a decoder loads it without the other steps",
    "shardkit/image/opencv.py": "the one place that sets OpenCV up",
    "shardkit/image/png/encode.py": "a packer loads it without the decoder",
    "shardkit/pack/write/encoders.py": "loads the image libraries only where pixels change",
    "shardkit/pack/write/preparation.py": "needs the image libraries, unlike its neighbors",
    "shardkit/pack/write/receipts.py": "a persisted format of its own",
    "trainer/cli/train.py": "one command a file",
    "trainer/errors.py": "the exceptions of the trainer",
    "trainer/models/registry.py": "backbones by name",
}
"""Files below MIN_LINES, each with the reason for a file of its own."""
