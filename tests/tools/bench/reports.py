"""Reports as the benchmarks write them, small and with round figures."""

from pages.reports import Report

MACHINE = {"processor": "Some <CPU> & more", "cores": 2, "memory_gb": 25.3, "python": "3.11.7"}
SPEEDS = {
    "files": 400, "webdataset": 500, "mosaicml-streaming": 300, "litdata": 600, "megatron-energon": 450, "spdl": 200,
    "png": 1_750, "zstd": 4_000, "lz4": 8_000, "auto": 4_000, "raw": 15_000, "memcpy": 20_000,
}  # fmt: skip
SECONDS = {
    "tar -c": 1.0, "shardkit pack": 0.8, "shardkit pack --codec zstd": 3.0, "webdataset": 2.0,
    "webdataset after its imports": 1.5,
}  # fmt: skip
FFCV_MISSING = {"ffcv": "no compiler here"}


def readers(**changed: float) -> Report:
    speeds = {f"{name}, samples a second": float(speed) for name, speed in (SPEEDS | changed).items()}
    sizes = {f"{name}, MB": 100.0 for name in SPEEDS}
    return Report(speeds | sizes, MACHINE, {"shardkit": "0.1"}, {"webdataset": "1.0.2", "numpy": "2"}, FFCV_MISSING)


def writers() -> Report:
    figures = {f"warm: {name}, s": taken for name, taken in SECONDS.items()}
    return Report(figures, MACHINE, {}, {"webdataset": "1.0.2"}, FFCV_MISSING)


def checkers() -> Report:
    names = {"shardkit verify": 0.5, "sha256sum": 12.0, "cat": 0.2}
    sizes = {"2.3 GB": 1, "10.4 GB": 3}
    figures = {f"{size}: {name}, s": each * taken for size, each in sizes.items() for name, taken in names.items()}
    return Report(figures | {"10.4 GB: sha256sum / shardkit verify": 24.0}, MACHINE)
