"""Reading the files that the authors of the five systems published.

Nobody's weights are shipped here. A reader who has downloaded them gives the path; legacy pickles are read with
`weights_only=True` and in no other way.
"""

from pathlib import Path

import torch
from torch import Tensor

from restorelab.errors import CheckpointError
from restorelab.models.dmphn import DMPHN, DMPHNConfig

# Positions inside our Encoder and Decoder (nn.Sequential) of the authors' numbered layers.
ENCODER = {"layer1": "0", "layer2": "1.0", "layer3": "1.1", "layer5": "2", "layer6": "3.0", "layer7": "3.1"}
ENCODER |= {"layer9": "4", "layer10": "5.0", "layer11": "5.1"}
DECODER = {"layer13": "0.0", "layer14": "0.1", "layer16": "1", "layer17": "2.0", "layer18": "2.1", "layer20": "3"}
DECODER |= {"layer21": "4.0", "layer22": "4.1", "layer24": "5"}
CONVOLUTIONS = {"0": "conv1.", "2": "conv2."}  # inside a residual block; 1 is the ReLU


def dmphn_key(official: str) -> str:
    """`encoder_lv2.layer6.0.weight` or `decoder_s3_lv1.layer24.bias` -> our name for the same tensor."""
    module, layer, *rest = official.split(".")
    part, *place = module.split("_")
    stack = int(place[0][1:]) - 1 if place[0].startswith("s") else 0
    level = int(place[-1][2:]) - 1
    position = (ENCODER if part == "encoder" else DECODER)[layer]
    tail = CONVOLUTIONS[rest[0]] + rest[1] if len(rest) == 2 else rest[0]
    return f"stacks.{stack}.levels.{level}.{part}.{position}.{tail}"


def load_dmphn(folder: str | Path) -> DMPHN:
    """The authors' folder of `encoder_lv1.pkl`, `decoder_lv1.pkl`, ... (or `..._s1_lv1.pkl` for a stack) -> a DMPHN.

    The number of levels and stacks is read off the file names. Raises CheckpointError for a folder that is missing or
    incomplete (the authors' own script runs with random weights then), or a file that is not a plain state dict.
    """
    folder = Path(folder)
    files = sorted([*folder.glob("encoder*_lv*.pkl"), *folder.glob("decoder*_lv*.pkl")])
    if not files:
        raise CheckpointError(f"{folder} holds no encoder_lv1.pkl, decoder_lv1.pkl, ...: give the folder of one released DMPHN model.")
    state = {}
    for file in files:
        for key, value in _read_pickle(file).items():
            state[dmphn_key(f"{file.stem}.{key}")] = value
    places = [key.split(".") for key in state]
    stacks, levels = (1 + max(int(place[i]) for place in places) for i in (1, 3))
    model = DMPHN(DMPHNConfig(patches=tuple(2**i for i in range(levels)), stacks=stacks))
    missing = model.state_dict().keys() - state.keys()
    if missing:
        raise CheckpointError(
            f"{folder} lacks the files for {len(missing)} tensors, {sorted(missing)[0]} among them: download it again whole."
        )
    model.load_state_dict(state)
    return model.eval()


def _read_pickle(file: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds here, none of them helpful to a reader
        raise CheckpointError(
            f"{file} cannot be read as a plain state dict ({type(error).__name__}): it is damaged, or a pickled program."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{file} is not a plain state dict of tensors.")
    return state
