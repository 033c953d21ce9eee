"""What pip resolved, as the lines of requirements.lock."""

import pytest

import lock


def report(*packages: tuple[str, str]) -> lock.Report:
    return {"install": [{"metadata": {"name": name, "version": version}} for name, version in packages]}


@pytest.mark.parametrize("name", ["typing-extensions", "typing_extensions", "Typing.Extensions", "typing-_.extensions"])
def test_every_spelling_of_a_name_gives_one_line(name: str) -> None:
    assert lock.pins(report((name, "4.16.0"))) == ["typing-extensions==4.16.0\n"]


def test_lines_are_sorted_whatever_the_order_and_spelling() -> None:
    assert lock.pins(report(("rich", "15.0"), ("PyYAML", "6.0.3"), ("click", "8.5"))) == [
        "click==8.5\n",
        "pyyaml==6.0.3\n",
        "rich==15.0\n",
    ]


@pytest.mark.parametrize("version", ["2.13.0", "2.13.0+cpu", "2.13.0+cu130"])
def test_one_line_serves_every_build_of_a_version(version: str) -> None:
    assert lock.pins(report(("torch", version))) == ["torch==2.13.0\n"]


@pytest.mark.parametrize("version", ["1.0rc1", "1!2.0.post3", "2026.9.0.dev1"])
def test_the_rest_of_a_version_is_kept(version: str) -> None:
    assert lock.pins(report(("rich", version))) == [f"rich=={version}\n"]


def test_shardkit_itself_is_left_out() -> None:
    assert lock.pins(report(("shardkit", "0.0.1"), ("shardkit-more", "1.0"))) == ["shardkit-more==1.0\n"]
