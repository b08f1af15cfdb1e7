"""Networks that learned to see on ImageNet, up to the layers whose features a loss or a metric compares.

The weights are torchvision's files. They are looked for in PyTorch's own cache folder, downloaded when they are not there, and used
only when their sha256 is the one written here; a file may also be brought by hand, for a machine without network.
"""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.errors import CheckpointError, ParameterError, did_you_mean

State = dict[str, Tensor]
SOURCE = "https://download.pytorch.org/models/"
FEATURES = "features."  # the convolutions, in torchvision's names; the classifier behind them is not kept
SEED = 0  # of every stand-in

# Of pixels in [0, 1]; what all of these networks were trained with.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TrunkFile:
    name: str  # torchvision's file name; it ends with the first eight digits of the sum
    sha256: str
    megabytes: float


FILES = {
    "alexnet": TrunkFile("alexnet-owt-7be5be79.pth", "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02", 244.4),
    "vgg16": TrunkFile("vgg16-397923af.pth", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 553.4),
    "vgg19": TrunkFile("vgg19-dcbb9e9d.pth", "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44", 574.7),
    "squeezenet1_1": TrunkFile("squeezenet1_1-b8a52dc0.pth", "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b", 5.0),
}


def load_trunk(name: str, path: str | Path | None = None) -> State:
    """The convolutions of "alexnet", "vgg16", "vgg19" or "squeezenet1_1", trained on ImageNet, on the CPU, in torchvision's names.

    `path`: torchvision's file, where it lies; None: PyTorch's cache folder ($TORCH_HOME/hub/checkpoints), into which it is downloaded
    first when it is not there. Raises CheckpointError for a file that is missing, cannot be fetched, or has another sha256.
    """
    file = _file(name)
    if path is None:
        path = Path(torch.hub.get_dir()) / "checkpoints" / file.name
        if not path.is_file():
            _download(file, path)
    _verify(file, Path(path))
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {key: value for key, value in state.items() if key.startswith(FEATURES)}


def _file(name: str) -> TrunkFile:
    if name not in FILES:
        raise ParameterError(f"there is no trunk {name!r}; there are {', '.join(FILES)}.{did_you_mean(name, FILES)}")
    return FILES[name]


def _download(file: TrunkFile, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(SOURCE + file.name, str(path), hash_prefix=file.sha256)  # to a temporary file, then moved
    except (OSError, RuntimeError) as error:  # no network, no room; another sum
        raise CheckpointError(
            f"{file.name} ({file.megabytes} MB, trained on ImageNet) is not on this machine and cannot be downloaded ({error}). "
            f"Fetch {SOURCE}{file.name} where there is a network, and put it into {path.parent}."
        ) from error


def _verify(file: TrunkFile, path: Path) -> None:
    try:
        with open(path, "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}. It should be {SOURCE}{file.name}.") from error
    if found != file.sha256:
        raise CheckpointError(
            f"{path} is not torchvision's {file.name}, or is damaged (its sha256 begins {found[:8]}, not {file.sha256[:8]}). "
            f"Delete it and fetch {SOURCE}{file.name} again."
        )


class Trunk(nn.Module):
    """Pictures `b 3 h w` in [0, 1] -> the outputs of the layers numbered `taps` (torchvision's numbers), one tensor each.

    Every picture of the batch is normalised for ImageNet first. The network is frozen, keeps evaluation mode whatever `.train()` says,
    and ends at the last tap. `state`: as `load_trunk` gives it, which is asked when it is None. `stand_in`: random weights instead,
    the same ones every time, for exercises and tests; what is measured with them means nothing outside of these.
    """

    def __init__(self, name: str, taps: tuple[int, ...], state: State | None = None, stand_in: bool = False):
        super().__init__()
        _file(name)  # an unknown name is answered with a sentence
        if stand_in and state is not None:
            raise ParameterError("a stand-in has random weights: give stand_in=True or trunk weights, not both.")
        from torchvision import models  # seconds, which only those who build a trunk need to wait

        self.taps = taps
        with torch.device("meta"):  # no time and no random numbers for weights that are replaced at once, nor for the classifier
            features = getattr(models, name)(weights=None).features[: max(taps) + 1]
        self.features = features.to_empty(device="cpu").requires_grad_(False)
        for tap in taps:
            for after in self.features[tap + 1 : tap + 2]:
                after.inplace = False  # or a ReLU overwrites what was tapped
        if stand_in:
            self._fill_at_random()
        else:
            self._fill(load_trunk(name) if state is None else state, name)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(1, 3, 1, 1), persistent=False)
        self.eval()

    def train(self, mode: bool = True) -> "Trunk":
        """Stays in evaluation mode."""
        return super().train(False)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, ...]:
        x, found = (images.float() - self.mean) / self.std, []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                found.append(x)
        return tuple(found)

    def _fill(self, state: State, name: str) -> None:
        wanted = self.features.state_dict()
        lacking = [key for key, value in wanted.items() if FEATURES + key not in state or state[FEATURES + key].shape != value.shape]
        if lacking:
            raise CheckpointError(
                f"these are not the weights of {name}: {len(lacking)} of {len(wanted)} tensors are missing or of another shape, "
                f"such as {FEATURES}{lacking[0]}. Give a state as load_trunk({name!r}) returns it."
            )
        self.features.load_state_dict({key: state[FEATURES + key] for key in wanted})

    def _fill_at_random(self) -> None:
        """Normal weights that keep the variance through a ReLU (He et al. 2015), no biases."""
        generator = torch.Generator().manual_seed(SEED)
        for parameter in self.features.parameters():
            if parameter.ndim == 1:
                parameter.zero_()
            else:
                parameter.normal_(std=math.sqrt(2 / parameter[0].numel()), generator=generator)
