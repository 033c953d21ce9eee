"""Which group a subject belongs to: as lines `subject,group` say, or as pairs of twins, [[id, id], …], make it.

Whoever shares a pair with one of a group is of that group: triplets, whom three pairs name, stay together. A group that
pairs make is called by the smallest of its ids, so that no order of pairs matters.
"""

from collections.abc import Iterable, Iterator, Sequence

from shardkit.errors import UsageError
from shardkit.format.key import encoded
from shardkit.pack.json_list import name_in, read_json, shown
from shardkit.pack.lists import ListFile, read_list


def read_groups(list_file: ListFile) -> dict[str, str]:
    """The group of each subject that the file names, both as they stand in keys."""
    return chained(_pairs(list_file)) if list_file.is_json else read_list(list_file, "group")


def chained(pairs: Iterable[Sequence[str]]) -> dict[str, str]:
    """Everybody who is in a pair, with the smallest of all whom pairs lead to from there."""
    above: dict[str, str] = {}
    for pair in pairs:
        tops = {_top(above, above.setdefault(each, each)) for each in pair}
        above.update(dict.fromkeys(tops, min(tops)))
    return {each: _top(above, each) for each in above}


def _top(above: dict[str, str], each: str) -> str:
    while above[each] != each:
        above[each] = above[above[each]]  # so that no chain stays long
        each = above[each]
    return each


def _pairs(list_file: ListFile) -> Iterator[list[str]]:
    pairs = read_json(list_file)
    if not isinstance(pairs, list):
        raise UsageError(f'{list_file}: {shown(pairs)} is no list of pairs. Write [["id", "id"], …].')
    for number, pair in enumerate(pairs, 1):
        place = f"{list_file}, pair {number:,}"
        if not isinstance(pair, list) or not pair:
            raise UsageError(f'{place}: {shown(pair)} is no pair. Write ["id", "id"], with the ids of twins.')
        yield [encoded(name_in(each, place)) for each in pair]
