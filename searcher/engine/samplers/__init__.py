"""The samplers of `run` and `simulate`; the known-cost one is usable in any Optuna study."""
