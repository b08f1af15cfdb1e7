# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · A filter for every pixel: UDVD
#
# ![A photograph spoiled differently in its four quarters, the same restored, and the clean one](four_regions.jpg)
#
# *Half the pixels; the left half blurred, the lower half noisy. One network, told what was done where, restores it (course checkpoint, 0.25 M parameters).*
#
# A convolution applies one kernel everywhere. But a lens is sharp in the middle and soft at the edge, and noise drowns the dark and spares the bright: what helps here hurts there. UDVD
# writes a kernel of its own for every pixel of the result, from the picture and from what it is *told* of the degradation. So you can point at a pixel and ask: what did you do here?
#
# **After this chapter you can** tell a network a blur in 15 numbers, and in which order · write a dynamic convolution by loops, by `unfold`, and say what each holds in memory · show that
# bicubic enlargement is one · read a predicted kernel · say what a wrong label costs, and in which direction · find three mistakes of a public write-up.
#
# | preset | what it does | machine | time |
# |---|---|---|---|
# | `smoke` (stored here) | 30 training steps, then the course checkpoint | two processor cores | about a minute |
# | `lab` | trains the course network yourself | one ordinary GPU | forecast printed before it starts |
# | `paper` | the published network, our guess at its length | one large GPU, days | forecast printed before it starts |
#
# Plan two hours and twenty minutes: an hour of reading and running, 75 minutes of exercises, the rest for the microscope. The cell after the imports holds everything an experiment may change. From a
# shell: `restorelab sweep 04 --preset lab --over blocks=U,UD,UDD`.

# %%
import dataclasses
import time

import numpy as np
import torch
from matplotlib.figure import Figure
from torch.nn import functional as F

from restorelab import checkpoint, presets, viz
from restorelab.data import photos
from restorelab.data.folders import fingerprint, load_folder
from restorelab.data.pairs import training_photos
from restorelab.degrade import IsotropicBlur, isotropic_kernels
from restorelab.degrade.varying import gather_gaussian
from restorelab.devices import choose_device
from restorelab.evaluate import as_input, evaluate, restore_pair
from restorelab.experiment.studies import cards_of, course_record
from restorelab.lesson import check, hint, predict, reveal, show_source, solution
from restorelab.live import LivePicture
from restorelab.metrics import COURSE_RGB, PROTOCOLS, psnr
from restorelab.ops.bicubic_kernels import bicubic_kernels
from restorelab.ops.dynamic_filter import dynamic_filter
from restorelab.ops.resize import downsample_bicubic, resize_bicubic
from restorelab.restore import restore
from restorelab.train import session
from restorelab.train.run import Run, new_run_folder
from restorelab.widgets import CompareSlider, KernelMicroscope, StageSlider

# %% tags=["parameters"]
preset: str = "smoke"  # smoke, lab or paper
seed: int = 0  # decides every random number of the training
device: str = "auto"  # auto, cpu or cuda
minutes: float = 20.0  # a training forecast to take longer is not begun: the course checkpoint serves
steps: int = 0  # updates of the weights; 0 keeps the preset's, as for all numbers below
batch: int = 0  # samples per update
learning_rate: float = 0.0  # peak of the schedule
width: int = 0  # feature channels
depth: int = 0  # residual blocks of the features
scale: int = 0  # 2, 3 or 4
blocks: str = ""  # U enlarges, every D refines once more: U, UD, UDD, UDDD; empty keeps the preset's
kernel_size: int = 0  # of the predicted filters: 5, 7, 9
noise: float = -1.0  # largest sigma trained with, in 1/255; negative keeps the preset's
loss: str = ""  # charbonnier, mse (of every block's picture) or "last charbonnier"; empty: the preset's
frozen: bool = False  # do the filters stay bicubic, so that the residuals alone learn
photo_folder: str = ""  # your own training photographs, beside the bundled ones
run_dir: str = ""  # where the run is written; empty makes a new folder under runs/

# %%
from restorelab.errors import ParameterError

given = dict(steps=steps, batch=batch, learning_rate=learning_rate, width=width, depth=depth)
given |= dict(scale=scale, blocks=blocks, kernel_size=kernel_size, objective=loss)
plan = presets.choose(presets.UDVD, preset, **given)
if plan.model.scale == 1:
    raise ParameterError("this chapter enlarges: scale is 2, 3 or 4.")
law = plan.told if noise < 0 else dataclasses.replace(plan.told, sigma=(0.0, noise / 255))
if scale:
    law = dataclasses.replace(law, scale=scale, blur=IsotropicBlur((0.2, float(scale))))
