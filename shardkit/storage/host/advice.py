"""From facts to advice, without a look at anything else."""

from shardkit.storage.host.facts import Host
from shardkit.storage.host.finding import Finding, Severity
from shardkit.storage.host.on_file_system import on_file_system
from shardkit.storage.host.on_machine import on_machine
from shardkit.storage.host.on_storage import on_storage


def advise(host: Host) -> list[Finding]:
    """Everything there is to say about the host: the worst first, and the disk before the machine."""
    findings = [*on_file_system(host), *on_storage(host), *on_machine(host)]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))
