"""The command line: parse, call one library function, print. Nothing heavy is imported before a command runs."""

from splitsearch.searcher.cli.app import main

__all__ = ["main"]
