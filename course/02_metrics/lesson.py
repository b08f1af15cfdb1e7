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
# # 02 · Measuring restoration, and how measures lie
#
# ![The same cat six times: brighter, with less contrast, moved, blurred, noisy and through a JPEG file](equal.jpg)
#
# *Six pictures, one PSNR: each differs from the clean one by the same mean squared error, that of 25 dB.*
#
# “Our method reaches 32.66 dB” sounds like a measurement. It is one only together with a page of conventions that papers seldom print: which colours, rounded how, which
# border, which of five things called SSIM. The same two pictures get scores 3 dB apart without one pixel being touched. And even when everyone agrees, the number may prefer
# the picture that people like less.
#
# **After this chapter you can** write PSNR and SSIM so that they agree with the field's to the last digit · say under which protocol a number was made, and
# refuse to compare it with another · make PSNR lie on purpose · place methods in the perception-distortion plane · find five mistakes in an evaluation script.
#
# | preset | what it does | machine | time |
# |---|---|---|---|
# | `smoke` (stored here) | everything, on crops | two processor cores | under a minute |
# | `lab`, `paper` | larger crops | the same | a few minutes |
#
# Plan two hours. No network is trained here.

# %%
import dataclasses
import warnings

import numpy as np
import torch
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from restorelab import presets, viz
from restorelab.data import photos
from restorelab.data.equal_mse import equal_mse
from restorelab.data.pairs import photo_pairs
from restorelab.degrade import Downsample, GaussianNoise, Jpeg, Recipe, convolve, degrade, gaussian_kernel
from restorelab.errors import ParameterError
from restorelab.evaluate import as_input, difference, evaluate
from restorelab.lesson import check, hint, predict, reveal, solution
from restorelab.lesson.checks.ch02_metrics import script
from restorelab.metrics import COURSE_RGB, PROTOCOLS, psnr, rmse, same_protocol, ssim, ssim_map
from restorelab.metrics.conventions import switchboard
from restorelab.metrics.course_trunk import perceptual_distance
from restorelab.metrics.niqe import niqe
from restorelab.metrics.reduction import dssim_reduction, rmse_reduction
from restorelab.train.run import Run, new_run_folder
from restorelab.widgets import EqualError, Switchboard

# %% [markdown]
# The next cell holds what an experiment may change. From a shell: `restorelab run 02 --preset lab -p photo=tulips`.

# %% tags=["parameters"]
preset: str = "smoke"  # smoke, lab or paper
seed: int = 0  # decides every random number of this chapter
photo: str = "chelsea"  # the bundled photograph that is judged; restorelab.data.photos.names() lists them
run_dir: str = ""  # where the run is written; empty makes a new folder under runs/

# %%
plan = presets.choose(presets.METRICS, preset)
run = Run(run_dir or new_run_folder("02_metrics"), seed, {"crop": plan.crop, "photo": photo})
clean = viz.crop(photos.load(photo), 20, 90, plan.crop)
print(plan)

# %% [markdown]
# ## Before you begin
#
# Questions from earlier chapters. Answer aloud, then open.
#
# <details><summary>(01) A kernel in the shape of an L, and a picture with one white pixel. What does <code>conv2d</code> make of it, and what should a lens?</summary>
# The L, turned by half a circle: libraries correlate. Light convolves, and shows the L itself.</details>
#
# <details><summary>(01) A kernel of 15x15 has 225 numbers. Why do 15 suffice to tell SRMD's network which one it was?</summary>
# Its kernels are one family and much alike: 15 directions hold 99.8 % of their energy. A kernel of another family may not fit.</details>
#
# <details><summary>(01) The variance of a sensor's noise, drawn over the light: which curve is it, and why does it rise?</summary>
# A straight line. A pixel that expects N electrons counts N ± √N, so the variance grows with the light; reading adds a constant.</details>
#
# <details><summary>(01) Somebody hands you an operator and its adjoint. How do you test the two in one line?</summary>
# With random x and z: ⟨Ax, z⟩ and ⟨x, Aᵀz⟩ must be the same number.</details>
#
# <details><summary>(00) What do you need for the PSNR of a spoiled picture that a stranger's photograph does not bring along?</summary>
# The clean picture. PSNR says how far the values are from it.</details>
#
# ## Predict first
#
# Guess before you run. Write a number in place of `None`; being wrong is what makes the answer stick.

