"""What all batches of a pass have in common: where samples are, what is done to them, and what is asked about rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shardkit.stream.files import OpenShards
from shardkit.stream.lookup import Found, Lookup
from shardkit.stream.maps import Maps
from shardkit.stream.minutiae import MinutiaeReader
from shardkit.stream.parts import Filler
from shardkit.stream.quarantine import Quarantine
from shardkit.stream.ring import Ring, Slots
from shardkit.stream.saving import StateAt
from shardkit.stream.serving import Serving
from shardkit.stream.slots import slot_for
from shardkit.stream.state import State
from shardkit.stream.substitutes import Substitutes

OnBad = Literal["raise", "substitute"]
Numbers = NDArray[np.int64]
Transform = Callable[[NDArray[Any], int], NDArray[Any]]
"""Of an image and the number of its sample."""


@dataclass
class Assembly:
    lookup: Lookup
    shards: OpenShards
    serving: Serving
    ring: Ring
    maps: Maps
    quarantine: Quarantine
    state: Callable[[int], State | StateAt]
    """The state behind a row."""
    planned: Callable[[int], Numbers]
    """The samples of a row, over all ranks."""
    substitutes: Substitutes
    on_bad: OnBad = "raise"
    as_list: bool = False
    check: bool = True
    mated: Callable[[Numbers], NDArray[np.bool_]] | None = None
    minutiae: MinutiaeReader | None = None
    transform: Transform | None = None
    filler: Filler = field(init=False)

    def __post_init__(self) -> None:
        self.filler = Filler(self.shards, self.lookup.kinds, self.serving, self.maps, check=self.check)

    def slots(self, found: Found) -> Slots | None:
        """Room for the images of a row; None if each is to have its own."""
        if self.as_list:
            return None
        slot = slot_for(found, self.lookup, self.serving)
        return self.ring.slots((len(found.numbers), *slot.shape), slot.type)