plan = dataclasses.replace(plan, told=law, crop=plan.crop // law.scale * law.scale)
device = choose_device(device)
print(plan.note)
print("network:    ", plan.model)
print("degradation:", plan.told)

# %% [markdown]
# ## Before you begin
#
# Questions from earlier chapters. Answer aloud, then open.
#
# <details><summary>(03) What does a feature pyramid know that its last level alone does not?</summary>
# Where things are. The last level is coarse and knows what; the fine ones know where, and the pyramid adds them up.</details>
#
# <details><summary>(02) Two papers report 33.64 and 33.66 dB for bicubic enlargement of the same five pictures. Who is wrong?</summary>
# Nobody, if their protocols differ: which luma is scored, and when it is rounded, moves a score without one pixel being touched.</details>
#
# <details><summary>(01) SRMD's code draws <code>l1</code> from 0.1 to 10. Width or variance?</summary>
# Variance, an eigenvalue of the covariance. The widest kernel has a standard deviation of √10 = 3.2 pixels.</details>
#
# <details><summary>(01) Noise of σ = 20 is added, then the picture is shrunk to half its size. Why is its σ no longer 20?</summary>
# A small pixel is a weighted mean of noisy ones, and the mean of several draws strays less.</details>
#
# <details><summary>(00) What must two runs share to end with the same numbers?</summary>
# The seed, the parameters and the data.</details>
#
# ## Predict
#
# Guess before you run. Write a number in place of `None`; being wrong is what makes the answer stick.

# %%
question = "`unfold` prepares 5x5 windows. How many times the memory of the picture do they take?"
predict("unfold", question, guess=None)
question = "Nothing forces a predicted 5x5 kernel to sum to 1. What do they sum to, on average?"
predict("sum", question, guess=None)
question = "The blur is 1.2 pixels wide, the network is told 1.8; no noise. What does the lie cost?"
predict("lie", question, guess=None, unit="dB")
question = "And which lie costs more: 0.6 pixels too little, or 0.6 too much?"
predict("direction", question, guess=None, choices=("too little", "too much"))

# %% [markdown]
# ## The problem
#
# $y = (x \otimes k)\!\downarrow_s + \,n$, as in chapter 01: a round Gaussian of unknown width, bicubic shrinking, noise. UDVD is *not blind*: somebody tells it $k$ and $\sigma$.

# %%
watched = presets.watched_pairs(plan, "validation", 4, crop=192)
rows, looks = [], {}
for pair in watched:
    kernel, sigma = pair.truth["kernel"], pair.truth["sigma"]
    spread = (kernel * torch.arange(-7, 8).square()).sum().sqrt()
    score = psnr(as_input(pair), pair.clean)
    rows.append([pair.name, f"{spread:.2f}", f"{255 * sigma:.1f}", f"{score:.2f}"])
    looks[f"width {spread:.2f}, σ = {255 * sigma:.0f}/255"] = viz.crop(as_input(pair), 20, 20, 150)
headers = ["draw", "width of the blur (pixels)", "σ (/255)", "bicubic enlargement (dB)"]
viz.show_table(headers, rows, f"Four draws of the degradation. Protocol: {COURSE_RGB}")
viz.show(viz.picture_row(looks, height=1.6), "One photograph after four draws of blur and noise")

# %% [markdown]
# ## Told in sixteen numbers
#
# A kernel of 15x15 is 225 numbers. Chapter 01 found 15 directions (PCA, no mean taken off) that hold nearly all of them. The code is the 15 products with these directions. σ is the
# sixteenth number. Round Gaussians, of one parameter, need fewer still:

# %%
code = presets.kernel_code()
widths = torch.tensor([0.2, 0.8, 1.2, 1.6, 2.0])
round_ones = isotropic_kernels(widths, 15).double()
codes = code.encode(round_ones)
rows = []
for width_, numbers, kernel in zip(widths, codes, round_ones):
    parts = {d: torch.einsum("d,dij->ij", numbers[:d], code.basis[:d]) for d in (1, 4, 15)}
    shares = [f"{(kernel - part).norm() / kernel.norm():.1%}" for part in parts.values()]
    rows.append([f"{width_:.1f}", "  ".join(f"{n:+.3f}" for n in numbers[:4]), *shares])
headers = ["width", "first four of 15 numbers", "lost with 1", "with 4", "with 15"]
viz.show_table(headers, rows, "Codes of round Gaussians, and the share that so many numbers lose")

# %% [markdown]
# ### Exercise 4.1 · A matrix from MATLAB · ★★ · 8 min
#
# SRMD's directions come as a matrix, one per row, made in MATLAB, which flattens a picture *column by column*. Return the code of `kernel` (`k k`): its products with the rows of `matrix`
# (`d k*k`).

# %% tags=["exercise", "exercise-4.1"]
def code_of(kernel, matrix):
    ...


# solution
def code_of(kernel, matrix):
    return matrix @ kernel.T.flatten()

# %%
check("4.1", code_of)
# hint("4.1")       take the # away and run; again for the second hint
# solution("4.1")

# %% [markdown]
# ### Exercise 4.2 · Stretch it · ★ · 6 min
#
# A convolution takes maps, not numbers. “Stretching”: every number becomes a map of the picture's size, the same everywhere. `image` is `b 3 h w`, `code` is `b d`, and `sigma` (`b`) is in units
# of 1/255, as papers write it. Return what the network is given, `b 3+d+1 h w`: colours, code, σ in [0, 1].

# %% tags=["exercise", "exercise-4.2"]
def told(image, code, sigma):
    b, _, h, w = image.shape
    ...


# solution
def told(image, code, sigma):
    b, _, h, w = image.shape
    numbers = torch.cat([code, sigma[:, None] / 255], dim=1)
    return torch.cat([image, numbers[:, :, None, None].expand(-1, -1, h, w)], dim=1)

# %%
check("4.2", told)
# hint("4.2")
# solution("4.2")

# %% [markdown]
# ## Dynamic convolution, by loops
#
# $$y_{c}(p) = \sum_{i,j} K_p(i, j)\; x_c\big(p + (i, j) - r\big)$$
#
# An ordinary convolution, but $K$ has an index $p$: another kernel at every pixel, shared by the three colours. Loops first, then two tests that any version must pass: a kernel that is 1 in
# the middle changes nothing, and equal kernels everywhere are `F.conv2d`.

# %%
def by_loops(image, kernels):
    """c h w, and a kernel for every pixel, k k h w -> c h w. Beyond the border the edge goes on."""
    (c, h, w), k = image.shape, kernels.shape[0]
    padded = F.pad(image[None], (k // 2,) * 4, mode="replicate")[0]
    out = torch.empty_like(image)
    for y in range(h):
        for x in range(w):
            window = padded[:, y : y + k, x : x + k]  # c k k
            out[:, y, x] = (window * kernels[:, :, y, x]).sum(dim=(1, 2))
    return out


clean = photos.load("coffee")
small = viz.crop(clean, 100, 200, 32)
delta = torch.zeros(5, 5)
delta[2, 2] = 1.0
same_everywhere = torch.randn(5, 5, generator=torch.Generator().manual_seed(seed))
padded = F.pad(small[None], (2,) * 4, mode="replicate")
expected = F.conv2d(padded, same_everywhere.expand(3, 1, 5, 5), groups=3)[0]
tests = {"delta": (delta, small), "one kernel": (same_everywhere, expected)}
for what, (kernel, want) in tests.items():
    got = by_loops(small, kernel[:, :, None, None].expand(-1, -1, 32, 32))
    print(f"{what}: largest difference {(got - want).abs().max():.0e}")

# %% [markdown]
# ### Exercise 4.3 · A filter for every pixel · ★★★ · 12 min
#
# The same without loops. `image` is `b c h w`, `kernels` is `b k k h w`; return `b c h w`, with the edge pixel repeated beyond the border. `F.unfold(padded, k)` gives all windows at once, `b c*k*k h*w`, taps
# row by row.

# %% tags=["exercise", "exercise-4.3"]
def filter_with(image, kernels):
    (b, c, h, w), k = image.shape, kernels.shape[1]
    ...


# solution
def filter_with(image, kernels):
    (b, c, h, w), k = image.shape, kernels.shape[1]
    padded = torch.nn.functional.pad(image, (k // 2,) * 4, mode="replicate")
    windows = torch.nn.functional.unfold(padded, k).reshape(b, c, k, k, h, w)
    return torch.einsum("bcijyx,bijyx->bcyx", windows, kernels)

# %%
check("4.3", filter_with)
# hint("4.3")
# solution("4.3")

# %% [markdown]
# ### Exercise 4.4 · What unfold holds · ★ · 4 min
#
# How many *bytes* do the windows of a float32 picture `b c h w` take, with `k` x `k` taps?

# %% tags=["exercise", "exercise-4.4"]
def copied(b, c, h, w, k):
    ...


# solution
def copied(b, c, h, w, k):
    return 4 * b * c * h * w * k * k

# %%
check("4.4", copied)
reveal("unfold", 25, "Every pixel stands in 5 x 5 windows, and unfold writes each of them down.")
# hint("4.4")
# solution("4.4")

# %% [markdown]
# ### Exercise 4.5 · Where the four pixels go · ★★ · 8 min
#
# To *enlarge* s times, every input pixel has s x s kernels, one for each output pixel that lies in it. The results come as `b c s s h w`: (dy, dx) says which of the s x s. Return the picture, `b c h*s w*s`: output
# row `y*s + dy`, column `x*s + dx`.

# %% tags=["exercise", "exercise-4.5"]
def lay_out(values):
    b, c, s, _, h, w = values.shape
    ...


# solution
def lay_out(values):
    b, c, s, _, h, w = values.shape
    return values.permute(0, 1, 4, 2, 5, 3).reshape(b, c, h * s, w * s)

# %%
check("4.5", lay_out)
# hint("4.5")
# solution("4.5")

# %% [markdown]
# ## A toy, equal to the real thing
#
# Both together are six lines. The package computes the same, with its own derivatives: it never builds the windows, but shifts the picture and adds up tap by tap, a band of rows at a time, so that what
# it works on stays in the processor's cache. `Held` counts the memory of all tensors that either holds at the same time.

# %%
import weakref

from torch.utils._python_dispatch import TorchDispatchMode


def toy_filter(image, kernels):
    """b c h w, kernels b s s k k h w -> b c h*s w*s."""
    b, s, _, k, _, h, w = kernels.shape
    padded = F.pad(image, (k // 2,) * 4, mode="replicate")
    windows = F.unfold(padded, k).reshape(b, -1, k, k, h, w)  # b c k k h w
    pixels = torch.einsum("bcijyx,buvijyx->bcyuxv", windows, kernels)
    return pixels.reshape(b, -1, h * s, w * s)


class Held(TorchDispatchMode):
    """Inside `with`, notes the most memory that new tensors held at any one time, in bytes."""

    def __init__(self, *given):
        super().__init__()
        self.given, self.live, self.most = {one.untyped_storage().data_ptr() for one in given}, [], 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        several = result if isinstance(result, (tuple, list)) else (result,)
        self.live += [weakref.ref(one) for one in several if isinstance(one, torch.Tensor)]
        self.live = [one for one in self.live if one() is not None]
        storages = [one().untyped_storage() for one in self.live]
        sizes = {memory.data_ptr(): memory.nbytes() for memory in storages}
        new = sum(size for place, size in sizes.items() if place not in self.given)
        self.most = max(self.most, new)
        return result

# %%
image = viz.crop(clean, 60, 150, 192)[None]
weights = torch.randn(1, 2, 2, 5, 5, 192, 192, generator=torch.Generator().manual_seed(seed)) / 5
rows, made, takes = [], {}, {}
for what, operator in {"unfold and einsum": toy_filter, "the package's": dynamic_filter}.items():
    with torch.inference_mode():
        operator(image, weights)  # once to warm up
        with Held(image, weights) as held:
            made[what] = operator(image, weights)
        start = time.perf_counter()
        operator(image, weights)
        milliseconds = 1000 * (time.perf_counter() - start)
    takes[what] = held.most / 1e6
    rows.append([what, f"{milliseconds:.0f}", f"{takes[what]:.1f}"])
apart = float((made["the package's"] - made["unfold and einsum"]).abs().max())
headers = ["way", "time (ms, this machine)", "memory besides kernels (MB)"]
result_mb, kernels_mb = made["the package's"].nbytes / 1e6, weights.nbytes / 1e6
caption = f"192x192 pixels, twice as large. Result {result_mb:.1f} MB, kernels {kernels_mb:.1f} MB"
viz.show_table(headers, rows, caption)
print(f"toy equals package: largest difference {apart:.0e}")
show_source(dynamic_filter)

# %% [markdown]
# The kernels themselves are now the largest thing. That is the price of the idea, and no operator saves it.
#
# ## Bicubic is a dynamic filter
#
# Enlarge twice: every output pixel lies a quarter of a pixel up or down, left or right of an input pixel. Bicubic enlargement weighs 4x4 neighbours by a cubic of their distance. So it *is* a
# dynamic filter, with four kernels that repeat, all inside 5x5 taps.
#
# ### Exercise 4.6 · Bicubic is a dynamic filter · ★★ · 10 min
#
# One line of it. Output pixel d (0 to s-1) of an input pixel has its middle (d + 1/2)/s - 1/2 pixels from that one's middle. Return `s 5`: for each output pixel the weights of the taps -2 to 2.
# `cubic(distance)` is given; 2-D is the product of two lines.

# %% tags=["exercise", "exercise-4.6"]
def bicubic_line(s, cubic):
    taps = torch.arange(-2, 3, dtype=torch.float64)
    ...


# solution
def bicubic_line(s, cubic):
    taps = torch.arange(-2, 3, dtype=torch.float64)
    place = (torch.arange(s, dtype=torch.float64) + 0.5) / s - 0.5
    return cubic(taps[None, :] - place[:, None])

# %%
check("4.6", bicubic_line)
# hint("4.6")
# solution("4.6")

# %% [markdown]
# UDVD could begin from random kernels. Ours begins from these four: the last layer's weights are almost 0 and its bias is the bicubic kernel, so before the first step the network *is* bicubic
# enlargement, whatever it is told. (A softmax over the taps, as other kernel-predicting networks have it, could not do that: bicubic needs negative weights.)

# %%
phases = bicubic_kernels(2).float()
looks = {f"pixel ({u}, {v})": viz.signed(phases[u, v][None], 0.55) for u in (0, 1) for v in (0, 1)}
title = "Bicubic x2: the kernel of each of the four pixels. Grey is 0, darker is negative"
viz.show(viz.picture_row(looks, title, height=1.9), "Four 5x5 kernels, each leaning to another corner")
low = image[..., ::2, ::2].contiguous()
same_kernels = phases[None, ..., None, None].expand(-1, -1, -1, -1, -1, 96, 96)
as_filter = dynamic_filter(low, same_kernels.contiguous())
inner = (as_filter - resize_bicubic(low, scale=2))[..., 8:-8, 8:-8].abs().max()
fresh = session.new_network("udvd", plan, seed)
pair = watched[0]
at_start = psnr(restore(fresh, pair.degraded, condition=presets.told(pair)).image, pair.clean)
bicubic = psnr(as_input(pair), pair.clean)
print(f"dynamic filter against bicubic, 8 pixels from the border: {inner:.0e}")
print(f"an untrained UDVD: {at_start:.2f} dB; bicubic enlargement: {bicubic:.2f} dB")
show_source(fresh.blocks[0].forward)

# %% [markdown]
# ## The network
#
# 1. Colours and the 16 maps go through residual blocks to *features*: what is here, and what was done to it.
# 2. **U** looks at picture and features, writes s x s kernels for every pixel, enlarges with them, and adds a residual.
# 3. Every **D** does the same at the output's size, to the picture of the block before: one kernel per pixel.
#
# The paper's best chain is UDD, and its loss adds up over *every* block's picture: each of them is a result. Above stands one block.
#
# ## Train
#
# What trains is `restorelab.train.loop.fit`, as in chapter 05. Blur, shrinking and noise are done to each batch while it trains (`show_source(OnlineCrops)`), so no two steps see the same degradation. Before it
# starts it is measured; if it would take longer than `minutes`, it is not begun.
#
# In `smoke`, 30 steps hardly leave bicubic: the validation line lies near the input's. Afterwards we use your network if it was trained in earnest, and the course checkpoint if not; every figure says which.

# %%
pictures = training_photos() + (load_folder(photo_folder) if photo_folder else [])
network = session.new_network("udvd", plan, seed)
if frozen:
    for block in network.blocks:
        block.to_kernels.requires_grad_(False)
expected = session.predict(network, plan, pictures, seed, device)
trains = expected.minutes <= minutes
learning = sum(p.numel() for p in network.parameters() if p.requires_grad)
print(f"{learning:,} of {sum(p.numel() for p in network.parameters()):,} parameters learn")
print("This training takes", expected)
print("It starts now." if trains else "That is too long: the course checkpoint serves instead.")

# %%
data = {"photographs": len(pictures), "sha256": fingerprint(pictures)}
facts = presets.describe(plan) | {"frozen": frozen}
run = Run(run_dir or new_run_folder("04_dynamic_filter_sr"), seed, facts, data, device)
trained = None
if trains:
    live = LivePicture(run, watched[0], presets.told)
    trained = session.train(network, plan, pictures, run, device, live)
    sha256 = checkpoint.save(run.checkpoints / "final.safetensors", trained, run.manifest["parameters"])
    run.note(weights_sha256=sha256)

# %%
course = checkpoint.load_course("udvd")
earnest = trained is not None and preset != "smoke"
net = (trained if earnest else course.model).eval()
judged = plan if earnest else presets.UDVD["lab"]
yours = f"your training, {preset} preset, {plan.fit.steps} steps{', filters frozen' if frozen else ''}"
whose = yours if earnest else "course checkpoint"
label = f"UDVD x{net.scale}, {net.cfg.blocks}, width {net.cfg.width}, {whose}"
card = run.manifest if earnest else course.manifest
print(label)
if not earnest and (any(given.values()) or frozen or noise >= 0):
    print("Your parameters shaped the training above alone. To judge them, take --preset lab.")
shots, updates = card["data"]["photographs"], card["parameters"]["fit"]["steps"]
print(f"trained on {shots} photographs, {updates} steps")

# %% [markdown]
# ## Judge
#
# The bundled test photographs, which no training here has seen, told the truth. Super-resolution scores Y and leaves a border of `scale` pixels out. The photograph that gained least stands before and after
# restoring; the one that gained most, block by block: the loss counts every block's picture, so the chain can be stopped after any. (That is no ablation. U would have learnt otherwise had it been alone.)

# %%
protocol = PROTOCOLS[f"SR x{net.scale}"]
condition_of = presets.condition_of(judged)
results = {}
for what, sigma in {"no noise": 0.0, "noise drawn": None}.items():
    pairs = presets.watched_pairs(judged, "test", crop=288, sigma=sigma)
    results[what] = evaluate(net, pairs, protocol, condition=condition_of)
    viz.show_evaluation(results[what], f"{label}. Test photographs, middle 288x288, {what}")
worst = next(pair for pair in pairs if pair.name == results["noise drawn"].worst.name)
print(f"The smallest gain, with noise: '{worst.name}', σ = {255 * worst.truth['sigma']:.0f}/255")
better = restore_pair(net, worst, condition_of)
for what, found in course.manifest["result"].items():
    if isinstance(found, dict) and not earnest:
        before, after = found["degraded_psnr"], found["restored_psnr"]
        print(f"the card, whole photographs, {what}: {before:.2f} -> {after:.2f} dB")
cut = 120 // net.scale
small = worst.degraded[:, cut:-cut, cut:-cut]  # the notebook stays light
large, target = (one[:, 120:-120, 120:-120] for one in (better, worst.clean))
CompareSlider(small, large, labels=("bicubic", "restored"), clean=target)

# %%
quiet_pairs = presets.watched_pairs(judged, "test", crop=72, sigma=0.0)
shown = next(pair for pair in quiet_pairs if pair.name == results["no noise"].best.name)
answer, clocks = restore(net, shown.degraded, condition=presets.told(shown)), []
for stage in range(1, net.stage_count + 1):
    start = time.perf_counter()
    restore(net, shown.degraded, condition=presets.told(shown), stage=stage)
    clocks.append(max([1000 * (time.perf_counter() - start), *clocks]))
names = ["U", *(f"U{'D' * n}" for n in range(1, net.stage_count))]
StageSlider(shown.degraded, answer.stages, shown.clean, names=names, milliseconds=clocks)

# %% [markdown]
# **What the paper reports** we cannot print: its tables are in no public repository that we could read, and the write-ups have lost their numbers. In words: comparable to RCAN on bicubic pictures, above SRMD where the
# degradation varies. SRMD itself, on Set5 x2 with bicubic shrinking alone: 37.53 dB (its Table 1). Other data, other blur: not to be compared with ours.
#
# ## A lie, and what it costs
#
# A network that is told can be told wrong, and in practice it is: somebody *estimates* the blur. Same picture, same weights; only what the network hears changes.

# %%
sharp = viz.crop(clean, 60, 150, 192)
true_width, hiss = 1.2, 10 / 255
tries, levels = [0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0], [0, 5, 10, 15, 20, 25]
blurred = gather_gaussian(sharp, torch.full(sharp.shape[-2:], true_width), 7, "replicate")
low = downsample_bicubic(blurred[None], net.scale)[0].clamp(0, 1)
grain = np.random.default_rng(seed).standard_normal(low.shape, dtype=np.float32)
heard = code.encode(isotropic_kernels(torch.tensor(tries), 15))
lies = {}
for what, sigma in {"no noise": 0.0, "σ = 10/255": hiss}.items():
    picture = (low + sigma * torch.from_numpy(grain)).clamp(0, 1)
    spoken = [torch.cat([numbers, torch.tensor([sigma])]) for numbers in heard]
    lies[what] = [psnr(restore(net, picture, condition=one).image, sharp) for one in spoken]
spoken = [torch.cat([heard[tries.index(true_width)], torch.tensor([level / 255])]) for level in levels]
lies["told σ"] = [psnr(restore(net, picture, condition=one).image, sharp) for one in spoken]
quiet, loud = dict(zip(tries, lies["no noise"])), dict(zip(levels, lies["told σ"]))
best_width, best_level = max(quiet, key=quiet.get), max(loud, key=loud.get)

# %%
figure = Figure(figsize=(7.6, 2.5), layout="constrained")
left, right = figure.subplots(1, 2)
for (what, marker), colour in zip({"no noise": "o-", "σ = 10/255": "s--"}.items(), viz.COLOURS):
    left.plot(tries, lies[what], marker, color=colour, label=what)
left.axvline(true_width, color="0.6", linewidth=1)
left.set(xlabel=f"width told (pixels); the truth is {true_width}", ylabel="PSNR (dB)")
left.legend(fontsize=8)
right.plot(levels, lies["told σ"], "o-", color=viz.COLOURS[2])
right.axvline(255 * hiss, color="0.6", linewidth=1)
right.set(xlabel="σ told (/255); the truth is 10", ylabel="PSNR (dB)")
for axis in (left, right):
    axis.grid(alpha=0.25)
    low, high = axis.get_ylim()
    room = max(0.0, 0.5 - (high - low)) / 2  # thousandths of a dB shall not look like a curve
    axis.set_ylim(low - room, high + room)
figure.suptitle(f"192x192 of 'coffee'. {label}\n{COURSE_RGB}", fontsize=9)
what = f"PSNR over the width told, best at {best_width}, and over the σ told, best at {best_level}"
viz.show(figure, what)
cost = {"too little": quiet[1.2] - quiet[0.6], "too much": quiet[1.2] - quiet[1.8]}
why = "The edges ring: a blur that is not there is taken back."
reveal("lie", cost["too much"], why if cost["too much"] > 1 else f"It hardly listens: {whose}.")
why = f"0.6 too little costs {cost['too little']:.1f} dB, 0.6 too much {cost['too much']:.1f} dB."
dearer = cost["too much"] > max(cost["too little"], 1)
advice = " Guess a blur narrow, and a noise high." if dearer else ""
reveal("direction", max(cost, key=cost.get), why + advice)

# %% [markdown]
# ## Four regions
#
# The setting of the paper's first figure: one picture, widths 1.6 and 0.2 left and right, noise of σ = 0 and 10/255 above and below. The network is told by *maps*: another code, another σ in every
# quarter. Nothing in its training varied within a picture.

# %%
s, half = net.scale, 192 // 2
std = torch.full((1, 192, 192), 0.2)
std[..., :half] = 1.6
sigmas = torch.zeros(1, 192 // s, 192 // s)
sigmas[:, half // s :] = hiss
blurred = gather_gaussian(sharp, std[0], 7, "replicate")
low = downsample_bicubic(blurred[None], s)[0]
grain = np.random.default_rng(seed).standard_normal(low.shape, dtype=np.float32)
mixed = (low + sigmas * torch.from_numpy(grain)).clamp(0, 1)
two = code.encode(isotropic_kernels(torch.tensor([0.2, 1.6]), 15))
left_half = (std[:, ::s, ::s] > 1).float()
maps = torch.cat([two[1][:, None, None] * left_half + two[0][:, None, None] * (1 - left_half), sigmas])
truthful = restore(net, mixed, condition=maps, explain=True)
told_one = torch.cat([two.mean(0), torch.tensor([hiss / 2])])
flat = restore(net, mixed, condition=told_one).image
looks = {"degraded": mixed, "told one average": flat, "told the maps": truthful.image, "clean": sharp}
title = f"Left blurred, lower half noisy. {label}"
what = "Degraded in four quarters, restored with one average code, with maps, and the clean picture"
viz.show(viz.picture_row(looks, title, height=2.0), what, keep=run.figures / "four.jpg")

# %%
corners = dict.fromkeys(("blurred", "sharp", "blurred, noisy", "sharp, noisy"))
inner = dict(zip(corners, [(12, 12), (12, half + 12), (half + 12, 12), (half + 12, half + 12)]))
side = half - 24  # off the seams
ways = {"bicubic": resize_bicubic(mixed[None], scale=s)[0].clamp(0, 1)}
for name, kernel, sigma in (("1.6, 0", 1, 0.0), ("0.2, 10", 0, hiss), ("1.6, 10", 1, hiss)):
    alike = torch.cat([two[kernel], torch.tensor([sigma])])
    ways[f"told {name}"] = restore(net, mixed, condition=alike).image
ways |= {"told one average": flat, "told the maps": truthful.image}
scores, rows = {}, []
for way, picture in ways.items():
    pairs = [[viz.crop(one, *place, side) for one in (picture, sharp)] for place in inner.values()]
    scores[way] = [psnr(*pair) for pair in pairs]
    rows.append([way, *(f"{score:.2f}" for score in scores[way]), f"{np.mean(scores[way]):.2f}"])
error = (truthful.image - sharp)[:, : half - 12].square().mean((0, 1))  # of every column, no noise
seam, elsewhere = error[half - 6 : half + 6].mean().sqrt(), error.mean().sqrt()
print(f"RMS error at the seam {255 * seam:.1f}, in the whole upper half {255 * elsewhere:.1f} of 255")
caption = f"PSNR (dB), 12 pixels off the seams. {label}. Protocol: {COURSE_RGB}"
viz.show_table(["told", *inner, "mean"], rows, caption)

# %% [markdown]
# Look at the middle of the restored picture: along the seam between blurred and sharp, thin lines. The filters there were made from features that look some pixels to either side, at a code that jumps; in training no code ever did. (Does a
# blur that changes slowly, as a lens's does, show them too? Put `std = torch.linspace(1.6, 0.2, 192).expand(1, 192, 192)` above, a code for every width, and look.)
#
# ## The microscope
#
# Point at a pixel (or use the arrow keys): the kernel that made it, the neighbours it weighed, their products, and beside it the true blur of that place. Choose a block. Compare the four quarters; they meet in
# the middle. (Where no kernel runs you see a still picture.)

# %%
microscope = KernelMicroscope(mixed, truthful, clean=sharp, truth=std, crop=(48, 48, 96, 96))
microscope

# %% [markdown]
# The true kernel says where light went. The predicted one says from where to fetch it: no inverse of the other, and with noise there is none worth having. See whether you find this in the numbers: what sharpens
# has *negative* weights around its middle, more of them where it must take back a blur, fewer where it would amplify noise. (The refining blocks
# hardly filter at all: their kernels are nearly a single 1, and their residuals do what is left to do.)
#
# **And is it true?** A picture of a kernel proves nothing until the kernel makes the pixel. At 200 random places: kernel times neighbourhood plus residual, in half floats as the widget sends them, against what the network
# returned. And the same with the kernel transposed, to see that the test could fail.

# %%
rows, negative, sums, middle = [], {}, [], net.cfg.kernel_size**2 // 2
maps_of = zip(microscope.names, truthful.maps["kernels"], truthful.maps["residual"])
for name, kernels, residual in maps_of:
    sums.append(kernels.sum(0).mean())
    for quarter, place in inner.items():
        taps, rest = (viz.crop(one, *place, side) for one in (kernels, residual))
        below = negative[name, quarter] = -taps.clamp(max=0).sum(0).mean()
        figures = [f"{taps.sum(0).mean():.3f} ± {taps.sum(0).std():.3f}", f"{taps[middle].mean():.2f}"]
        figures += [f"{below:.2f}", f"{255 * rest.square().mean().sqrt():.1f}"]
        rows.append([name, quarter, *figures])
headers = ["block", "quarter", "sum", "middle tap", "negative weights", "residual (RMS, of 255)"]
viz.show_table(headers, rows, f"Predicted kernels, means over each quarter. {label}")
why = "Bicubic kernels sum to 1, it began with them, and no photograph asked for other light."
still = "Here they were held still."
held = still if earnest and frozen else "The sum strays by about a percent: nothing holds it."
reveal("sum", float(sums[0]), f"{why} {held}")

# %%
with torch.inference_mode():
    stages = net(mixed[None], condition=maps[None]).stages
dice, off, turned = np.random.default_rng(seed), 0.0, 0.0
for place in dice.integers((0, 48, 48), (len(stages), 144, 144), size=(200, 3)).tolist():
    terms = microscope.terms(*place)
    kernel, around, rest = (part.half().float() for part in terms[:2] + terms[3:4])
    output = stages[place[0]][0, :, place[1], place[2]]
    off = max(off, float(((kernel * around).sum((1, 2)) + rest - output).abs().max()))
    turned = max(turned, float(((kernel.T * around).sum((1, 2)) + rest - output).abs().max()))
print(f"largest difference {off:.1e}; with transposed kernels {turned:.1e}")

# %% [markdown]
# ## The ablation
#
# Five networks, trained apart: the chain, the loss, and filters that may not move. It was run by `course/ablations.py`, small and short enough for one processor core, with several seeds; in earnest it is
# `restorelab sweep 04 --preset lab --over blocks=U,UD,UDD --over seed=0,1,2` (and `--over loss=...`, `--over frozen=true,false`). The public write-up gives directions and no numbers: UD better than U, UDD best, the
# loss on every block helps, and all of them are better than a network without dynamic filters. Differences are paired: same seed, same samples, same picture.

# %%
record = course_record("udvd")
how = record["manifest"]["parameters"]
size_of = "width {width}, depth {depth}".format(**how["model"]) + f", {how['fit']['steps']} steps"
caption = f"The whole network is 'UDD', {size_of}. {record['manifest']['judged on']}"
verdicts = viz.show_cards(cards_of("udvd"), {"udvd": record}, f"{caption}. Protocol: {COURSE_RGB}")

# %% [markdown]
# Read it with care: the interval resamples 12 pairs made of three photographs, and a chain with more blocks has more weights *and* more computing. And look at the last row: after so few steps, the network whose filters may not move
# is no worse. Has the idea failed? A short training of a small network cannot say so; nor may its authors' tables be quoted for it. What would you run to find out?
#
# ## Bug hunts
#
# ### Exercise 4.7 · Bug hunt: the transposed taps · ★★★ · 12 min
#
# A public write-up of this network gathers its windows by `unfold` and a `permute` too many. Below, its mistake in our words: the picture is filtered by one kernel that points *down*, and it moves *sideways*. (The grey wall is for the next exercise.) Training does
# not mind (it learns the transposed kernels), but every picture of a kernel is wrong. Given the taps of such a network at one pixel, `k*k` numbers, return the kernel as a picture `k k`: rows down, columns to the right.

# %%
taps = torch.zeros(25)
taps[22] = 1.0  # counted along the rows: row 4, column 2, two pixels below
windows = F.unfold(F.pad(image, (2,) * 4, mode="replicate"), 5).reshape(1, 3, 5, 5, 192, 192)
theirs = torch.einsum("bctyx,t->bcyx", windows.transpose(2, 3).reshape(1, 3, 25, 192, 192), taps)
ours = torch.einsum("bctyx,t->bcyx", windows.reshape(1, 3, 25, 192, 192), taps)
moves = {"up": image[..., 2:, :-2], "left": image[..., :-2, 2:]}
for what, result in {"taps counted along the rows": ours, "the write-up's": theirs}.items():
    (way,) = [way for way, moved in moves.items() if torch.equal(result[..., :-2, :-2], moved)]
    print(f"{what}: the picture moves two pixels {way}")

wall, frames = torch.full((1, 3, 32, 32), 0.5), {}
for border in ("zeros", "replicate"):
    large = wall
    for times, length in ((2, 32), (1, 64), (1, 64)):
        boxes = torch.full((1, times, times, 5, 5, length, length), 1 / 25)
        large = dynamic_filter(large, boxes, border)
    frames[border] = large[0].clamp(0, 1)
depth_of_frame = int((frames["zeros"][0, 32, :32] < 0.4999).sum())
corner = float(frames["zeros"][0, 0, 0])
viz.show(viz.picture_row(frames, height=1.8), "A grey square with a dark frame, and one without")
print(f"dark to a depth of {depth_of_frame} pixels; the corner is {corner:.2f} instead of 0.50")

# %% tags=["exercise", "exercise-4.7"]
def picture_of(taps):
    k = round(len(taps) ** 0.5)
    ...


# solution
def picture_of(taps):
    k = round(len(taps) ** 0.5)
    return taps.reshape(k, k).T

# %%
check("4.7", picture_of)
# hint("4.7")
# solution("4.7")

# %% [markdown]
# ### Exercise 4.8 · Bug hunt: the dark frame · ★★ · 8 min
#
# The same write-up pads with zeros. The grey wall above went through three box filters, at scale 2, and got a frame. How deep is it in general? `radius` is that of the filters (2 for 5x5); the first one
# enlarges `scale` times, `refinements` more follow. Return output pixels.

# %% tags=["exercise", "exercise-4.8"]
def frame(scale, radius, refinements):
    ...


# solution
def frame(scale, radius, refinements):
    return scale * radius + refinements * radius

# %%
check("4.8", frame)
# hint("4.8")
# solution("4.8")

# %% [markdown]
# ### Exercise 4.9 · Bug hunt: at scale 2 only · ★★ · 6 min
#
# And it says `Conv2d(160, 25 * 4, ...)` and `PixelShuffle(2)` in places where `scale` belongs; at 3 it cannot run at all (128 features do not divide by 9). Return two numbers for any scale: the channels of the layer that
# writes the kernels, and the channels a 1x1 convolution must make *before* the shuffle so that `width` features are left after it.

# %% tags=["exercise", "exercise-4.9"]
def channels(scale, kernel_size, width):
    ...


# solution
def channels(scale, kernel_size, width):
    return scale**2 * kernel_size**2, scale**2 * width

# %%
check("4.9", channels)
# hint("4.9")
# solution("4.9")

# %% [markdown]
# ## In five minutes
#
# 1. A dynamic filter is a convolution with another kernel at every pixel; bicubic enlargement is a special case with `scale²` kernels. 2. `unfold` writes every pixel down `k²` times; shifting and adding does not. 3. UDVD is told the
# blur in 15 numbers and the noise in one, as maps: so they may vary over the picture. 4. It believes what it is told: too wide a blur or too little noise costs decibels, the other way little. 5. A predicted kernel is evidence only
# if it makes the pixel: multiply it out, and try it transposed. 6. It is no inverse of the blur, and the residual does part of the work.
#
# **Quiz.** *(a)* Why do the kernels of U repeat with period 2 across the picture, and those of D not? *(b)* Flip a training pair *after* blurring and keep the code: for which kernels is the label still right? *(c)* The 15 maps of a
# picture whose blur varies slowly: of what are they the weights? (Chapter 01.) *(d)* Somebody normalises every predicted kernel with a softmax. What can it no longer do? *(e)* `restore()` may cut this network into tiles, and not DMPHN. Why?
#
# **Reading.** Xu, Tseng, Tseng, Kuo, Tsai, *Unified Dynamic Convolutional Network for Super-Resolution with Variational Degradations*, CVPR 2020 (arXiv:2004.06965). There is no official code, and there are no weights. Zhang, Zuo, Zhang, *Learning a Single
# Convolutional Super-Resolution Network for Multiple Degradations* (SRMD), CVPR 2018: stretching. Jia, De Brabandere, Tuytelaars, Van Gool, *Dynamic Filter Networks*, NIPS 2016: the idea. Mildenhall et al., *Burst Denoising with Kernel Prediction Networks*, CVPR 2018. Gu, Lu, Zuo, Dong,
# *Blind Super-Resolution With Iterative Kernel Correction*, CVPR 2019: who tells the kernel.
#
# **What differs here** (`restorelab/models/udvd.py`): we begin from bicubic kernels, repeat the edge pixel instead of zeros, bring features to the output's size by a 1x1 convolution and a shuffle (the paper says “sub-pixel convolution” and no more), train on Charbonnier, and the course network has 1/20 of the
# parameters of our version of the published one. (“UDVD” on GitHub is nearly always another one: *Unsupervised Deep Video Denoising*.)

# %% tags=["checks"]
assert apart < 1e-5 and takes["unfold and einsum"] > 2 * takes["the package's"]
assert abs(at_start - psnr(as_input(watched[0]), watched[0].clean)) < 0.05
assert off < 1e-3 < turned / 10, (off, turned)
assert depth_of_frame == 8 and abs(corner - 0.5) > 0.2
assert verdicts["udvd-filters"] != "agrees"
if trains:
    logged = run.rows()
    assert [row["step"] for row in logged] == list(range(1, plan.fit.steps + 1))
if not earnest:
    first, best = microscope.names[0], np.mean(scores["told the maps"])
    assert results["no noise"].mean("gain") > 2.5 and results["noise drawn"].mean("gain") > 1.5
    assert best_width == true_width and cost["too much"] > cost["too little"] > 1
    assert loud[0] < loud[best_level] - 5 and best_level == 10
    assert all(np.mean(found) < best for way, found in scores.items() if way != "told the maps")
    assert abs(float(sums[0]) - 1) < 0.03
    assert max(negative[microscope.names[-1], quarter] for quarter in inner) < 0.1
    assert seam > 1.3 * elsewhere
    assert negative[first, "blurred"] > negative[first, "sharp"] > negative[first, "sharp, noisy"]
gain = round(results["no noise"].mean("gain"), 3)
run.finish(result={"weights": whose, "gain": gain, "protocol": str(protocol)})

# %% tags=["nbval-check-output"]
if earnest:
    print("chapter 04: the text speaks of the course checkpoint; your training was not asked to agree")
else:
    print("chapter 04: every claim above holds at this preset")
