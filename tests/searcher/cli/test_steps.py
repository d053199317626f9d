"""Progress of commands without a run folder goes to stderr."""

import pytest

from splitsearch.searcher.cli.steps import steps


def test_beginnings_and_ends_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with steps() as say:
        for done in range(4):
            say("round 1", done, 3)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["round 1 0/3", "round 1 3/3"]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with steps() as say:
        say("round 1", 1, 3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" in err
