"""Sentences and a bar, on stderr."""

import pytest

from splitsearch.searcher.cli.speaker import speaker


def test_everything_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with speaker() as reporter:
        reporter.say("loading [x]")
        reporter.progress("images", 5, 10)
        reporter.progress("images", 10, 10)
        reporter.trial({}, "", 0, 1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "loading [x]" in err
    assert "images 10/10" in err
