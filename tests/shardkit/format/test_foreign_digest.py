"""Digests of a tar in one read, against digests of slices."""

import io

from blake3 import blake3
from xxhash import xxh3_128_digest

from shardkit.format.foreign_digest import AdoptedTarHasher
from shardkit.format.foreign_tar import ForeignMember

CONTENT = bytes(number % 251 for number in range(3_000_000))


def test_every_range_has_the_digest_of_its_bytes() -> None:
    image, sidecar = ForeignMember(b"a.png", 0, 1_000, 2_500_000), ForeignMember(b"a.json", 0, 10, 90)
    digest = AdoptedTarHasher(io.BytesIO(CONTENT), len(CONTENT))

    first = digest.sample([image, sidecar])
    second = digest.sample([ForeignMember(b"b.png", 0, 2_600_000, 0)])
    other, whole = digest.end()

    assert first.payloads == (xxh3_128_digest(CONTENT[1_000:2_501_000]), xxh3_128_digest(CONTENT[10:100]))
    assert first.other == xxh3_128_digest(CONTENT[:10] + CONTENT[100:1_000])
    assert (second.payloads, second.other) == ((xxh3_128_digest(b""),), xxh3_128_digest(CONTENT[2_501_000:2_600_000]))
    assert other == xxh3_128_digest(CONTENT[2_600_000:])
    assert whole == blake3(CONTENT).hexdigest()


def test_a_tar_that_became_shorter_has_other_digests_and_no_endless_loop() -> None:
    digest = AdoptedTarHasher(io.BytesIO(CONTENT[:500]), 1_000)

    assert digest.sample([ForeignMember(b"a", 0, 600, 100)]).payloads == (xxh3_128_digest(b""),)
    assert digest.end() == (xxh3_128_digest(b""), blake3(CONTENT[:500]).hexdigest())
