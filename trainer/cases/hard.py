"""What is shown: samples by name, with their pictures, and how much alike the network finds them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    key: str
    group: str
    png: bytes


@dataclass(frozen=True)
class ShownPair:
    cosine: float
    one: Picture
    other: Picture


@dataclass(frozen=True)
class Doubted:
    """A sample that may be of another subject."""

    picture: Picture
    subject: str
    """Its own, as the dataset says."""
    own: float
    likely: str
    """The subject that it resembles most."""
    best: float

    @property
    def reason(self) -> str:
        return (
            f"mean score {self.own:.3f} to the rest of {self.subject}, {self.best:.3f} to {self.likely}: "
            f"a margin of {self.best - self.own:.3f}"
        )


@dataclass(frozen=True)
class HardCases:
    title: str
    mated: list[ShownPair]
    """The lowest score first."""
    non_mated: list[ShownPair]
    """The highest score first."""
    doubted: list[Doubted]
    """The greatest margin first."""
