"""Where in a tar something is wrong, and how that is said."""

from dataclasses import dataclass

from shardkit.errors import Damaged, UsageError


@dataclass(frozen=True)
class Place:
    tar: str
    offset: int
    member: bytes = b""

    def refused(self, why: str) -> UsageError:
        """For what is whole, and still not taken."""
        return UsageError(f"{self}: {why}")

    def damaged(self, why: str) -> Damaged:
        return Damaged(f"{self}: {why} Copy the tar again from where it came, or write it anew.")

    def __str__(self) -> str:
        # repr: a name may hold what a terminal obeys.
        member = f", member {self.member[:_SHOWN].decode('utf-8', 'surrogateescape')!a}" if self.member else ""
        return f"{self.tar}, byte {self.offset:,}{member}"


_SHOWN = 200
