"""`evaluate --cases FOLDER`: all ranks look for the hardest cases, and rank 0 shows them."""

from pathlib import Path

from trainer.cases.found import Split
from trainer.cases.write import EXCLUDED, PAGE, write
from trainer.commands.run_folder import Asked, Parser
from trainer.errors import UsageError
from trainer.judging import Embedded, share_of
from trainer.verification.mislabels import mislabels
from trainer.verification.worst import worst

WORST = 50


def with_cases(parser: Parser) -> Parser:
    parser.add_argument(
        "--cases", type=_folder, metavar="FOLDER", help="write a page of the worst pairs and of likely mislabels there"
    )
    parser.add_argument("--worst", type=_count, default=WORST, metavar="N", help=f"how many of each (default: {WORST})")
    return parser


def show_cases(it: Asked, whole: Embedded) -> None:
    folder, count, share = it.words.cases, it.words.worst, share_of(it.world)
    pairs = worst(whole.vectors, whole.labels, count, share)
    doubted = mislabels(whole.vectors, whole.labels, count, share)
    if not it.world.leads:
        return
    weights = it.weights
    split = Split(weights.config.data.path, weights.generation, it.split, whole.numbers.tolist())
    title = f"Hard cases of {it.split}, at step {weights.found.step:,}"
    write(folder, split.cases(title, pairs, doubted))
    it.say(f"{folder / PAGE}: the worst pairs. {folder / EXCLUDED}: {len(doubted):,} likely mislabels to be looked at.")


def _folder(text: str) -> Path:
    """Refused before an hour of work, not behind it."""
    folder = Path(text)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: --cases names a folder to write to, and this is a file. Name another place.")
    return folder


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--worst is {text!r}, and it must be a number of pairs, 1 or more.")
    return int(text)
