"""What a run meets in its process: other ranks, a clock that watches it, somebody who may stop it, and who listens."""

from dataclasses import dataclass

from trainer.watch.watch import Watch
from trainer.world.ranks import World
from trainer.world.signals import Request, exit_code_of
from trainer.world.watchdog import Watchdog


@dataclass(frozen=True)
class Surroundings:
    world: World
    dog: Watchdog
    request: Request
    watch: Watch | None
    """Rank 0's."""

    @property
    def stopped(self) -> int:
        """The exit code of whoever was asked to stop."""
        return exit_code_of(self.request.signal)

    def say(self, text: str) -> None:
        if self.watch:
            self.watch.say(text)
