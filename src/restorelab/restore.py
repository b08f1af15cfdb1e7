"""The one way from a degraded picture to a restored one, whatever its size and whatever the model asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.errors import OutOfMemory, ParameterError
from restorelab.image import check_image
from restorelab.models.restored import Restored
from restorelab.ops.pad import pad_to_multiple
from restorelab.tiling import Tiling, restore_in_tiles

SMALLEST_TILE = 64  # input pixels; below this the halo is most of the work
Gate = float | Tensor | Callable[[Tensor], Tensor]  # in place of what supervised attention (SAM) computed; see `restore`


@dataclass(frozen=True)
class RestoredImage:
    """One restored picture, cut to size and clamped to [0, 1]."""

    image: Float[Tensor, "c h w"]
    stages: tuple[Tensor, ...]  # coarse to fine, like `image`
    maps: dict[str, tuple[Tensor, ...]]  # with explain=True: what the model showed, cut to size, not clamped
    tiling: Tiling | None = None  # None: in one piece


@torch.inference_mode()
def restore(
    model: nn.Module, degraded: Tensor, *, condition: Tensor | None = None, tile: int | None = None, stage: int | None = None,
    precision: str = "float32", explain: bool = False, sam_override: Gate | Mapping[int, Gate] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RestoredImage:  # fmt: skip
    """Restore one picture `c h w` in [0, 1] with the weights as they are; the model is left as it was found.

    Any size: the picture is mirrored at the bottom and right up to the model's multiples, and cut back.

    condition: what a non-blind model is told of the degradation, `d` or `d h w` (see `model.condition_channels`).
    tile: compute in tiles of about this side (input pixels). Exact for a local network; for others (the model's
        `receptive_radius` is None) the tiles are blended, and `tiling` says how far they disagreed.
    stage: stop after this stage (1, 2, ...) without computing the later ones.
    precision: "float32" or "bfloat16" (less exact; meant for a GPU, or a CPU that has AMX).
    sam_override: for a model with supervised attention (MPRNet), what takes the place of the gates of its SAMs, in [0, 1]: a
        number, a tensor `h w` or `c h w` (SAM's channels) of the picture's size, or a function that is given the gate `c h w` and
        returns another. One for all SAMs, or {number of the SAM, from 1: one}; SAM number n works after stage n. A function is
        called for each piece that a SAM sees by itself: for the first of MPRNet's two, half the picture; with tiles, half a tile.
    progress: called with (tiles done, tiles in all).

    A local network that does not fit into memory is tried again in tiles. Raises ImageError for a bad picture, ParameterError for
    a bad argument, OutOfMemory when a network that is not local does not fit.
    """
    check_image(degraded, "the picture to restore")
    _check_arguments(model, degraded, condition, tile, stage, precision, explain)
    device = next(model.parameters()).device
    whole = torch.cat([degraded, _condition_maps(condition, degraded)]) if condition is not None else degraded
    padded = pad_to_multiple(whole, model.size_multiple, model.min_size)
    channels = degraded.shape[0]
    words = {"stage": stage} if stage is not None and model.stage_count > 1 else {}
    gates = _gates(model, degraded, sam_override, stage)

    def forward(rows: slice, columns: slice) -> Restored:
        window = padded[:, rows, columns][None].to(device)
        given = words | ({"condition": window[:, channels:]} if condition is not None else {})
        given |= {"sam_override": {number: _placed(gate, rows, columns) for number, gate in gates.items()}} if gates else {}
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            return model(window[:, :channels], explain=explain, **given)

    training = model.training
    model.eval()
    try:
        stages, maps, tiling = _whole_or_tiles(forward, model, tuple(padded.shape[-2:]), tile, explain, progress)
    finally:
        model.train(training)
    height, width = (side * model.scale for side in degraded.shape[-2:])
    stages = tuple(one[:, :height, :width].clamp(0, 1) for one in stages)
    return RestoredImage(stages[-1], stages, {name: tuple(one[:, :height, :width] for one in several) for name, several in maps.items()},
                         tiling)  # fmt: skip


def _whole_or_tiles(forward: Callable, model: nn.Module, size: tuple[int, int], tile: int | None, explain: bool,
                    progress: Callable | None) -> tuple[list[Tensor], dict, Tiling | None]:  # fmt: skip
    """Stages and maps of the padded picture on the CPU; smaller and smaller tiles when memory runs out and they are exact."""
    while True:
        try:
            if tile is None:
                restored = forward(slice(0, size[0]), slice(0, size[1]))
                return _on_cpu(restored.stages), {name: _on_cpu(maps) for name, maps in restored.maps.items()}, None
            stages, tiling = restore_in_tiles(
                lambda rows, columns: _on_cpu(forward(rows, columns).stages), size, tile, model.size_multiple, model.min_size,
                model.receptive_radius, model.scale, progress,
            )  # fmt: skip
            return stages, {}, tiling
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            reason = str(error).splitlines()[0]
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # after the handler, when the traceback no longer holds the tensors
        tile = _smaller(tile or max(size), size, model, explain, reason)


def _smaller(tile: int, size: tuple[int, int], model: nn.Module, explain: bool, reason: str) -> int:
    advice = "use a smaller picture"
    if model.receptive_radius is None:
        advice = "give tile=512 or so (that changes the result, and says by how much)"
        advice += ", stop at an earlier stage" * (model.stage_count > 1) + ', or try precision="bfloat16"'
    elif explain:
        advice = "leave out explain=True"
    if model.receptive_radius is None or explain or tile <= SMALLEST_TILE:
        raise OutOfMemory(f"a picture of {size[0]}x{size[1]} pixels does not fit into memory ({reason}): {advice}.")
    return max(tile // 2, SMALLEST_TILE)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """torch has a type for it on a GPU and only words on a CPU."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _on_cpu(images: tuple[Tensor, ...]) -> list[Tensor]:
    return [image[0].float().cpu() for image in images]


def _condition_maps(condition: Tensor, degraded: Tensor) -> Float[Tensor, "d h w"]:
    return condition.reshape(*condition.shape, *[1] * (3 - condition.ndim)).expand(-1, *degraded.shape[-2:]).to(degraded)


def _gates(model: nn.Module, degraded: Tensor, override: Gate | Mapping[int, Gate] | None, stage: int | None) -> dict[int, Gate]:
    """By number of the SAM, checked; tensors `c h w` of the padded picture's size, functions that are checked when they answer."""
    if override is None:
        return {}
    widths = getattr(model, "sam_widths", ())[: (stage or model.stage_count) - 1]
    if not widths:
        raise ParameterError("sam_override is for supervised attention (SAM), and none works here: leave it out.")
    several = override if isinstance(override, Mapping) else dict.fromkeys(range(1, len(widths) + 1), override)
    if strange := several.keys() - set(range(1, len(widths) + 1)):
        raise ParameterError(f"there is no SAM {sorted(strange, key=str)[0]} at work; the numbers are 1 to {len(widths)}.")
    return {number: _gate(model, degraded, gate, widths[number - 1]) for number, gate in several.items()}


def _gate(model: nn.Module, degraded: Tensor, gate: Gate, width: int) -> Gate:
    if callable(gate):
        return lambda mask: _answer(gate, mask)
    if not isinstance(gate, Tensor):
        if not isinstance(gate, (int, float)) or not 0 <= gate <= 1:
            raise ParameterError(f"a gate is a number from 0 to 1, a tensor, or a function of the gate; not {gate!r}.")
        return float(gate)
    size = tuple(degraded.shape[-2:])
    if gate.ndim not in (2, 3) or tuple(gate.shape[-2:]) != size or gate.ndim == 3 and gate.shape[0] not in (1, width):
        raise ParameterError(f"a gate here is of shape {size} or {(width, *size)}; got {tuple(gate.shape)}.")
    _check_range(gate)
    return pad_to_multiple(gate if gate.ndim == 3 else gate[None], model.size_multiple, model.min_size)


def _answer(function: Callable[[Tensor], Tensor], mask: Float[Tensor, "b c h w"]) -> Tensor:
    made = function(mask[0])
    if not isinstance(made, Tensor) or made.shape != mask.shape[1:]:
        got = tuple(made.shape) if isinstance(made, Tensor) else made
        raise ParameterError(
            f"the function in sam_override was given a gate of shape {tuple(mask.shape[1:])} and must return one; got {got!r}."
        )
    _check_range(made)
    return made[None]


def _check_range(gate: Tensor) -> None:
    if not (gate.is_floating_point() and gate.min() >= 0 and gate.max() <= 1):  # NaN is neither
        raise ParameterError("a gate holds floating-point numbers from 0 to 1; this one has others.")


def _placed(gate: Gate, rows: slice, columns: slice) -> Gate:
    """For this part of the picture."""
    return gate[None, :, rows, columns] if isinstance(gate, Tensor) else gate


def _check_arguments(model: nn.Module, degraded: Tensor, condition: Tensor | None, tile: int | None, stage: int | None,
                     precision: str, explain: bool) -> None:  # fmt: skip
    if precision not in ("float32", "bfloat16"):
        raise ParameterError(f'precision is "float32" or "bfloat16", not {precision!r}.')
    if stage is not None and not 1 <= stage <= model.stage_count:
        raise ParameterError(f"this model has {model.stage_count} stage(s), counted from 1; there is no stage {stage}.")
    if tile is not None and tile < 1:
        raise ParameterError(f"tile is the side of a tile in pixels, not {tile}.")
    if tile is not None and explain:
        raise ParameterError("explain=True looks at the whole picture: leave out tile.")
    wanted = model.condition_channels
    if wanted and condition is None:
        raise ParameterError(f"{type(model).__name__} is told what the degradation is: give condition, {wanted} numbers or maps.")
    if condition is not None and (
        not wanted or condition.shape[0] != wanted or condition.shape[1:] not in ((), (1, 1), degraded.shape[-2:])
    ):
        raise ParameterError(
            f"{type(model).__name__} takes {wanted or 'no'} condition channels, as numbers or as maps of the picture's size; "
            f"got a tensor of shape {tuple(condition.shape)}."
        )
