"""restore() beyond what the contracts ask of every model: here with a model that shows where every pixel went."""

import pytest
import torch
from torch import nn

from restorelab.errors import ImageError, OutOfMemory, ParameterError
from restorelab.models.restored import Restored
from restorelab.restore import restore


class Doubled(nn.Module):
    """Twice as large, twice as bright; wants multiples of (8, 4); remembers what it saw."""

    scale, size_multiple, min_size, receptive_radius, stage_count, condition_channels = 2, (8, 4), (8, 4), 0, 1, 0

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


class Local(nn.Module):
    """Three convolutions and an upsampling; two stages; told one number per pixel."""

    scale, size_multiple, min_size, stage_count, condition_channels = 2, (2, 2), (8, 8), 2, 1
    receptive_radius = 5  # 1 + 1, then at half the resolution 1, from the farther pixel of a pair: 3

    def __init__(self, room: int = 10**9):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.coarse = nn.Conv2d(8, 12, 3, padding=1)
        self.room, self.calls = room, []

    def forward(self, degraded, explain=False, condition=None, stage=None):
        self.calls.append((tuple(degraded.shape[-2:]), stage))
        if degraded.shape[-1] * degraded.shape[-2] > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate a lot")
        x = self.second(self.first(torch.cat([degraded, condition], 1)).relu()).relu()
        coarse = nn.functional.interpolate(self.coarse(nn.functional.avg_pool2d(x, 2)), scale_factor=2)
        large = nn.functional.pixel_shuffle(coarse, 2)
        stages = (large / 2 + 0.25, large + 0.5)[:stage]
        return Restored(stages[-1], stages)


class Global(Local):
    """The same, brightened by the mean of all it sees: not local."""

    receptive_radius, condition_channels = None, 0

    def forward(self, degraded, explain=False, stage=None):
        restored = super().forward(degraded, explain, degraded[:, :1], stage)
        mean = degraded.mean()
        return Restored(restored.image + mean, tuple(one + mean for one in restored.stages))


@pytest.mark.parametrize("tile", [10, 16, 37])
@pytest.mark.parametrize("size", [(61, 43), (7, 90), (40, 40)])
def test_tiles_of_a_local_network_equal_the_whole(size, tile):
    image, condition = torch.rand(3, *size), torch.rand(1, *size)
    whole = restore(Local(), image, condition=condition)
    seen = []
    tiled = restore(Local(), image, condition=condition, tile=tile, progress=lambda done, total: seen.append((done, total)))
    torch.testing.assert_close(tiled.image, whole.image, atol=1e-6, rtol=0)
    torch.testing.assert_close(tiled.stages[0], whole.stages[0], atol=1e-6, rtol=0)
    assert tiled.tiling.exact and tiled.tiling.tiles == len(seen) == seen[-1][0] == seen[-1][1]
    assert "equal to the whole" in str(tiled.tiling) and whole.tiling is None


def test_a_halo_that_is_too_small_would_show():
    class Liar(Local):
        receptive_radius = 2

    image = torch.rand(3, 60, 40)
    whole, tiled = (restore(Liar(), image, condition=torch.zeros(1), tile=tile) for tile in (None, 16))
    assert (tiled.image - whole.image).abs().max() > 1e-4


def test_tiles_of_a_network_that_is_not_local_say_how_far_they_disagree():
    image = torch.rand(3, 64, 96) * torch.linspace(0.2, 1, 96)
    whole, tiled = (restore(Global(), image, tile=tile) for tile in (None, 32))
    difference = (tiled.image - whole.image).abs().max()
    assert not tiled.tiling.exact and difference > 0.01
    assert 0 < tiled.tiling.mean_difference < tiled.tiling.largest_difference < 1
    assert "changes the result" in str(tiled.tiling)


def test_seams_of_inexact_tiles_are_blended():
    """Of a smooth ramp, brightened by a mean that every tile sees otherwise, a smooth ramp is left: no jump where tiles meet."""

    class Brightened(Global):
        scale, size_multiple, min_size = 1, (1, 1), (1, 1)

        def forward(self, degraded, explain=False, stage=None):
            return Restored(degraded / 4 + degraded.mean() / 2)

    restored = restore(Brightened(), torch.linspace(0.1, 0.9, 256).expand(3, 64, 256).clone(), tile=32)
    steps = restored.image[1, 32].diff().abs()
    assert steps.max() < 3 * steps.median() and restored.tiling.largest_difference > 10 * steps.max()


def test_when_memory_runs_out_a_local_network_goes_on_in_smaller_tiles():
    image, condition = torch.rand(3, 200, 180), torch.rand(1)
    model = Local(room=10_000)
    restored = restore(model, image, condition=condition)
    torch.testing.assert_close(restored.image, restore(Local(), image, condition=condition).image, atol=1e-6, rtol=0)
    assert restored.tiling.exact and restored.tiling.tiles > 1
    assert [size for size, _ in model.calls if size[0] * size[1] > 10_000][0] == (200, 180)


def test_when_memory_runs_out_and_tiles_would_change_the_result_it_asks():
    with pytest.raises(OutOfMemory, match="tile=512"):
        restore(Global(room=100), torch.rand(3, 64, 64))
    with pytest.raises(OutOfMemory, match="smaller picture"):
        restore(Local(room=100), torch.rand(3, 64, 64), condition=torch.zeros(1))


def test_an_error_that_is_not_about_memory_is_not_swallowed():
    class Broken(Global):
        def forward(self, degraded, explain=False, stage=None):
            raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        restore(Broken(), torch.rand(3, 16, 16))


def test_a_stage_is_asked_of_the_model():
    model, image = Local(), torch.rand(3, 16, 16)
    first = restore(model, image, condition=torch.zeros(1), stage=1)
    assert model.calls == [((16, 16), 1)] and len(first.stages) == 1
    assert torch.equal(first.image, restore(model, image, condition=torch.zeros(1)).stages[0])


def test_the_only_stage_of_a_model_may_be_named():
    assert restore(Doubled(), torch.rand(3, 8, 8), stage=1).image.shape == (3, 16, 16)  # whose forward takes no stage


def test_one_number_and_a_map_of_it_are_the_same_condition():
    image = torch.rand(3, 16, 16)
    results = [restore(Local(), image, condition=one).image for one in (torch.full((1,), 0.3), torch.full((1, 16, 16), 0.3))]
    assert torch.equal(*results)


@pytest.mark.parametrize(
    "model, words, message",
    [
        (Local(), {}, "give condition, 1 numbers or maps"),
        (Local(), {"condition": torch.zeros(2)}, r"takes 1 condition channels.*\(2,\)"),
        (Local(), {"condition": torch.zeros(1, 5, 5)}, "maps of the picture's size"),
        (Global(), {"condition": torch.zeros(1)}, "takes no condition channels"),
        (Global(), {"stage": 3}, "no stage 3"),
        (Global(), {"stage": 0}, "no stage 0"),
        (Global(), {"tile": 0}, "side of a tile"),
        (Global(), {"tile": 16, "explain": True}, "leave out tile"),
        (Global(), {"precision": "float8"}, "float8"),
    ],
)
def test_bad_arguments_get_a_sentence(model, words, message):
    with pytest.raises(ParameterError, match=message):
        restore(model, torch.rand(3, 16, 16), **words)


def test_the_smallest_size_of_a_model_is_reached_by_mirroring():
    model = Local()
    assert restore(model, torch.rand(3, 3, 5), condition=torch.zeros(1)).image.shape == (3, 6, 10)
    assert model.calls[0][0] == (8, 8)
