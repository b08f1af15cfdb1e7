"""restore() beyond what the contracts ask of every model: here with a model that shows where every pixel went."""

import pytest
import torch
from torch import nn

from restorelab.errors import ImageError
from restorelab.models.restored import Restored
from restorelab.restore import restore


class Doubled(nn.Module):
    """Twice as large, twice as bright; wants multiples of (8, 4); remembers what it saw."""

    scale, size_multiple, receptive_radius = 2, (8, 4), 0

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, degraded, explain=False):
        self.seen = degraded
        large = degraded.repeat_interleave(2, -2).repeat_interleave(2, -1) * 2
        return Restored(large, (large / 2, large), {"half": (large / 2,)} if explain else {})


def test_pads_by_mirroring_and_cuts_back_at_the_models_scale():
    model, image = Doubled(), torch.rand(3, 5, 7) / 2
    restored = restore(model, image, explain=True)
    assert model.seen.shape == (1, 3, 8, 8)
    assert torch.equal(model.seen[0, :, 5, :7], image[:, 3]) and torch.equal(model.seen[0, :, :5, 7], image[:, :, 5])
    want = (image * 2).repeat_interleave(2, -2).repeat_interleave(2, -1)
    assert torch.equal(restored.image, want)
    assert [stage.shape for stage in restored.stages] == [(3, 10, 14)] * 2 and restored.maps["half"][0].shape == (3, 10, 14)


def test_clamps_what_is_shown_and_not_what_is_explained():
    restored = restore(Doubled(), torch.ones(3, 8, 4), explain=True)
    assert restored.image.max() == 1 and restored.maps["half"][0].max() == 1


@pytest.mark.parametrize(
    "bad", [torch.rand(1, 3, 8, 8), torch.rand(3, 8, 8) * 255, torch.full((3, 8, 8), float("nan")), torch.rand(8, 8, 3)]
)
def test_a_bad_picture_gets_a_sentence(bad):
    with pytest.raises(ImageError, match="the picture to restore"):
        restore(Doubled(), bad)
