"""Behind the last step: the best weights judged on the test split, once, and the page that tells of the run."""

import json
from pathlib import Path

from shardkit import publish
from trainer.checkpoint.find import best, load, told
from trainer.run.judge import Judge
from trainer.run.opening import facts_of
from trainer.run.parts import Parts
from trainer.run.surroundings import Surroundings
from trainer.watch.page import write_page

TEST = "test.json"
"""Who is judged a second time on the same split is chosen by it: so the file is never replaced."""


def judged_at_last(parts: Parts, around: Surroundings) -> bool:
    """False if somebody asked to stop on the way."""
    folder = Path(parts.config.run.folder)
    if (
        parts.config.data.test
        and not around.world.agreed((folder / TEST).exists())
        and not _test(parts, around, folder)
    ):
        return False
    if around.watch:
        write_page(folder, parts.config, facts_of(parts, around))
    return True


def _test(parts: Parts, around: Surroundings, folder: Path) -> bool:
    mine = best(folder, around.say) if around.world.leads else None
    step = around.world.agreed(mine.step if mine else parts.state.progress.step)
    chosen = mine or told(folder, step)
    parts.state.load(load(chosen.folder, parts.state.reads), chosen.state)
    found = Judge(parts, around, parts.config.data.test)("full")
    if found and around.watch:
        around.watch.validated(step, "test", found.as_json())
        with publish(folder / TEST) as file:
            file.write(json.dumps({"step": step, **found.as_json()}, indent=2).encode())
    return found is not None
