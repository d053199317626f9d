"""`python -m splitsearch` is the console script."""

from splitsearch.searcher.cli import main

if __name__ == "__main__":
    main()
