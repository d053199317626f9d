"""Nobody watching is a way of watching."""

from splitsearch.searcher.reporter import Reporter, SilentReporter


def test_silence_is_a_reporter() -> None:
    reporter: Reporter = SilentReporter()
    reporter.say("a")
    reporter.progress("a", 1, 2)
    reporter.trial({}, "a", 1, 2)
    assert vars(reporter) == {}
