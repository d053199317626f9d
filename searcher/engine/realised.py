"""From costs known before training to those that a trained candidate really has: its own bytes, its own exit rate."""

from splitsearch.profilers.profile import Profile
from splitsearch.profilers.target import Target

__all__ = ["realised_values", "sent"]


def sent(profile: Profile, target: Target, payload_bytes: float, exit_rate: float | None) -> Profile:
    """Transfer and radio of the bytes that were really sent: how far a coding compresses, only training can tell.

    Args:
        profile: as known before.
        target: what it was costed on.
        payload_bytes: mean over all images; those that leave at the exit send nothing.
        exit_rate: share that leaves at the exit, in [0, 1]; None without one.
    """
    sending = 1.0 if exit_rate is None else 1 - exit_rate
    mean = payload_bytes / sending if sending else profile.payload_bytes
    if not mean or not profile.payload_bytes or mean == profile.payload_bytes:
        return profile
    return profile.resent(target, mean)


def realised_values(
    profile: Profile, accuracy: float, payload_bytes: float, exit_rate: float | None
) -> dict[str, float]:
    """The objectives, once accuracy, bytes and the share that leaves at the exit are measured."""
    measured = {"accuracy": accuracy, "payload_bytes": payload_bytes}
    if exit_rate is None:
        return profile.values | measured
    return profile.expected(exit_rate) | measured | {"exit_rate": exit_rate}
