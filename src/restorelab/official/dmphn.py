"""The DMPHN authors' names: one pickle per module, `encoder_lv1.pkl`, `decoder_lv1.pkl`, ... (`encoder_s2_lv1.pkl` for a stack).

Their script runs with random weights when a file is missing; here that is an error.
"""

from pathlib import Path

from restorelab.checkpoint import fill
from restorelab.errors import CheckpointError
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.official.files import State, read_state

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


def read_folder(folder: str | Path) -> State:
    """The authors' folder of pickles -> one state whose names begin with the file's: `encoder_lv2.layer6.0.weight`."""
    files = sorted([*Path(folder).glob("encoder*_lv*.pkl"), *Path(folder).glob("decoder*_lv*.pkl")])
    if not files:
        raise CheckpointError(f"{folder} holds no encoder_lv1.pkl, decoder_lv1.pkl, ...: give the folder of one released DMPHN model.")
    return {f"{file.stem}.{key}": value for file in files for key, value in read_state(file).items()}


def recognise(state: State) -> bool:
    """Are these the names of a released DMPHN or Stack-DMPHN?"""
    return any(key.startswith(("encoder_lv", "encoder_s1_lv")) for key in state)


def build(state: State) -> DMPHN:
    """Our model with the authors' weights; levels, stacks and width are read off the names and shapes. Raises CheckpointError."""
    try:
        ours = {dmphn_key(key): value for key, value in state.items()}
    except (KeyError, IndexError, ValueError) as error:
        raise CheckpointError(f"this is not a released DMPHN: it has a tensor that DMPHN lacks ({error}).") from error
    places = [key.split(".") for key in ours]
    stacks, levels = (1 + max(int(place[i]) for place in places) for i in (1, 3))
    first = ours.get("stacks.0.levels.0.encoder.0.weight")
    if first is None:
        raise CheckpointError("the released DMPHN is not whole (no encoder of level 1): download it again.")
    cfg = DMPHNConfig(patches=tuple(2**i for i in range(levels)), stacks=stacks, width=first.shape[0], channels=first.shape[1])
    model = DMPHN(cfg)
    fill(model, ours, "the released DMPHN (a file missing? download it again)")
    return model.eval()
