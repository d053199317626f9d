"""The trainers, one file each; importing this registers them."""

from splitsearch.searcher.training.trainers import bottlefit, cotrain, ghnd, hnd, kd, naive

__all__ = ["bottlefit", "cotrain", "ghnd", "hnd", "kd", "naive"]
