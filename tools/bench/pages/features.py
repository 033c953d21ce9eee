"""What loaders can do, as features.toml has it, with a source for every answer."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FACTS = Path(__file__).with_suffix(".toml")
ANSWERS = ("yes", "partly", "no", "none")


@dataclass(frozen=True)
class Answer:
    answer: str
    note: str
    source: str


@dataclass(frozen=True)
class Feature:
    name: str
    answers: Mapping[str, Answer]


def features() -> list[Feature]:
    facts = tomllib.loads(FACTS.read_text())["feature"]
    return [
        Feature(fact["name"], {loader: Answer(*words) for loader, words in fact.items() if loader != "name"})
        for fact in facts
    ]