# %%
question = "By how many dB does a picture's PSNR rise if Y is scored instead of RGB, and nothing else changes?"
predict("luma", question, guess=None, unit="dB")
question = "One pixel to the right, nothing else. What PSNR has the photograph then?"
predict("moved", question, guess=None, unit="dB")

# %% [markdown]
# ## PSNR
#
# The mean squared error on a logarithmic scale: $\mathrm{PSNR} = 10 \log_{10}(\mathrm{peak}^2 / \mathrm{MSE})$. Twice the RMSE costs 6 dB.
#
# ### Exercise 2.1 · PSNR from scratch · ★ · 5 min
#
# `restored` and `clean` are `c h w` in [0, 1]. Return the PSNR in dB, of all channels together.

# %% tags=["exercise", "exercise-2.1"]
def my_psnr(restored, clean):
    ...


# solution
def my_psnr(restored, clean):
    return -10 * torch.log10((restored - clean).square().mean())

# %%
check("2.1", my_psnr)
# hint("2.1")       take the # away and run; again for the second hint
# solution("2.1")

# %% [markdown]
# ### Exercise 2.4 · A brightness of 25 dB · ★★ · 5 min
#
# By how much, in units of [0, 1], must every pixel be brightened so that the PSNR is `decibels`? (Nothing reaches the limit of 1.)

# %% tags=["exercise", "exercise-2.4"]
def shift_for(decibels):
    ...


# solution
def shift_for(decibels):
    return 10 ** (-decibels / 20)

# %%
check("2.4", shift_for)
# hint("2.4")
# solution("2.4")

# %% [markdown]
# ## Make it lie
#
# Since PSNR knows only the size of the error, every kind of error can be made to have the same one. Below, each fault was made just strong enough for 25 dB. Choose a fault, look at
# the picture, then at the maps: where does SSIM find it bad? The third number is a distance of *features*, of a network that has learned to see (LPIPS). Its network cannot be
# bundled; where its file is missing, a small network trained without labels by this kit takes its place, and says so: *course trunk, not LPIPS*.

# %%
lpips = perceptual_distance()
print(lpips.label)
# without rounding, as 8 bits would move the 25 dB a little
exact = dataclasses.replace(COURSE_RGB, name="not rounded", rounding="none")
faults = ("brightness", "contrast", "blur", "noise", "jpeg", "move")
mse = 10 ** (-25 / 10)
spoiled = {kind: equal_mse(clean, mse, kind, seed).image for kind in faults}
with torch.inference_mode():
    distance = {kind: float(lpips(image[None], clean[None])) for kind, image in spoiled.items()}
scores = {}
for kind, image in spoiled.items():
    scores[kind] = psnr(image, clean, exact), ssim(image, clean, exact), distance[kind]
EqualError(clean, spoiled, scores, lpips_label=lpips.label)

# %%
rows = [[kind, f"{p:.2f}", f"{s:.3f}", f"{d:.4f}"] for kind, (p, s, d) in scores.items()]
caption = f"'{photo}', {plan.crop}x{plan.crop}. Protocol: {exact}"
viz.show_table(["fault", "PSNR (dB)", "SSIM", lpips.label], rows, caption)
moved = torch.cat([clean[:, :, :1], clean[:, :, :-1]], dim=2)
why = "No one would see it. An unnoticed shift of a network's output costs this much."
reveal("moved", psnr(moved, clean), why)

# %% [markdown]
# ## SSIM
#
# Compare *statistics* of small windows instead of pixels: brightness, contrast, and how the two go together. Wang et al. 2004 use a Gaussian window of 11×11,
# standard deviation 1.5, and count only windows that lie inside the picture. Most programs called SSIM do something else.
#
# ### Exercise 2.3 · SSIM from scratch · ★★★ · 15 min
#
# `x` and `y` are grey pictures, `h w`, in 0..255; `window` is the 11×11 Gaussian, which sums to 1. Return the mean SSIM over all windows inside the picture.
# $C_1 = (0.01 \cdot 255)^2$, $C_2 = (0.03 \cdot 255)^2$.

# %% tags=["exercise", "exercise-2.3"]
def my_ssim(x, y, window):
    ...


