"""The encoders and decoders of the published systems, layer by layer, in the notation of `chain`.

All are bias-free and send the raw output of the last convolution; its norm and activation are the decoder's first
layers. HND: Matsubara et al., IEEE Access 2020 (versions 2b and 1b). BottleFit: Matsubara et al., WoWMoM 2022, whose
second placement is HND's. CR+BQ: the SC2 benchmark, TMLR 2023. Entropic Student: Matsubara et al., WACV 2022, whose
entropy model is not part of the shape.
"""

from splitsearch.spaces.bottleneck.chain import Chain, parse_chain
from splitsearch.spaces.errors import UserError, nearest

__all__ = ["DECODERS", "ENCODERS", "decoder_chain", "encoder_chain"]

_STEM = "conv7s2p3-64 bn relu maxpool3s2p1"

ENCODERS = {
    "hnd": f"{_STEM} bn relu conv2s2p1-b",
    "hnd_inception": "conv7s2-64 bn relu maxpool3s2 bn relu conv2s2p1-b",
    "bottlefit1": "conv7s2p3-b bn relu maxpool3s2p1",
    "bottlefit2": f"{_STEM} bn relu conv2s2p1-b",
    "bottlefit3": f"{_STEM} bn relu conv2s2p1-512 bn relu conv2s2p1-b",
    "crbq": f"{_STEM} conv2p1-64 bn conv2p1-256 bn relu conv2p1-64 bn conv2p1-b",
    "entropic": "conv5s2p2-96 gdn conv5s2p2-48 gdn conv2-b",
}

DECODERS = {
    "hnd": "bn relu conv2p1-c bn relu conv2p1-c bn relu conv2-c bn relu conv2-c avgpool2",
    "hnd_densenet": "bn relu conv2p1-2c bn relu conv2p1-2c bn relu conv2-c bn relu conv2-c bn relu conv2-c avgpool2s2",
    "hnd_inception": "bn relu conv2p1-256 bn relu conv2-256 bn relu conv2-c avgpool2",
    "bottlefit3": "bn relu tconv2s2-512 bn relu conv2p1-512 bn relu conv2-512 bn relu conv2-c avgpool2",
    "crbq": "bn relu conv2-64 bn conv2-128 bn relu conv2-256 bn conv2-c bn relu",
    "entropic": "conv2p1-512 igdn conv2-256 igdn conv2p1-c",
}


def encoder_chain(name: str) -> Chain:
    """A published encoder by name, or a chain as written.

    Raises:
        UserError: neither.
    """
    return _chain("encoder", name, ENCODERS, ("compact",))


def decoder_chain(name: str) -> Chain:
    """A published decoder by name, or a chain as written.

    Raises:
        UserError: neither.
    """
    return _chain("decoder", name, DECODERS, ("light", "linear"))


def _chain(kind: str, name: str, table: dict[str, str], generated: tuple[str, ...]) -> Chain:
    if name in table:
        return parse_chain(table[name])
    # One word without a digit is a name with a slip of the pen, not a chain.
    if len(name.split()) == 1 and not any(character.isdigit() for character in name):
        raise UserError(f"unknown {kind} '{name}'{nearest(name, (*generated, *table))}")
    return parse_chain(name)
