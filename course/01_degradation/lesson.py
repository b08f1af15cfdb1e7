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
# # 01 · Where bad images come from
#
# ![A cup of coffee, sharp, and the same crop after five recipes: camera shake, blur that grows to the right, a dim sensor, rain, fewer pixels and a JPEG file](spoiled.jpg)
#
# *One photograph and five recipes of this chapter.*
#
# Nobody can photograph the same moment twice, once spoiled and once not. So nearly every restoration network is trained on pictures that
# someone spoiled *on purpose*, and it learns the inverse of whatever that someone wrote down. If the noise comes at the wrong place, the frames are
# averaged in the wrong units or a kernel is labelled with its mirror image, the network learns that too. This chapter is about writing it down right.
#
# **After this chapter you can** write a degradation as one value and read it off a picture · tell convolution from correlation, width
# from variance, light from display values · pack a kernel into 15 numbers · make motion blur from frames without ghosts · say what an
# adjoint is, and test one · name four mistakes of published data loaders.
#
# | preset | what it does | machine | time |
# |---|---|---|---|
# | `smoke` (stored here) | everything, on small pictures | two processor cores | under a minute |
# | `lab`, `paper` | more kernels, more frames, larger pictures | the same | a few minutes |
#
# Plan two hours. No network is trained here.

# %%
import dataclasses
import time

import numpy as np
import torch
from matplotlib.figure import Figure

from restorelab import presets, viz
from restorelab.data import photos
from restorelab.data.augment import Turn
from restorelab.data.moving_scenes import MovingSceneConfig, moving_scene
from restorelab.data.online import UDVD_X4, OnlineCrops, synthesise
from restorelab.data.pairs import training_photos
from restorelab.degrade import (
    CameraNoise, CameraShake, Downsample, GaussianBlur, GaussianNoise, Jpeg, KernelCode, Rain, Recipe,
    average_frames, convolve, degrade, draw_srmd_kernels, effective_std, gaussian_kernel, interpolate_clip,
    isotropic_kernels, linear_operator, photon_transfer,
)
from restorelab.degrade.frames import ghosting_against
from restorelab.degrade.varying import gather, gather_basis, gather_gaussian, gaussian_kernels
from restorelab.lesson import check, hint, predict, reveal, solution
from restorelab.lesson.checks.ch01_degradation import SECRET
from restorelab.train.run import Run, new_run_folder
from restorelab.widgets import PCAExplorer, Playground, Strobe

# %% [markdown]
# The next cell holds what an experiment may change. From a shell: `restorelab run 01 --preset lab -p photo=tulips`.

# %% tags=["parameters"]
preset: str = "smoke"  # smoke, lab or paper
seed: int = 0  # decides every random number of this chapter
photo: str = "coffee"  # the bundled photograph that is spoiled; restorelab.data.photos.names() lists them
run_dir: str = ""  # where the run is written; empty makes a new folder under runs/

# %%
plan = presets.choose(presets.DEGRADATION, preset)
run = Run(run_dir or new_run_folder("01_degradation"), seed, dataclasses.asdict(plan) | {"photo": photo})
print(plan)

# %% [markdown]
# ## Before you begin
#
# Questions from earlier chapters. Answer aloud, then open.
#
# <details><summary>(00) A photograph was shaken, is noisy, and went through a JPEG file. Which of the three comes last in its recipe, and why?</summary>
# The file. A recipe lists its steps in the order in which light meets them: the camera's movement, the sensor's noise, the file.</details>
#
# <details><summary>(00) You spoil the cat again, with the same recipe. Is it the same picture, value for value?</summary>
# Only if the seed is the same: it decides every number that is drawn.</details>
#
# <details><summary>(00) Exercise 0.2 forbids <code>torch.manual_seed(seed)</code>, though it repeats its noise as well. What does it spoil?</summary>
# The random numbers of everybody else, who draw from the same place. Noise of your own needs a generator of your own.</details>
#
# <details><summary>(00) A picture is a tensor of shape 3, 300, 451. You take the mean over its first axis. Is that its mean colour?</summary>
# No, a grey picture: the first axis are the colours. The mean colour is taken over height and width, and has three numbers.</details>
#
# <details><summary>(00) Of two spoiled pictures one has the lower PSNR. What does that say of it, and what does it not say?</summary>
# It differs more from the clean picture. Not that it is the uglier one.</details>
#
# ## Predict first
#
# Guess before you run. Write a number in place of `None`; being wrong is what makes the answer stick.

