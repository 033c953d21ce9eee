"""`make bench`: every figure of README and docs/performance.md, one script at a time: two at once would spoil both.

One that fails is named at the end and loses nothing of the rest. `everything.py readers writers` runs those alone.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import torch

import page
import peers
from pages.drift import drift
from pages.reports import machine_line, reports_in
from places import BENCH, ROOT
from plan import Script, Unknown, chosen, duration
from report import machine, versions

Run = Callable[[str], int]


def announce(scripts: Sequence[Script], found: peers.Found | None) -> None:
    print(f"{machine_line(machine())}; {', '.join(f'{name} {version}' for name, version in versions().items())}")
    if found:
        print(f"Peers: {', '.join(f'{name} {version}' for name, version in found.versions.items())}")
        for name, why in found.missing.items():
            print(f"Missing: {name}: {why}")
    print(f"About {duration(scripts)} on two cores, and minutes more where data is made for the first time.")
    for script in scripts:
        if script.lacks and not torch.cuda.is_available():
            print(f"Not reproduced here, {script.name}: {script.lacks}")


def run_all(scripts: Sequence[Script], run: Run) -> list[str]:
    """The names of those that failed."""
    failed: list[str] = []
    for number, script in enumerate(scripts, 1):
        print(f"\n[{number}/{len(scripts)}] {script.name}, about {duration([script])}", flush=True)
        began = time.monotonic()
        code = run(script.name)
        took = f"{(time.monotonic() - began) / 60:.1f} min"
        print(f"{script.name} ended with {code} after {took}" if code else f"{script.name}: {took}", flush=True)
        failed += [script.name] if code else []
    return failed


def run_script(name: str) -> int:
    return subprocess.run([sys.executable, f"{name}.py"], cwd=BENCH, check=False).returncode


def set_up() -> tuple[peers.Found | None, list[str]]:
    """The peers that are there, whatever happens: most scripts need none."""
    print("Installing the peers, unless they are there …", flush=True)
    if run_script("peers"):
        return None, ["peers"]
    return peers.found(), []


def tell(began: float) -> None:
    now = {file.stem for file in page.RESULTS.glob("*.json") if file.stat().st_mtime >= began}
    drawn = page.draw_results()
    print(f"\nDrawn: {', '.join(str(file.relative_to(ROOT)) for file in drawn)}\n")
    reports = {name: report for name, report in reports_in(page.RESULTS).items() if name in now}
    print("\n".join(drift(reports_in(page.MEASURED), reports)))


def main() -> int:
    try:
        scripts = chosen(sys.argv[1:])
    except Unknown as unknown:
        print(unknown, file=sys.stderr)
        return 2
    began = time.time()
    found, failed = set_up()
    announce(scripts, found)
    try:
        failed += run_all(scripts, run_script)
    except KeyboardInterrupt:
        failed.append("the rest, which was interrupted")
    tell(began)
    if failed:
        print(f"\nFailed: {', '.join(failed)}. What they said is above.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
