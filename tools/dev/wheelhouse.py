"""Collect every wheel that an installation without a network needs, in the locked versions: `make wheelhouse`.

It may be for another machine than this one. Stopped anywhere, the same command goes on with what is missing. It needs
hatchling (and with it packaging) and nothing else, so that who collects needs no torch.
"""

import argparse
import errno
import os
import re
import signal
import sys
from functools import partial
from pathlib import Path

from packaging.requirements import Requirement

from wheels import fetching
from wheels.house import SUMS, House, digest
from wheels.mistakes import Misused, NoSpace, Stopped
from wheels.needs import Lock, Wheel, collected
from wheels.target import Target, target

ROOT = Path(__file__).resolve().parents[2]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Collect the wheels of an installation without a network.")
    parser.add_argument("folder", type=Path, help="where they go")
    parser.add_argument(
        "--extras",
        default="train",
        help="of shardkit, comma-separated (train); empty: packing and streaming without torch",
    )
    parser.add_argument("--python-version", help="of the machine without a network, as 3.12 (this one)")
    parser.add_argument("--platform", help="of that machine, as manylinux_2_28_x86_64 (this one)")
    parser.add_argument("--torch", help="build of torch: cpu, cu130 …, or plain (what pip prefers)")
    return parser.parse_args()


def wheelhouse(folder: Path, extras: str, meant: Target, lock: Lock, source: Path = ROOT) -> list[Wheel]:
    """Every wheel of it, shardkit's first."""
    house = House(folder)
    with house.opened(meant):
        house.tell(meant, extras, "unfinished")
        for name in house.remove_damaged():
            print(f"  {name} was damaged: it is fetched again")
        (folder / SUMS).unlink(missing_ok=True)
        own = fetching.built(source, house.part, folder)
        wanted = Requirement(f"{own.name}{f'[{extras}]' if extras else ''}=={own.version}")
        wheels = collected(wanted, lock, meant, partial(_found, house, meant, own))
        for name in house.remove_all_but(wheels):
            print(f"  {name} is not needed any more: removed")
        house.finish(wheels, meant, extras)
    return wheels


def _found(house: House, meant: Target, own: Wheel, requirement: Requirement) -> Wheel:
    if requirement.name == own.name:
        return own
    wheel = fetching.there(requirement, house.wheels(), meant)
    if wheel is None:
        house.clear()
        wheel = fetching.fetched(requirement, meant, house.part, house.folder)
        print(f"  {wheel.path.name}  {wheel.path.stat().st_size / 1e6:,.1f} MB", flush=True)
    return wheel


def main() -> None:
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        _collect(options())
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        _end(NoSpace(f"No space left for {error.filename or 'the wheelhouse'}. Make room and call again."))
    except Stopped as mistake:
        _end(mistake)


def _stop(number: int, _: object) -> None:
    print("\nStopped. The same command goes on.", file=sys.stderr)
    sys.exit(128 + number)


def _collect(asked: argparse.Namespace) -> None:
    meant = target(asked.python_version, asked.platform)
    lock = Lock.of((ROOT / "requirements.lock").read_text("utf-8")).with_torch(_build(asked.torch))
    extras = ",".join(sorted(filter(None, re.split(r"[\s,]+", asked.extras))))
    print(f"{asked.folder}: shardkit{f'[{extras}]' if extras else ''} for {meant}", flush=True)
    wheels = wheelhouse(asked.folder, extras, meant, lock)
    folder = asked.folder
    print(f"{folder}: {len(wheels)} wheels, {House(folder).size() / 1e6:,.0f} MB; {_torch(wheels)}")
    print(f"SHA-256 of {folder / SUMS}, to compare where it arrives: {digest(folder / SUMS)}")
    above = os.path.relpath(folder.absolute().parent)
    print(f"Next: tar -cf {folder.name}.tar {'' if above == '.' else f'-C {above} '}{folder.name}")
    print(f"There: tar -xf {folder.name}.tar && sh {folder.name}/install.sh")


def _build(named: str | None) -> str | None:
    if named and not re.fullmatch(r"[a-z0-9.]+", named):
        raise Misused(f"TORCH is the name of a build, as cpu, cu130 or plain, and not {named!r}.")
    return named


def _torch(wheels: list[Wheel]) -> str:
    """Which build it is cannot be seen in a version without an addition, but in what it brought along."""
    torch = next((each for each in wheels if each.name == "torch"), None)
    if torch is None:
        return "without torch"
    cards = any(each.name.startswith("nvidia-") for each in wheels)
    return f"torch {torch.version}, {'with what GPUs need' if cards else 'for the CPU'}"


def _end(mistake: Stopped) -> None:
    print(f"Error: {mistake}", file=sys.stderr)
    sys.exit(mistake.code)


if __name__ == "__main__":
    main()