# %%
question = "Noise of σ = 20/255 is added; then the picture is shrunk 2 times, bicubically. Its σ now, in 1/255?"
predict("halved", question, guess=None)
question = "A 15x15 kernel has 225 numbers. How many does SRMD's family need to keep 99.8 % of the energy?"
predict("numbers", question, guess=None)
question = "A lamp on black shines for a tenth of the exposure, fully bright. Its value in the file, 0 to 1?"
predict("lamp", question, guess=None)

# %% [markdown]
# ## A degradation is a value
#
# Most of the field writes $y = (x \otimes k)\!\downarrow_s + \,n$: the scene $x$, blurred by a kernel $k$, keeps every $s$-th pixel, and gets noise $n$.
# Here that is a `Recipe`: steps, in the order in which light meets them, as JSON. `truth` keeps what was drawn, so we can look at the answer.

# %%
clean = photos.load(photo)
lens = GaussianBlur(std=2.4, ratio=0.4, angle=30.0)
recipe = Recipe((lens, Downsample(2), GaussianNoise(sigma=6 / 255), Jpeg(quality=60)))
spoiled = degrade(clean, recipe, np.random.default_rng(seed))
print(recipe.to_json())
window = dict(top=90, left=210, side=160)
half = dict(top=45, left=105, side=80)
pictures = {"clean": viz.crop(clean, **window), "degraded, half the size": viz.crop(spoiled.image, **half)}
what = "A crop of the photograph, and the same place blurred, shrunk, noisy and compressed"
viz.show(viz.picture_row(pictures, height=2.6), what)
kernel = viz.kernel_picture({"kernel": spoiled.truth["kernel"]})
viz.show(kernel, "The kernel: an ellipse that rises to the right", lossless=True)

# %% [markdown]
# ## The playground
#
# Move things. Change the *order* of two steps and look at the picture. Everything is reachable with the keyboard. The recipe below the pictures is
# the one you could train with, and `playground.recipe` is it in Python. (Where no kernel runs you see a still picture.)

# %%
first = Recipe((CameraShake(length=14.0), GaussianNoise(sigma=6 / 255)))
playground = Playground(viz.crop(clean, 60, 150, 300), first)
playground

# %% [markdown]
# ## Kernels
#
# ### Exercise 1.1 · A Gaussian kernel · ★ · 6 min
#
# Return a `size` x `size` tensor: the Gaussian of standard deviation `std` pixels, centred, summing to 1. The size may be odd or *even*: the
# centre of an even kernel lies between two pixels.

# %% tags=["exercise", "exercise-1.1"]
def gaussian(size, std):
    ...


# solution
def gaussian(size, std):
    offset = torch.arange(size) - (size - 1) / 2
    line = torch.exp(-0.5 * (offset / std) ** 2)
    kernel = line[:, None] * line[None, :]
    return kernel / kernel.sum()

# %%
check("1.1", gaussian)
# hint("1.1")       take the # away and run; again for the second hint
# solution("1.1")

# %% [markdown]
# ### Exercise 1.2 · Turn it into an ellipse · ★★ · 10 min
#
# A kernel of odd `size` whose width is `long` pixels along a direction and `short` across it. `angle` is that of the long axis in degrees: 0 points
# right, 90 points *up*, while row numbers grow downwards.

# %% tags=["exercise", "exercise-1.2"]
def ellipse(size, long, short, angle):
    offset = torch.arange(size) - size // 2
    up, right = -offset[:, None], offset[None, :]
    ...


# solution
def ellipse(size, long, short, angle):
    offset = torch.arange(size) - size // 2
    up, right = -offset[:, None], offset[None, :]
    turn = torch.deg2rad(torch.tensor(float(angle)))
    along = right * turn.cos() + up * turn.sin()
    across = up * turn.cos() - right * turn.sin()
    kernel = torch.exp(-0.5 * ((along / long) ** 2 + (across / short) ** 2))
    return kernel / kernel.sum()

