"""What loaders are called: in figures, by the name of their package, and on the page."""

TIMES = "\N{MULTIPLICATION SIGN}"
TEN = 9.95  # what would be rounded to 10.0
FOLDER, SHARDKIT, WEBDATASET, FFCV = "folder", "shardkit", "webdataset", "ffcv"
TITLES = {
    SHARDKIT: "shardkit",
    WEBDATASET: "webdataset",
    "mosaicml-streaming": "MosaicML Streaming",
    "litdata": "LitData",
    "megatron-energon": "Energon",
    FFCV: "FFCV",
    FOLDER: "folder + DataLoader",
}
"""In the order of the table."""
ALSO_MEASURED = {"spdl": "SPDL, threads over the folder"}
PEERS = tuple(name for name in TITLES if name not in (SHARDKIT, FOLDER))


def figure(loader: str) -> str:
    """What the scripts call it."""
    return "files" if loader == FOLDER else loader


def count(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def times(ratio: float) -> str:
    """As many digits as a second run would agree with."""
    return f"{ratio:.1f}" if ratio < TEN else f"{ratio:.0f}"
