"""Data sets: what `--dataset` names, found, chosen, decoded and checked."""
