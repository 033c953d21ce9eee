"""The lists that `b3sum -c` and `sha256sum -c` check, for whoever has no shardkit."""

from collections.abc import Mapping


def sums(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode()
