"""Suggestions for misspelt names."""

from splitsearch.spaces.errors import Interrupted, NothingFeasibleError, SplitsearchError, UserError, nearest


def test_a_close_name_is_suggested() -> None:
    assert nearest("resnet51", ["vgg16", "resnet50"]) == "; did you mean 'resnet50'?"


def test_without_a_close_name_some_are_listed() -> None:
    assert nearest("xyz", ["aaa", "bbb"]) == "; known: aaa, bbb"


def test_an_interrupt_is_no_exception_that_a_handler_would_swallow() -> None:
    assert not issubclass(Interrupted, Exception)
    assert issubclass(UserError, SplitsearchError)
    assert issubclass(NothingFeasibleError, SplitsearchError)


def test_an_interrupt_knows_the_exit_status() -> None:
    assert (Interrupted().status, str(Interrupted("a", status=143)), Interrupted("a", status=143).status) == (
        130,
        "a",
        143,
    )
