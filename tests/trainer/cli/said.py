"""What a command said, without where its lines break."""

import pytest

from trainer.__main__ import main


def said(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> str:
    """On stderr."""
    capsys.readouterr()
    assert main([str(each) for each in words]) == code
    return " ".join(capsys.readouterr().err.split())


def shown(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """On stdout, line by line."""
    capsys.readouterr()
    assert main([str(each) for each in words]) == 0
    return capsys.readouterr().out
