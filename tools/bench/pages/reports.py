"""What the benchmarks have said, read back: bench-results/NAME.json, or what is kept of it in docs/measured."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pages.names import ALSO_MEASURED, PEERS


@dataclass(frozen=True)
class Report:
    figures: Mapping[str, float]
    machine: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


Reports = Mapping[str, Report]


def reports_in(folder: Path) -> dict[str, Report]:
    return {file.stem: Report(**json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))}


def machine_line(machine: Mapping[str, object]) -> str:
    memory = f"{float(str(machine['memory_gb'])):.0f} GB, " if "memory_gb" in machine else ""
    return f"{machine['cores']} cores of {machine['processor']}, {memory}Python {machine['python']}"


def versions_line(report: Report) -> str:
    """Of us and what we stand on, then of the peers; what those stand on is in the report."""
    peers = {name: version for name, version in report.peers.items() if name in (*PEERS, *ALSO_MEASURED)}
    return "; ".join(filter(None, (_listed(report.versions), _listed(peers))))


def missing_line(report: Report) -> str:
    """Who is missing, without the reason: that is in the report."""
    return f"Missing, since it could not be installed here: {', '.join(report.missing)}" if report.missing else ""


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
