"""The names that RRDB networks are published under: CIPLab's x16, ESRGAN (old and new), BasicSR and Real-ESRGAN.

                          CIPLab, ESRGAN              BasicSR, Real-ESRGAN   ESRGAN, old
    stem                  conv_first                  conv_first             model.0
    trunk's dense blocks  RRDB_trunk.I.RDBJ.convK     body.I.rdbJ.convK      model.1.sub.I.RDBJ.convK.0
    gather                trunk_conv                  conv_body              model.1.sub.DEPTH
    ups                   upconv1, upconv2            conv_up1, conv_up2     model.3, model.6
    refine                HRconv                      conv_hr                model.8
    last                  conv_last                   conv_last              model.10

CIPLab's second trunk: RRDB_trunk2, trunk_conv2, upconv3, upconv4, HRconv2. Their files are pickled whole modules, which `read_state`
refuses and explains how to convert. Their discriminator has a half that never runs; it is left out here.
"""

import re

from restorelab.checkpoint import fill
from restorelab.errors import CheckpointError
from restorelab.models.discriminators import UNetDiscriminator
from restorelab.models.x16 import DOUBLINGS, RRDBCascade, RRDBCascadeConfig
from restorelab.official.files import State

DENSE = re.compile(r"(?:RRDB_trunk(2?)|body|model\.1\.sub)\.(\d+)\.(?:RDB|rdb)([1-3])\.conv([1-5])(?:\.0)?")
OLD_GATHER = re.compile(r"model\.1\.sub\.\d+")
OLD_LAYER = re.compile(r"model\.(\d+)\.weight")
LAYERS = {
    **{"conv_first": "stem", "conv_last": "last"},
    **{"trunk_conv": "trunks.0.gather", "conv_body": "trunks.0.gather", "trunk_conv2": "trunks.1.gather"},
    **{"upconv1": "trunks.0.ups.0", "upconv2": "trunks.0.ups.1", "conv_up1": "trunks.0.ups.0", "conv_up2": "trunks.0.ups.1"},
    **{"upconv3": "trunks.1.ups.0", "upconv4": "trunks.1.ups.1"},
    **{"HRconv": "trunks.0.refine", "conv_hr": "trunks.0.refine", "HRconv2": "trunks.1.refine"},
}
DEAD = re.compile(r"(enc|dec)_b\d\.(conv2|conv_sc|bn2)\.")
UNET_LAYERS = {"conv1": "conv", "bn1": "norm"}
UNET_PARTS = {"enc": "encoder", "dec": "decoder"}


def recognise(state: State) -> bool:
    """Are these the names of a published RRDB network?"""
    return any(DENSE.match(key) for key in state)


def build(state: State) -> RRDBCascade:
    """Our model with the published weights; scale, width, depth and growth are read off names and shapes. Raises CheckpointError."""
    ours = _our_names(state)
    model = RRDBCascade(_config(ours))
    fill(model, ours, "the published RRDB network")
    return model.eval()


def start_from_esrgan(model: RRDBCascade, state: State) -> None:
    """Fill both trunks of a x16 `model` from one published x4 network of the same width, depth, growth and channels.

    A start for training, not x4 applied twice: trunk two receives features where ESRGAN's saw a picture's. Raises CheckpointError
    for a file that does not fit, ValueError for a model that is not x16.
    """
    if model.scale != 16:
        raise ValueError(f"only a x16 model has two x4 trunks to fill; this one is x{model.scale}. For x4, build(state) is the model")
    source = build(state)
    if source.scale != 4:
        raise CheckpointError(f"both trunks of a x16 model start from a x4 network; this file is x{source.scale}.")
    tensors = source.state_dict()
    second = {key.replace("trunks.0.", "trunks.1."): value for key, value in tensors.items() if key.startswith("trunks.0.")}
    fill(model, tensors | second, "the published x4 network")


