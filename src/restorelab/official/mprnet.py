"""The names in the MPRNet authors' files, the same in all three: `model_deblurring.pth`, `model_denoising.pth`, `model_deraining.pth`.

They count stages and scales from 1, blocks from 0. The network's one PReLU slope stands there 55 times, once for every attention
block; with us once. The files say nothing of the task: the widths do.
"""

import torch

from restorelab.checkpoint import fill
from restorelab.errors import CheckpointError
from restorelab.models.mprnet import MPRNet, MPRNetConfig
from restorelab.official.files import State

SLOPE = ".body.1.weight"  # also the end of an ORB's last convolution, where an ORB has one block
INSIDE = {"body.0": "conv1", "body.2": "conv2", "CA.conv_du.0": "attention.squeeze", "CA.conv_du.2": "attention.excite"}  # of a CAB
# What tells the configuration: the first convolution, the widths at 1/2, of the ORSNet, and of channel attention.
TELLING = (
    "shallow_feat1.0.weight",
    "stage1_encoder.down12.down.1.weight",
    "concat23.weight",
    "shallow_feat1.1.CA.conv_du.0.weight",
)


def recognise(state: State) -> bool:
    """Are these the names of a released MPRNet?"""
    return any(key.startswith(("stage3_orsnet.", "stage1_encoder.encoder_level1.")) for key in state)


def build(state: State) -> MPRNet:
    """Our model with the released weights; the widths and the number of blocks are read off names and shapes. Raises CheckpointError."""
    cfg = _config(state)
    names = official_names(cfg.cabs)
    slopes = {key: value for key, value in state.items() if key not in names and key.endswith(SLOPE)}
    unknown = [key for key in state if key not in names and key not in slopes]
    if unknown:
        raise CheckpointError(f"this is not a released MPRNet: it has a tensor that MPRNet lacks ({unknown[0]}).")
    model = MPRNet(cfg)
    ours = {names[key]: value for key, value in state.items() if key in names} | {"slope": _one_slope(slopes, cfg)}
    fill(model, ours, "the released MPRNet")
    return model.eval()


def official_names(cabs: int) -> dict[str, str]:
    """The authors' name of every weight but the slopes -> ours, with `cabs` blocks in an ORB."""
    convolutions, blocks = _stage_names(cabs)
    for block, ours in blocks.items():
        convolutions |= {f"{block}.{inside}": f"{ours}.{name}" for inside, name in INSIDE.items()}
    return {f"{official}.weight": f"{ours}.weight" for official, ours in convolutions.items()}


def _stage_names(cabs: int) -> tuple[dict[str, str], dict[str, str]]:
    """-> single convolutions, attention blocks."""
    convolutions = {"concat12": "stages.1.merge", "concat23": "stages.2.merge", "tail": "stages.2.to_image"}
    blocks = {}
    for stage in range(3):
        convolutions[f"shallow_feat{stage + 1}.0"] = f"stages.{stage}.shallow"
        blocks[f"shallow_feat{stage + 1}.1"] = f"stages.{stage}.shallow_cab"
    for stage in range(2):
        sam, encoder, decoder = f"sam{stage + 1}{stage + 2}", f"stage{stage + 1}_encoder", f"stage{stage + 1}_decoder"
        convolutions |= {f"{sam}.conv1": f"sams.{stage}.features", f"{sam}.conv3": f"sams.{stage}.gate"}
        convolutions[f"{sam}.conv2"] = f"stages.{stage}.to_image"
        for scale in range(3):
            for block in range(2):
                blocks[f"{encoder}.encoder_level{scale + 1}.{block}"] = f"stages.{stage}.encoder.{scale}.{block}"
                blocks[f"{decoder}.decoder_level{scale + 1}.{block}"] = f"stages.{stage}.decoder.{scale}.{block}"
        for scale in range(2):
            blocks[f"{decoder}.skip_attn{scale + 1}"] = f"stages.{stage}.skips.{scale}"
            convolutions[f"{encoder}.down{scale + 1}{scale + 2}.down.1"] = f"stages.{stage}.downs.{scale}"
            convolutions[f"{decoder}.up{scale + 2}{scale + 1}.up.1"] = f"stages.{stage}.ups.{scale}"
    for number in range(3):
        orb = f"stage3_orsnet.orb{number + 1}.body"
        blocks |= {f"{orb}.{block}": f"stages.2.orbs.{number}.blocks.{block}" for block in range(cabs)}
        convolutions[f"{orb}.{cabs}"] = f"stages.2.orbs.{number}.gather"
    return convolutions | _csff_names(), blocks


def _csff_names() -> dict[str, str]:
    """Stage 2 is told of every scale by one convolution; stage 3 (an ORSNet) by as many as lead up to its width."""
    names = {}
    for short, part in (("enc", "encoded"), ("dec", "decoded")):
        for scale in range(3):
            names[f"stage2_encoder.csff_{short}{scale + 1}"] = f"stages.1.csff.{part}.{scale}.0"
            names[f"stage3_orsnet.conv_{short}{scale + 1}"] = f"stages.2.csff.{part}.{scale}.{scale}"
        names[f"stage3_orsnet.up_{short}1.up.1"] = f"stages.2.csff.{part}.1.0"
        for step in range(2):
            names[f"stage3_orsnet.up_{short}2.{step}.up.1"] = f"stages.2.csff.{part}.2.{step}"
    return names


def _config(state: State) -> MPRNetConfig:
    lost = [key for key in TELLING if key not in state or state[key].ndim != 4]
    if lost:
        raise CheckpointError(f"the released MPRNet is not whole (no {lost[0]}): download it again.")
    first, half, merge, squeeze = (state[key].shape for key in TELLING)
    width, orb = first[0], "stage3_orsnet.orb1.body."
    blocks = {key.removeprefix(orb).split(".")[0] for key in state if key.startswith(orb) and ".CA." in key}
    try:
        return MPRNetConfig(width, half[0] - width, merge[0] - width, len(blocks), width // squeeze[0], channels=first[1])
    except (ValueError, ZeroDivisionError) as error:
        raise CheckpointError(f"the widths in this file are not those of an MPRNet: {error}.") from error


def _one_slope(slopes: State, cfg: MPRNetConfig) -> torch.Tensor:
    wanted = {f"{block}{SLOPE}" for block in _stage_names(cfg.cabs)[1]}
    if slopes.keys() != wanted:
        odd = min(slopes.keys() ^ wanted)
        raise CheckpointError(
            f"the released MPRNet has {len(slopes)} PReLU slopes instead of {len(wanted)} (see {odd}): download it again."
        )
    first = next(iter(slopes.values()))
    different = [key for key, value in slopes.items() if not torch.equal(value, first)]
    if different:
        raise CheckpointError(
            f"an MPRNet has one PReLU slope for the whole network, and this file has several (such as {different[0]}): "
            "it comes from another network, or was trained with the sharing broken, and cannot be run as an MPRNet."
        )
    return first