# solution
def my_ssim(x, y, window):
    def mean(image):
        return torch.nn.functional.conv2d(image[None, None], window[None, None])[0, 0]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    return (((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()

# %%
check("2.3", my_ssim)
# hint("2.3")
# solution("2.3")

# %%
looks = {}
for kind in ("noise", "blur", "move"):
    local = torch.from_numpy(ssim_map(spoiled[kind], clean)).mean(2)  # over the channels
    looks[f"{kind}: SSIM {ssim(spoiled[kind], clean):.2f}"] = local.clamp(0, 1).float()[None]
    with torch.inference_mode():
        far = lpips.local(spoiled[kind][None], clean[None])[0]
    looks[f"feature distance {distance[kind]:.2f}"] = (1 - far / 1.5).clamp(0, 1)
title = f"Local SSIM and local feature distance ({lpips.label}): white is good, black is bad"
what = "Maps of SSIM and of a feature distance for noise, blur and a shift, all of one PSNR"
viz.show(viz.picture_row(looks, title, height=1.9), what)

# %% [markdown]
# ## The switchboard
#
# One spoiled picture, one clean picture, no pixel touched. Every row is a published practice; who follows it stands beside it. (JPEG gives up colour first,
# and Y does not look at colour.)
#
# ### Exercise 2.2 · Luma, as MATLAB means it · ★ · 5 min
#
# Super-resolution and deraining papers score the luma Y alone, in *studio range*: `image` is `3 h w` in [0, 1]; return Y, `h w`, where black is 16 and white is 235. The weights are
# 65.481, 128.553 and 24.966.

# %% tags=["exercise", "exercise-2.2"]
def luma(image):
    ...


# solution
def luma(image):
    red, green, blue = image
    return 65.481 * red + 128.553 * green + 24.966 * blue + 16

# %%
check("2.2", luma)
# hint("2.2")
# solution("2.2")

# %%
jpegs = photo_pairs("test", Recipe((Jpeg(quality=30),)), crop=plan.crop)
pair = next(pair for pair in jpegs if pair.name == "coffee")
board = switchboard(pair.degraded, pair.clean)
rows = []
for one in board:
    figures = (one.psnr, one.psnr_difference, one.ssim, one.ssim_difference)
    forms = ("{:.2f}", "{:+.2f}", "{:.4f}", "{:+.4f}")
    shown = ["" if figure is None else form.format(figure) for figure, form in zip(figures, forms)]
    rows.append([one.convention, one.followed_by, *shown])
headers = ["convention", "followed by", "PSNR (dB)", "moved by", "SSIM", "moved by"]
viz.show_table(headers, rows, f"'{pair.name}', through a JPEG file of quality 30: one pair of pictures")
Switchboard(pair.degraded, pair.clean)

# %%
y, rgb = PROTOCOLS["SR x2"].with_border(0), COURSE_RGB
rises = []
for one in photo_pairs("train", Recipe((Downsample(2),))) + photo_pairs("test", Recipe((Downsample(2),))):
    if one.clean.shape[0] == 3:
        rises.append(psnr(as_input(one), one.clean, y) - psnr(as_input(one), one.clean, rgb))
why = f"From {min(rises):+.2f} to {max(rises):+.2f} dB over {len(rises)} bundled photographs."
reveal("luma", float(np.mean(rises)), why)

# %% [markdown]
# So results of two protocols do not belong in one table, and here they cannot get there:

# %%
try:
    same_protocol(PROTOCOLS["GoPro/HIDE"], PROTOCOLS["SR x4"])
except ParameterError as error:
    print(error)

# %% [markdown]
# ### Exercise 2.6 · The mean over a set · ★ · 4 min
#
# `mses` holds the mean squared error of every picture of a set, in units of [0, 1]. Return the set's PSNR as papers print it. (Two popular libraries return the other one.)

# %% tags=["exercise", "exercise-2.6"]
def psnr_of_set(mses):
    ...


# solution
def psnr_of_set(mses):
    return (-10 * torch.log10(mses)).mean()

# %%
check("2.6", psnr_of_set)
# hint("2.6")
# solution("2.6")

# %% [markdown]
# ### Exercise 2.5 · “9 % less error” · ★★ · 6 min
#
# Papers turn decibels into headlines: which share of the RMSE does a rise from `old` to `new` dB take away?

# %% tags=["exercise", "exercise-2.5"]
def less_error(old, new):
    ...


# solution
def less_error(old, new):
    return 1 - 10 ** (-(new - old) / 20)

# %%
check("2.5", less_error)
# hint("2.5")
# solution("2.5")

# %% [markdown]
# MPRNet's paper claims 9 % less RMSE and 21 % less DSSIM than the best method before it, at 31.85 dB and 0.948 against 32.66 dB and 0.959 (GoPro). Your function
# can check it:

# %%
print(f"RMSE: {rmse_reduction(31.85, 32.66):.1%} less, DSSIM: {dssim_reduction(0.948, 0.959):.1%} less")

# %% [markdown]
# ## Perception and distortion
#
# Remove noise by every means at hand. What lies lower left is better on both counts; beyond some frontier, less of the one is more of the other (Blau and Michaeli 2018). The
# upward axis is NIQE, which knows how natural photographs behave and never sees the clean one. (It wants larger pictures than ours, and says so: compare these only with each
# other.) One method sharpens a smooth result far too much: further from the truth, and more natural to NIQE.

# %%
noisy = degrade(clean, Recipe((GaussianNoise(sigma=25 / 255),)), np.random.default_rng(seed)).image
planes = noisy.permute(1, 2, 0).numpy()
smooth = torch.from_numpy(denoise_tv_chambolle(planes, weight=0.12, channel_axis=2))
smooth = smooth.permute(2, 0, 1).float().clamp(0, 1)
options = dict(h=0.06, sigma=25 / 255, patch_size=5, patch_distance=6, channel_axis=2)
means = torch.from_numpy(denoise_nl_means(planes, **options)).permute(2, 0, 1).float()
methods = {
    "noisy": noisy,
    "blurred": convolve(noisy, gaussian_kernel(1.2)),
    "total variation": smooth,
    "total variation, sharpened": (smooth + 3 * (smooth - convolve(smooth, gaussian_kernel(1.0)))).clamp(0, 1),
    "non-local means": means.clamp(0, 1),
}

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # each says that the picture has few blocks; so does the text above
    points = {what: (rmse(image, clean), niqe(image)) for what, image in methods.items()}
title = f"'{photo}', {plan.crop}x{plan.crop}, σ = 25/255"
plane = viz.perception_distortion(points, "RMSE of 255", "NIQE", title)
viz.show(plane, "Methods in the plane of RMSE and NIQE")
crops = {what: viz.crop(image, 40, 60, 120) for what, image in methods.items()}
viz.show(viz.picture_row(crops, height=2.0), "The same crop after each method")

# %% [markdown]
# ### Exercise 2.7 · Do two judges agree? · ★★ · 10 min
#
# Two judges gave every picture a number. Kendall's τ asks only for the order: over all pairs of pictures, +1 where both judges order the pair alike, -1 where they do
# not, divided by the number of pairs.

# %% tags=["exercise", "exercise-2.7"]
def tau(first, second):
    ...


# solution
def tau(first, second):
    agree = torch.sign(first[:, None] - first) * torch.sign(second[:, None] - second)
    n = len(first)
    return agree.sum() / (n * (n - 1))

# %%
check("2.7", tau)
# hint("2.7")
# solution("2.7")

# %% [markdown]
# **You are the measure.** Rank the five pictures by eye, best first: give each a number below (5 for the best), and see which measure agrees with you. Ask a friend as well: two people seldom
# reach 1 with each other either.

# %%
# in the order noisy, blurred, total variation, the same sharpened, non-local means: put yours here
mine = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
judges = {
    "PSNR": torch.tensor([-rmse for rmse, _ in points.values()]),
    "NIQE": torch.tensor([-unnatural for _, unnatural in points.values()]),
    "SSIM": torch.tensor([ssim(image, clean) for image in methods.values()]),
}


def kendall(a, b):
    """+1 for every pair that both order alike, -1 for the others, over the number of pairs."""
    agree = torch.sign(a[:, None] - a) * torch.sign(b[:, None] - b)
    return float(agree.sum()) / (len(a) * (len(a) - 1))


rows = [[judge, f"{kendall(values, mine):+.2f}"] for judge, values in judges.items()]
viz.show_table(["judge", "τ with the order above"], rows, "Five pictures")

# %% [markdown]
# ## Is the difference a difference?
#
# Two means over eight pictures, a little apart. Would other pictures rank the two methods the same way? Resample the pictures, with their *pairs* kept together, and look at how far the mean
# difference strays: the paired bootstrap. Chapter 08 asks the same of seeds.

# %%
noise = Recipe((GaussianNoise(sigma=15 / 255),))
pairs = [pair for split in photos.SPLITS for pair in photo_pairs(split, noise, crop=plan.crop)]


def blur(width):
    return lambda image: convolve(image, gaussian_kernel(width))


first = evaluate(blur(0.7), pairs, named=("blur of 0.7 pixels", "eight photographs, σ = 15/255"))
second = evaluate(blur(0.75), pairs, named=("blur of 0.75 pixels", "eight photographs, σ = 15/255"))
viz.show_evaluation(first, f"{first.model}. {first.data}")
gap = difference(first, second)
print(f"0.75 instead of 0.7 pixels: {gap}")

# %% [markdown]
# ## Bug hunt
#
# ### Exercise 2.8 · Bug hunt: the metric linter · ★★★ · 12 min
#
# Somebody sends you the script behind a table. It runs. Return the numbers of the five lines that make its numbers worthless or incomparable. Print it with `print(script())`.

# %% tags=["exercise", "exercise-2.8"]
def bad_lines():
    ...  # a set of line numbers, such as {3, 7}


# solution
def bad_lines():
    return {1, 5, 6, 8, 10}

# %%
print(script())
check("2.8", bad_lines)
# hint("2.8")
# solution("2.8")

# %% [markdown]
# **“Above 40 dB is excellent, 30 to 40 is good.”** A widely read write-up says so. Look back: the picture moved by one pixel would be *bad*, the ×2 enlargement of a blurred
# background *excellent*. A number of decibels means something only beside another one, of the same pictures, under the same protocol.
#
# ## Recap
#
# 1. PSNR measures the size of an error and not its kind. 2. A number without its protocol cannot be compared, and conventions move it by more than most papers' gains. 3. SSIM is a family; MATLAB's
# on a colour picture is a third kind again. 4. Distortion and naturalness trade off. 5. A mean needs an interval, and the worst picture needs to be shown.
#
# **Quiz.** *(a)* A paper reports PSNR on Y and SSIM on RGB. What may you compare with it? *(b)* Training minimised LPIPS-alex, and the table reports LPIPS-alex. What is wrong? *(c)* Why is the mean of
# the channels' PSNRs never below the PSNR of all channels together? *(d)* DeblurGAN-v2's table says SSIM 0.934. Of what?
#
# **Reading.** Wang, Bovik, Sheikh, Simoncelli, *Image quality assessment: from error visibility to structural similarity*, IEEE TIP 2004. Zhang, Isola, Efros, Shechtman, Wang, *The Unreasonable
# Effectiveness of Deep Features as a Perceptual Metric*, CVPR 2018. Blau, Michaeli, *The Perception-Distortion Tradeoff*, CVPR 2018. Mittal, Soundararajan, Bovik, *Making a “completely blind” image quality
# analyzer*, IEEE SPL 2013.

# %% tags=["checks"]
assert all(abs(p - 25) < 0.001 for p, _, _ in scores.values())
assert scores["brightness"][1] > 0.9 > scores["noise"][1] + 0.1
assert distance["brightness"] < distance["move"] < distance["blur"]
assert max(r.psnr_difference for r in board if r.psnr_difference is not None) > 3.0
full = next(r.psnr for r in board if r.convention == "Y in 0..255")
studio = next(r.psnr for r in board if r.convention == "Y in 16..235")
assert abs(studio - full - 1.3219) < 0.15
assert abs(rmse_reduction(31.85, 32.66) - 0.089) < 0.001
assert abs(dssim_reduction(0.948, 0.959) - 0.2115) < 0.001
assert points["non-local means"][0] < points["noisy"][0]
if photo == "chelsea":
    plain, sharpened = points["total variation"], points["total variation, sharpened"]
    assert sharpened[0] > plain[0] and sharpened[1] < plain[1]
assert gap.low <= gap.mean <= gap.high
run.finish(result={"Y minus RGB (dB)": round(float(np.mean(rises)), 2), "protocol": str(COURSE_RGB)})

# %% tags=["nbval-check-output"]
print("chapter 02: every claim above holds at this preset")
