"""What `doctor` finds, said by rank 0; what another rank alone finds, it says itself."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shardkit import ShardkitError
from trainer.world.ranks import World


@dataclass
class Findings:
    world: World
    problems: int = 0

    def good(self, text: str) -> None:
        self._say("ok      ", text)

    def advice(self, text: str) -> None:
        self._say("advice  ", text)

    def bad(self, text: str) -> None:
        self.problems += 1
        self._say("problem ", text)

    def close(self) -> None:
        self._say("", f"{self.problems} problem{'s' * (self.problems != 1)}" if self.problems else "No problems.")

    @contextmanager
    def part(self) -> Iterator[None]:
        """What ends this part on all ranks is a finding, and the next part goes on."""
        try:
            yield
        except ShardkitError as error:
            self.bad(str(error))

    def everywhere(self, look: Callable[[], object]) -> bool:
        """Whether `look`, which asks no other rank, raises on none of them."""
        try:
            look()
        except ShardkitError as error:
            mine = str(error)
        else:
            mine = ""
        if self.world.all_say(not mine):
            return True
        first = self.world.agreed(mine)
        self.bad(first or "another rank finds what rank 0 does not:")
        if mine not in {"", first}:
            sys.stderr.write(f"problem rank {self.world.rank}: {mine}\n")
        return False

    def _say(self, mark: str, text: str) -> None:
        if self.world.leads:
            lines = text.replace("\n", f"\n{mark}")
            sys.stderr.write(f"{mark}{lines}\n")