def build_unet_discriminator(state: State) -> UNetDiscriminator:
    """CIPLab's discriminator without its dead half. Raises CheckpointError."""
    ours = {_unet_key(key): value for key, value in state.items() if not DEAD.match(key)}
    first = ours.get("encoder.0.conv.weight")
    if first is None:
        raise CheckpointError("this is not CIPLab's discriminator: it has no enc_b1.conv1.weight.")
    model = UNetDiscriminator(channels=first.shape[1], width=first.shape[0])
    fill(model, ours, "CIPLab's discriminator")
    return model.eval()


def _our_names(state: State) -> State:
    layers = LAYERS | _old_layers(state)
    ours = {}
    for key, value in state.items():
        module, _, kind = key.rpartition(".")
        dense = DENSE.fullmatch(module)
        if dense:
            trunk, block, part, layer = dense[1] == "2", int(dense[2]), int(dense[3]) - 1, int(dense[4]) - 1
            place = f"grow.{layer}" if layer < 4 else "fuse"
            name = f"trunks.{int(trunk)}.blocks.{block}.dense.{part}.{place}"
        elif OLD_GATHER.fullmatch(module):
            name = "trunks.0.gather"
        elif module in layers:
            name = layers[module]
        else:
            raise CheckpointError(f"this is not a published RRDB network that restorelab knows: it has a tensor {key}.")
        ours[f"{name}.{kind}"] = value
    return ours


def _old_layers(state: State) -> dict[str, str]:
    """The old names count every layer of a Sequential, so how many there are depends on how often it doubles."""
    numbers = sorted(int(found[1]) for found in map(OLD_LAYER.fullmatch, state) if found)
    if len(numbers) < 3:
        return {}
    stem, *ups, refine, last = numbers
    names = {stem: "stem", refine: "trunks.0.refine", last: "last"} | {number: f"trunks.0.ups.{i}" for i, number in enumerate(ups)}
    return {f"model.{number}": name for number, name in names.items()}


def _config(ours: State) -> RRDBCascadeConfig:
    needed = ("stem.weight", "last.weight", "trunks.0.blocks.0.dense.0.grow.0.weight")
    lost = [key for key in needed if key not in ours]
    if lost:
        raise CheckpointError(f"the published RRDB network is not whole (nothing for our {lost[0]}): download it again.")
    stem, last, grow = (ours[key] for key in needed)
    if stem.shape[1] in (4 * len(last), 16 * len(last)):
        raise CheckpointError(
            f"this network unshuffles the picture's pixels into {stem.shape[1]} channels first (BasicSR and Real-ESRGAN at x2 and x1), "
            "which is not supported: use a x4 file."
        )
    places = {tuple(key.split(".")[:4]) for key in ours if key.startswith("trunks.")}  # trunks, T, blocks or ups, I
    depth = 1 + max(int(place[3]) for place in places if place[2] == "blocks")
    doublings = [sum(place[:3] == ("trunks", trunk, "ups") for place in places) for trunk in sorted({place[1] for place in places})]
    return RRDBCascadeConfig(_scale(tuple(doublings)), len(stem), depth, len(grow), stem.shape[1])


def _scale(doublings: tuple[int, ...]) -> int:
    for scale, known in DOUBLINGS.items():
        if known == doublings:
            return scale
    raise CheckpointError(
        f"this network's trunks double the resolution {', '.join(map(str, doublings))} times; restorelab knows x2 and x4 in one trunk, "
        "x8 and x16 in two."
    )


def _unet_key(official: str) -> str:
    """`enc_b3.conv1.weight` -> `encoder.2.conv.weight`; `dec_out.bias` -> `decoder_out.bias`."""
    found = re.fullmatch(r"(enc|dec)_(?:b(\d)\.(conv1|bn1)|out)\.(\w+)", official)
    if not found:
        raise CheckpointError(f"this is not CIPLab's discriminator: it has a tensor {official}.")
    part, number, layer, kind = found.groups()
    place = f".{int(number) - 1}.{UNET_LAYERS[layer]}" if number else "_out"
    return f"{UNET_PARTS[part]}{place}.{kind}"
