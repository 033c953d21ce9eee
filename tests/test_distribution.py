"""What a wheel and an sdist hold: all of the packages, and everything that README leads to."""

import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import BytesParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("shardkit", "trainer")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def in_wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


def test_the_wheel_holds_both_packages_whole_and_nothing_else(built: Path) -> None:
    """Recipes and `py.typed` among them."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file())
    expected = {str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts}

    held = {name for name in in_wheel(built).namelist() if ".dist-info/" not in name}

    assert held == expected
    assert {"shardkit/py.typed", "trainer/py.typed", "trainer/recipes/demo.toml"} <= held


def test_the_wheel_says_what_it_is(built: Path) -> None:
    wheel = in_wheel(built)
    inside = next(name for name in wheel.namelist() if name.endswith("METADATA"))
    metadata = BytesParser().parsebytes(wheel.read(inside))

    assert metadata["Name"] == "shardkit"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("Provides-Extra") == ["dev", "ray", "s3", "train"]
    assert metadata.get_payload(decode=True) == (ROOT / "README.md").read_bytes()


def test_every_link_of_the_readme_leads_into_the_sdist(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())}

    lost = {link for link in links if "://" not in link and not any(f"{name}/".startswith(f"{link}/") for name in held)}

    assert links
    assert lost == set()


def test_the_same_source_gives_the_same_wheel(built: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    (again,) = tmp_path.iterdir()

    assert again.read_bytes() == (built / again.name).read_bytes()
