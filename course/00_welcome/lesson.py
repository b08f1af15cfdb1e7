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
# # 00 · Welcome
#
# This is **restorelab**: image restoration by doing it. A chapter shows a problem on a real photograph, lets you predict, builds the idea
# in a few lines, hands you the full implementation from `src/restorelab`, trains it, and opens it up so that you see what it does at
# each place. Then it breaks.
#
# **How to use a notebook.** *Shift-Enter* runs a cell and moves on. Run from the top down; if something looks odd, *Kernel → Restart Kernel and
# Run All Cells*. Cells marked *Exercise* wait for you; nothing after them depends on your answer.
#
# About 35 minutes, any machine, no network.

# %% tags=["parameters"]
seed: int = 0  # decides every random number of this chapter

# %%
import numpy as np
import torch

from restorelab import viz
from restorelab.data import photos
from restorelab.degrade import CameraShake, GaussianBlur, GaussianNoise, Jpeg, Recipe, degrade
from restorelab.lesson import check, hint, predict, reveal, show_progress, solution
from restorelab.metrics import psnr

# %% [markdown]
# ## Is everything here?
#
# The doctor looks at this machine and says what can be done on it. The same in a shell: `restorelab doctor`.

# %%
from restorelab.doctor import examine

rows = []
for finding in examine():
    advice = "" if finding.fine else f" ({finding.advice})"
    rows.append(["ok" if finding.fine else "look", finding.subject, finding.value + advice])
viz.show_table(["", "what", "found"], rows, "This machine")

# %% [markdown]
# ## The photographs
#
# Eight photographs come with the kit, free of rights. Some are to train on, one to watch while training, three to be judged by. Which is
# which is fixed by name, so that no chapter tests on what another one has trained on.

# %%
gallery = {f"{name} ({photos.PHOTOS[name].split})": photos.load(name) for name in photos.names()}
viz.show(viz.picture_row(dict(list(gallery.items())[:4]), height=1.9), "Four of the bundled photographs")
viz.show(viz.picture_row(dict(list(gallery.items())[4:]), height=1.9), "The other four")

# %% [markdown]
# ## Spoiling a picture
#
# Restoration begins with knowing what went wrong. A `Recipe` lists it, in the order in which light meets it.

# %%
clean = photos.load("chelsea")
recipes = {
    "camera shake": Recipe((CameraShake(length=14.0),)),
    "out of focus": Recipe((GaussianBlur(std=2.5),)),
    "noise": Recipe((GaussianNoise(sigma=25 / 255),)),
    "all, and a JPEG file": Recipe((CameraShake(length=8.0), GaussianNoise(sigma=8 / 255), Jpeg(quality=30))),
}
spoiled = {name: degrade(clean, recipe, np.random.default_rng(seed)).image for name, recipe in recipes.items()}
pictures = {name: viz.crop(image, 60, 120, 160) for name, image in {"clean": clean, **spoiled}.items()}
viz.show(viz.picture_row(pictures, height=2.4), "A cat's face, clean and spoiled in four ways")

# %% [markdown]
# ## Predict, then run
#
# Write your guess in place of `None` before you run the cell after it. What counts is having guessed.

# %%
question = "Which of the four has the lowest PSNR, that is, differs most from the clean picture?"
predict("loudest", question, guess=None, choices=tuple(recipes))

# %%
scores = {name: psnr(image, clean) for name, image in spoiled.items()}
rows = [[name, f"{score:.2f}"] for name, score in scores.items()]
viz.show_table(["spoiled by", "PSNR (dB)"], rows, "chelsea, whole picture, RGB rounded to 8 bits")
why = "Is it also the one that you find ugliest? PSNR and eyes disagree often; chapter 02 is about that."
reveal("loudest", min(scores, key=scores.get), why)

# %% [markdown]
# ### Exercise 0.1 · The mean colour of an image · ★ · 3 min
#
# Every picture here is a tensor `c h w`: channels (red, green, blue), height, width, with values from 0 to 1. Return its three means.

# %% tags=["exercise", "exercise-0.1"]
def mean_colour(image):
    ...


# solution
def mean_colour(image):
    return image.mean(dim=(1, 2))

# %%
check("0.1", mean_colour)
# hint("0.1")       take the # away and run the cell; again for the second hint
# solution("0.1")

# %% [markdown]
# ### Exercise 0.2 · Same seed, same noise · ★★ · 5 min
#
# An experiment that cannot be repeated is an anecdote. Return Gaussian noise of the given shape: the same for the same seed, other noise for
# another seed, and without touching the global random numbers that everyone else draws from.

# %% tags=["exercise", "exercise-0.2"]
def noise(shape, seed):
    ...


# solution
def noise(shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))

# %%
check("0.2", noise)
# hint("0.2")
# solution("0.2")

# %% [markdown]
# ## Where to go
#
# | chapter | what it is about | time |
# |---|---|---|
# | **01 · Where bad images come from** | degradation: kernels, motion, noise, rain, the order of things, a playground | 2 h |
# | **02 · Measuring restoration** | PSNR, SSIM, LPIPS, NIQE, and how each of them lies | 2 h |
# | **03 · A feature pyramid against blur** | DeblurGAN-v2: what one scale hides another shows; two judges of realism, and whose statistics | 2 h |
# | **04 · A filter for every pixel** | UDVD: point at a pixel and see the kernel that made it | 2 h |
# | **05 · Patches instead of scales** | DMPHN, a network that looks at small places first: cut, join, train, look inside | 2 h |
# | **06 · Stages that teach each other** | MPRNet: every stage is judged; see the attention, change it, and see what it was good for | 2 h |
# | **07 · Sixteen times larger** | x16: what is recovered and what is invented, and who may judge it | 2 h |
# | **08 · The ablation studio** | what a part of a network is worth: ask first, train with and without it, and say when it is too close to call | 2 h |
# | **09 · From a function to a demo** | a page that strangers use: what they upload, seams, queues, honest words | 2 h |
#
# The order of the numbers is the order of the course. Run a chapter as an experiment, with other
# parameters, from a shell: `restorelab run 05 --preset smoke -p learning_rate=1e-3`.

# %% [markdown]
# ## How far you are
#
# Run this cell whenever you come back; in a shell, `restorelab progress`. Every exercise that passes and every prediction that you make is
# noted in one file on this machine, and sent nowhere.

# %%
show_progress()

# %% tags=["checks"]
assert len(gallery) == 8
again = {name: degrade(clean, recipe, np.random.default_rng(seed)).image for name, recipe in recipes.items()}
assert all(torch.equal(again[name], spoiled[name]) for name in recipes)
assert all(np.isfinite(score) and score < 40 for score in scores.values())

# %% tags=["nbval-check-output"]
print("chapter 00: every claim above holds")
