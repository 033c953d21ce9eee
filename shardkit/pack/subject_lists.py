"""The list of `--files` as JSON, {id: [path, …], …}: whose images they are says the list, and not the path."""

from collections.abc import Iterator

from shardkit.errors import UsageError
from shardkit.format.key import encoded
from shardkit.pack.json_list import name_in, read_json, shown
from shardkit.pack.lists import ListFile, digest_of
from shardkit.pack.options import PackOptions

_MARK = "subjects="
_LIKE = 'Write {"id": ["path", …], …}.'


def digest_of_files(list_file: ListFile | None) -> str | None:
    """What the options remember of `--files`, in whichever of its forms."""
    digest = digest_of(list_file)
    return f"{_MARK}{digest}" if list_file and list_file.is_json else digest


def says_whose(options: PackOptions) -> bool:
    """Whether the list that was packed said whose the images are."""
    return options.files is not None and options.files.startswith(_MARK)


def paths_of_subjects(list_file: ListFile) -> Iterator[tuple[bytes, str]]:
    """Each path with its subject, as it stands in keys."""
    lists = read_json(list_file)
    if not isinstance(lists, dict):
        raise UsageError(f"{list_file}: {shown(lists)} is no list of images by subject. {_LIKE}")
    for name, paths in lists.items():
        place = f"{list_file}, subject {shown(name)}"
        if not isinstance(paths, list):
            raise UsageError(f"{place}: {shown(paths)} is no list of paths. {_LIKE}")
        subject = encoded(name_in(name, place))
        for path in paths:
            yield name_in(path, place), subject
