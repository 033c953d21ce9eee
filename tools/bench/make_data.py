"""How fast the data tools are, on one core, with and without writing, and as the commands that a user types."""

import subprocess
import sys

import cv2

from places import TOOLS, scratch
from report import publish_report, seconds
from synthetic.fingerprints.cheap import CheapPrint
from synthetic.fingerprints.impression import make_impression
from synthetic.fingerprints.master import make_master, master_shape

IMPRESSIONS = 20


def main() -> None:
    cv2.setNumThreads(1)
    figures = {}
    for rows, columns in ((400, 320), (512, 512)):
        size = f"{rows}x{columns}"
        figures[f"fingers a second and core, {size}"] = 1 / seconds(
            lambda: make_master(0, 0, master_shape(rows, columns))  # noqa: B023 - called within the turn
        )
        figures[f"impressions a second and core, {size}, after the finger, encoded"] = _impressions(rows, columns)
        figures[f"cheap prints a second and core, {size}, encoded"] = _cheap(rows, columns)
    figures |= _commands()
    publish_report("make_data", figures)


def _impressions(rows: int, columns: int) -> float:
    finger = make_master(0, 0, master_shape(rows, columns))

    def work() -> None:
        for number in range(IMPRESSIONS):
            cv2.imencode(".png", make_impression(finger, 0, 0, number, (rows, columns)).image)

    return IMPRESSIONS / seconds(work)


def _cheap(rows: int, columns: int) -> float:
    def work() -> None:
        cheap = CheapPrint(0, 0, (rows, columns))
        for number in range(IMPRESSIONS):
            cv2.imencode(".png", cheap.impression(number))

    return IMPRESSIONS / seconds(work)


def _commands() -> dict[str, float]:
    ten = ("--impressions", "10", "--size", "400x320")
    grown = _run("make_fingerprints", "--subjects", "60", *ten)
    cheap = _run("make_fingerprints", "--subjects", "400", *ten, "--cheap")
    return {
        "make_fingerprints 60 x 10 at 400x320, images a second": 600 / grown,
        "make_fingerprints --cheap 400 x 10 at 400x320, images a second": 4000 / cheap,
        "make_twins 10 pairs x 10 at 448, images a second": 200 / _run("make_twins", "--pairs", "10", "--images", "10"),
        "make_arrays 200 000, samples a second": 200_000 / _run("make_arrays", "--samples", "200000"),
    }


def _run(tool: str, *options: str) -> float:
    """Seconds of one whole run, start-up and durable writing included, with the default number of workers."""
    with scratch() as out:
        command = [sys.executable, str(TOOLS / f"{tool}.py"), str(out / "data"), *options]
        return seconds(lambda: subprocess.run(command, check=True, stderr=subprocess.DEVNULL), repeats=1)


if __name__ == "__main__":
    main()