# %%
check("1.2", ellipse)
# hint("1.2")
# solution("1.2")

# %% [markdown]
# **Width or variance?** SRMD's code draws `l1, l2` from 0.1 to 10. They are *variances*, eigenvalues of the covariance: the widest kernel
# has a standard deviation of $\sqrt{10} = 3.2$ pixels, not of 10. And a window cuts: UDVD's widths go to 4 at ×4, in a window of 15×15.

# %%
asked = (0.2, 0.6, 1.6, 2.6, 4.0)
kernels = isotropic_kernels(torch.tensor(asked), 15)
got = effective_std(kernels)[:, 0]
roomy = isotropic_kernels(torch.tensor(asked), 41)
inside = roomy[:, 13:28, 13:28].sum((1, 2))
rows = [[f"{a:.1f}", f"{g:.2f}", f"{share:.1%}"] for a, g, share in zip(asked, got, inside, strict=True)]
headers = ["width asked (pixels)", "width it has in 15x15", "inside the window"]
viz.show_table(headers, rows, "Round Gaussians, sampled at whole pixels")

# %% [markdown]
# ## Convolution
#
# ### Exercise 1.3 · Convolution is not correlation · ★★ · 6 min
#
# A kernel is the picture of one point of light. Each pixel of `image` (`h w`) lays down such a picture: that is *convolution*. Return it at the same
# size, zeros beyond the border. `torch.nn.functional.conv2d` wants four axes, and computes something else than its name says.

# %% tags=["exercise", "exercise-1.3"]
def true_convolution(image, kernel):
    ...


