from typing import Any

import pytest

from shardkit.errors import UsageError
from shardkit.stream.order.spec import OrderOptions


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"global_batch": 0}, "global_batch=0"),
        ({"block_rows": 0}, "block_rows=0"),
        ({"sampler": "fair"}, "'balanced'"),
        ({"tail": "keep"}, "'mask'"),
        ({"subset": 0}, "at least one sample"),
        ({"sampler": "pairs", "mated": 1.5}, "between 0 and 1"),
        ({"sampler": "pairs", "hard": -0.1}, "between 0 and 1"),
        ({"sampler": "balanced", "shuffle": False}, "no order without a shuffle"),
        ({"sampler": "pk", "impressions_per_subject": 4, "tail": "mask"}, "tail='drop'"),
        ({"sampler": "pk"}, "impressions_per_subject="),
        ({"impressions_per_subject": 4}, "belongs to sampler='pk'"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        OrderOptions(**{"global_batch": 8, **options})