# solution
def true_convolution(image, kernel):
    turned = kernel.flip(0, 1)[None, None]
    return torch.nn.functional.conv2d(image[None, None], turned, padding=kernel.shape[-1] // 2)[0, 0]

# %%
check("1.3", true_convolution)
# hint("1.3")
# solution("1.3")

# %% [markdown]
# ### Exercise 1.4 · The adjoint · ★★★ · 12 min
#
# A camera `A` that correlates a picture (even height and width) with `kernel`, zeros beyond the border, and keeps every second row and column, the
# first included. Return `Aᵀ small`: the picture for which $\langle Ax, z\rangle = \langle x, A^\top z\rangle$ for all $x$ and $z$. Every method that fits a
# picture to what was measured, and every backward pass, applies it.

# %% tags=["exercise", "exercise-1.4"]
def adjoint(small, kernel):
    ...


# solution
def adjoint(small, kernel):
    height, width = small.shape
    large = torch.zeros(2 * height, 2 * width, dtype=small.dtype)
    large[::2, ::2] = small
    turned = kernel.flip(0, 1)[None, None]
    return torch.nn.functional.conv2d(large[None, None], turned, padding=kernel.shape[-1] // 2)[0, 0]

# %%
check("1.4", adjoint)
# hint("1.4")
# solution("1.4")

# %% [markdown]
# The package's steps know their adjoints, so a whole recipe that is linear has one: $(AB)^\top = B^\top A^\top$. One line tests it, and would catch every
# mistake of the exercise. Two random pictures are enough: an operator that is wrong is wrong almost everywhere.

# %%
x, rng = clean[:, :64, :96], np.random.default_rng(seed)
blurred, facts = GaussianBlur(2.0, 0.5, 20.0).apply(x, rng)
blur = linear_operator(GaussianBlur(), facts, tuple(x.shape))
shrink = linear_operator(Downsample(2), {}, tuple(x.shape))
camera = shrink @ blur
a, b = torch.rand(3, 64, 96), torch.rand(3, 32, 48)
left, right = (camera.forward(a) * b).double().sum(), (a * camera.adjoint(b)).double().sum()
print(f"<Aa, b> = {left:.4f}, <a, A'b> = {right:.4f}")

# %% [markdown]
# ## The order of things
#
# A data loader in our own words, with a mistake that several public ones share: the noise is added to the *large* picture. All shapes are right, the loss
# falls, and the network learns to remove noise that no picture will have.

# %%
flat = torch.full((3, 256, 256), 0.5)
noisy, small = GaussianNoise(sigma=20 / 255), Downsample(2)
orders = {"shrink, then noise": (small, noisy), "noise, then shrink": (noisy, small)}
measured = {}
for what, order in orders.items():
    grey = degrade(flat, Recipe(order, bits=None), np.random.default_rng(seed)).image
    measured[what] = 255 * grey.std().item()
rows = [[what, "20", f"{got:.1f}"] for what, got in measured.items()]
viz.show_table(["order", "σ asked (/255)", "σ measured (/255)"], rows, "A grey picture")
why = "Every small pixel is a weighted mean of noisy ones. The plain mean of four would give half: 10."
reveal("halved", measured["noise, then shrink"], why)

# %% [markdown]
# ### Exercise 1.7 · Bug hunt: the order of things · ★★ · 8 min
#
# Four functions, each from picture to picture. Apply them in the order in which a camera does.

# %% tags=["exercise", "exercise-1.7"]
def photograph(scene, blur, shrink, add_noise, to_8_bits):
    ...


# solution
def photograph(scene, blur, shrink, add_noise, to_8_bits):
    return to_8_bits(add_noise(shrink(blur(scene))))

# %%
check("1.7", photograph)
# hint("1.7")
# solution("1.7")

# %% [markdown]
# ## Blur that differs from place to place
#
# A lens is sharper in the middle, a background out of focus, a person moves. Then every pixel has a kernel of its own: 225 numbers for each. Three ways to
# the same picture: hold them all; compute them as you go; or mix a few *eigen-kernels*, as the network's own degradation map does.

# %%
square = viz.crop(clean, 60, 150, 256)
std = torch.linspace(0.3, 2.5, 256).expand(256, 256).contiguous()
every = gaussian_kernels(std, 7)  # k k h w
levels = isotropic_kernels(torch.linspace(0.3, 2.5, 200), 15)
code = KernelCode.fit(levels.double(), plan.basis, subtract_mean=False)
weights = code.encode(every.permute(2, 3, 0, 1)).permute(2, 0, 1).float()
ways = {
    "all kernels held": lambda: gather(square, every),
    "computed as we go": lambda: gather_gaussian(square, std, 7),
    f"{plan.basis} eigen-kernels": lambda: gather_basis(square, code.basis.float(), weights),
}
rows, results = [], {}
for what, way in ways.items():
    start = time.perf_counter()
    results[what] = way()
    taken = time.perf_counter() - start
    worst = 255 * (results[what] - results["all kernels held"]).abs().max()
    rows.append([what, f"{1000 * taken:.0f}", f"{worst:.3f}"])
headers = ["way", "time (ms, this machine)", "largest difference (of 255)"]
viz.show_table(headers, rows, "256x256 pixels, width 0.3 to 2.5 from left to right")
pictures = {"clean": square, "blurred": results["computed as we go"]}
viz.show(viz.picture_row(pictures, height=2.6), "Sharp on the left, blurred to the right")

# %% [markdown]
# ## A kernel in fifteen numbers
#
# A network that is *told* the blur (SRMD, UDVD: chapter 04) cannot take 225 channels. But kernels of one family are much alike. How alike? Move the slider.

# %%
family = draw_srmd_kernels(plan.kernels, np.random.default_rng(seed), dtype=torch.float64)
code = KernelCode.fit(family, 40, subtract_mean=False)
shapes = {"long": (3.0, 0.3, 30.0), "narrow": (1.0, 1.0, 0.0), "wide": (2.5, 0.9, 0.0)}
shapes["a thin line"] = (3.1, 0.1, 120.0)
examples = torch.stack([gaussian_kernel(*shape, size=15) for shape in shapes.values()])
PCAExplorer(code.basis.numpy(), examples.numpy(), energy=code.energy.numpy(), names=list(shapes))

# %%
needed = int((code.energy < 0.998).sum()) + 1
reveal("numbers", needed, f"Measured on {plan.kernels} kernels of SRMD's law. The paper's number is 15.")

# %% [markdown]
# ### Exercise 1.6 · A basis for kernels · ★★★ · 12 min
#
# `kernels` is `n k k`. Return the `dims` directions (rows of `k*k` numbers, orthonormal) that hold the most of their energy, *without* taking the mean
# away, as SRMD did. A kernel's code is then the `dims` dot products with these rows.

# %% tags=["exercise", "exercise-1.6"]
def kernel_basis(kernels, dims):
    ...


# solution
def kernel_basis(kernels, dims):
    flat = kernels.reshape(len(kernels), -1)
    _, _, directions = torch.linalg.svd(flat, full_matrices=False)
    return directions[:dims]

# %%
check("1.6", kernel_basis)
# hint("1.6")
# solution("1.6")

# %% [markdown]
# **A flip turns the kernel.** Photographs are flipped and turned to have more of them. Whoever does that *after* blurring must turn the kernel as well. A
# widely used loader keeps the code. For six of the eight flips and turns the label then belongs to another kernel.

# %%
kernel = examples[0]
turns = [Turn(quarters, flip) for flip in (False, True) for quarters in range(4)]
off = [float((turn.kernel(kernel) - kernel).norm() / kernel.norm()) for turn in turns]
names = [f"{90 * turn.quarters}°{', flipped' if turn.flip else ''}" for turn in turns]
labels = [f"{name}\nlabel off by {wrong:.0%}" for name, wrong in zip(names, off, strict=True)]
shown = {label: turn.kernel(kernel) for label, turn in zip(labels, turns, strict=True)}
what = "The same kernel in the eight orientations of a square; kept label is right for two of them"
viz.show(viz.kernel_picture(shown), what, lossless=True)
turned = Turn(1, True)
gap = turned.image(convolve(square, kernel)) - convolve(turned.image(square), turned.kernel(kernel))
print(f"Blur, then turn; or turn both, then blur: they differ by {gap.abs().max():.0e}.")

# %% [markdown]
# ## Motion: the picture is an average of light
#
# While the shutter is open, things move, and the sensor adds up what arrives. Data sets such as GoPro make blur from the frames of a fast camera. Too few
# frames, and a moving edge leaves a row of *ghosts*. Here a synthetic scene, of which every moment is known.

# %%
config = MovingSceneConfig(occluders=3, shift=(18.0, 30.0))
pictured = [photos.load(name) for name in photos.names("train") if photos.load(name).shape[0] == 3]
scene = moving_scene(plan.side, plan.side, np.random.default_rng(seed + 4), config, pictured)
smooth = scene.blurred(plan.frames)
counts = (1, 2, 3, 5, 9, plan.frames)
exposures = {count: scene.blurred(count) for count in counts[:-1]} | {plan.frames: smooth}
apart = {count: 255 * ghosting_against(picture, smooth) for count, picture in exposures.items()}
notes = {count: f"{wrong:.1f} of 255 off" for count, wrong in apart.items()}
Strobe(exposures, notes)

# %% [markdown]
# (Off: the root mean square difference to the average of all frames.) DeblurGAN-v2 filled the gap by *inventing* frames: from 240 to 3840 a second with a learned interpolation. Optical flow does a part of that without any
# weights. Does the ghosting fall?

# %%
few = list(scene.frames([i / 6 for i in range(7)]))
full = average_frames(scene.frames([i / 96 for i in range(97)]))
trials = {"7 frames": few, "7, and 15 between every two": list(interpolate_clip(few, 16))}
made = {what: average_frames(frames) for what, frames in trials.items()}
errors = {what: 255 * ghosting_against(picture, full) for what, picture in made.items()}
rows = [[what, str(len(trials[what])), f"{error:.2f}"] for what, error in errors.items()]
headers = ["averaged", "frames", "error (RMS, of 255)"]
viz.show_table(headers, rows, "Against 97 true sub-frames of the synthetic scene; flow: OpenCV's DIS")
close = {what: viz.crop(picture, 40, 40, plan.side - 80) for what, picture in made.items()}
close["97 true frames"] = viz.crop(full, 40, 40, plan.side - 80)
what = "Ghosts with 7 frames, hardly any with interpolated ones, none with the true ones"
viz.show(viz.picture_row(close, height=2.6), what)

# %% [markdown]
# ### Exercise 1.5 · Average light, not numbers · ★ · 5 min
#
# `frames` is `n c h w` in display values, as files hold them. Return the exposure a sensor would have made of them. `to_light` and `to_display` are the
# two directions of the sRGB curve.

# %% tags=["exercise", "exercise-1.5"]
def expose(frames, to_light, to_display):
    ...


# solution
def expose(frames, to_light, to_display):
    return to_display(to_light(frames).mean(dim=0))

# %%
check("1.5", expose)
# hint("1.5")
# solution("1.5")

# %%
lamp = torch.zeros(10, 3, 1, 1)
lamp[0] = 1.0
in_light, in_values = (average_frames(lamp, response).mean().item() for response in ("srgb", "linear"))
why = f"A tenth of the light is stored as {in_light:.2f}; the mean of stored values, {in_values:.2f}, is too dark."
reveal("lamp", in_light, why)

# %% [markdown]
# ## Noise that knows the light
#
# Light comes in pieces. A pixel that expects $N$ electrons counts $N \pm \sqrt N$, and reading adds a few more. So $\sigma$ grows with the light: the
# variance is a straight line over the mean, and the line tells which camera it was. That is the *photon transfer curve*.

# %%
steps = torch.linspace(0.02, 0.9, 24)[:, None, None].expand(24, 64, 64).contiguous()
camera_noise = CameraNoise(full_well=1500.0, read=6.0, linear_light=False)
first, second = (camera_noise.apply(steps, np.random.default_rng([seed, shot]))[0] for shot in (0, 1))
found = photon_transfer(first, second)
figure = Figure(figsize=(4.8, 2.8), layout="constrained")
axis = figure.subplots()
light, law = steps[:, 0, 0], steps[:, 0, 0] / 1500 + (6 / 1500) ** 2
axis.plot(light, (first - second).var((1, 2)) / 2 * 1e4, "o", color=viz.COLOURS[0], label="measured")
axis.plot(light, law * 1e4, color="0.4", label="light / full well + (read / full well)²")
axis.set(xlabel="light (1 is white)", ylabel="variance (10⁻⁴)")
axis.legend()
viz.show(figure, "Variance of the noise over the light: dots on a straight line", lossless=True)
print(f"asked: full well 1500 electrons, read noise 6; found: {found.full_well:.0f} and {found.read:.1f}")

# %% [markdown]
# ## Rain
#
# ### Exercise 1.8 · A streak of rain · ★ · 5 min
#
# `light` is the scene in linear light, `c h w`; `alpha` says for every pixel which share of the exposure a drop stood before it, `1 h w`; a drop shines
# with `brightness`. Return the light that arrives.

# %% tags=["exercise", "exercise-1.8"]
def add_rain(light, alpha, brightness):
    ...


# solution
def add_rain(light, alpha, brightness):
    return (1 - alpha) * light + alpha * brightness

# %%
check("1.8", add_rain)
# hint("1.8")
# solution("1.8")

# %%
weathers = {"drizzle": Rain(density=1.5, opacity=0.35), "rain": Rain()}
weathers["a storm"] = Rain(density=5.0, angle=25.0, length=90.0)
recipes = {what: Recipe((weather,)) for what, weather in weathers.items()}
rained = {what: degrade(clean, one, np.random.default_rng(seed)).image for what, one in recipes.items()}
viz.show(viz.picture_row(rained, height=2.1), "The photograph in drizzle, rain and a storm")

# %% [markdown]
# ## Offline or online?
#
# A public write-up of UDVD tells its readers that drawing kernels and degrading *while* training is very, very slow, and to do it beforehand, into a
# database. It is: when a whole photograph is blurred to keep a 48×48 patch, with a kernel computed pixel by pixel. Cut first, with exactly the margin that the
# patch depends on, and batch:

# %%
crops = OnlineCrops(training_photos()[:2], UDVD_X4, crop=192, seed=seed)
kernel_code = KernelCode.fit_srmd(count=plan.kernels)
start, repeats = time.perf_counter(), plan.repeats
for number in range(repeats):
    batch = torch.utils.data.default_collate([crops[16 * number + i] for i in range(16)])
    made = synthesise(batch, UDVD_X4, kernel_code)
fast = 16 * repeats / (time.perf_counter() - start)
whole = Recipe((GaussianBlur(std=2.0), Downsample(4), GaussianNoise(0.02)))
start = time.perf_counter()
degrade(photos.load("astronaut"), whole, np.random.default_rng(seed))
slow = 1 / (time.perf_counter() - start)
ways = {"the whole photograph (512x512), for one crop of it": slow, "crop first, in batches of 16": fast}
rows = [[way, f"{pace:.0f}"] for way, pace in ways.items()]
caption = "UDVD's law at ×4: blur, shrink, noise, kernel code; patches of 192 clean pixels"
viz.show_table(["way", "samples a second, here"], rows, caption)
print("a batch:", *made.lr.shape, "told:", *made.condition.shape, "wanted:", *made.hr.shape)

# %% [markdown]
# ## Which blur was it?
#
# The other direction: a picture came in, and somebody must say what happened to it. One `GaussianBlur`, nothing else. Small bright spots are pictures of the
# kernel. Copy your guess into the playground, or into the cell, and compare.

# %%
scene_of_lights = viz.crop(photos.load("rocket"), 40, 280, 200)
mystery = convolve(scene_of_lights, gaussian_kernel(*SECRET))
pictures = {"before": scene_of_lights, "the mystery": mystery}
viz.show(viz.picture_row(pictures, height=3.4), "A picture before and after a blur along one direction")

# %% [markdown]
# ### Exercise 1.9 · Which blur was it? · ★★★ · 12 min
#
# The mystery picture above was blurred by one `GaussianBlur`. Find its `std` (pixels, of the long axis), `ratio` (short over long) and `angle` (degrees), with
# the playground and your eyes, and return the three. 5 % of the kernel may differ.

# %% tags=["exercise", "exercise-1.9"]
def my_blur():
    ...  # std, ratio, angle


# solution
def my_blur():
    return 3.0, 0.35, 60.0

# %%
check("1.9", my_blur)
# hint("1.9")
# solution("1.9")

# %% [markdown]
# ## Recap
#
# 1. A degradation is a value: steps, in order, with numbers. 2. A kernel is the picture of one point of light; libraries correlate, light convolves.
# 3. Widths are not variances, display values are not light, and both mistakes are silent. 4. A family of kernels needs few numbers; which numbers is a
# convention that must travel with the network. 5. What is flipped must be flipped whole. 6. Online is not slow: waste is.
#
# **Quiz.** *(a)* A kernel is stretched over the picture as 15 constant maps. What do the maps look like if the blur grows from left to right? *(b)* GoPro ships
# `blur` and `blur_gamma`. In which of the two is a street lamp's streak darker, and why? *(c)* A loader blurs a 96×96 crop with a 15×15 kernel and *wraps* at
# the border. Which share of its pixels saw something that was never there? *(d)* Why is the noise of a JPEG file not white?
#
# **Reading.** Zhang, Zuo, Zhang, *Learning a Single Convolutional Super-Resolution Network for Multiple Degradations* (SRMD), CVPR 2018.
# Nah, Kim, Lee, *Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring* (GoPro), CVPR 2017. Kupyn, Martyniuk, Wu, Wang, *DeblurGAN-v2*,
# ICCV 2019. Foi, Trimeche, Katkovnik, Egiazarian, *Practical Poissonian-Gaussian noise modeling and fitting*, IEEE TIP 2008.

# %% tags=["checks"]
assert Recipe.from_json(recipe.to_json()) == recipe and playground.recipe.steps
assert abs(left - right) < 1e-3 * abs(left)
assert abs(measured["shrink, then noise"] - 20) < 0.5 and measured["noise, then shrink"] < 14
assert all(255 * (picture - results["all kernels held"]).abs().max() < 1.0 for picture in results.values())
assert 12 <= needed <= 16
assert [wrong < 1e-5 for wrong in off].count(True) == 2 and gap.abs().max() < 1e-5
assert apart[2] > apart[5] > apart[9] > 0 == apart[plan.frames]
assert errors["7, and 15 between every two"] < errors["7 frames"]
assert abs(in_light - 0.349) < 0.002 and abs(in_values - 0.1) < 1e-6
assert abs(found.full_well - 1500) < 150 and abs(found.read - 6) < 2.5
assert made.condition.shape == (16, 16) and fast > slow
energy = round(float(code.energy[14]), 5)
run.finish(result={"energy of 15 numbers": energy, "online samples a second": round(fast)})

# %% tags=["nbval-check-output"]
print("chapter 01: every claim above holds at this preset")
