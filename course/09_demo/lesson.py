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
# # 09 · From a function to a demo
#
# ![One photograph in three files: a phone's, turned; a scan of 16 bits; a cut-out. Above as three lines of Python read them, on its side, washed out to white, with magenta corners; below as they were meant](strangers.jpg)
#
# *Three sound files of one photograph. Above: `Image.open(file).convert("RGB")`. Below: as they were meant. No error was raised in either row.*
#
# Eight chapters long, a function took a picture of ours and gave one back. Now strangers come: with files we have never seen, 64 at a time, on a machine of two cores. Between a function that works in a notebook and a page
# that others may use lie five questions, none of which is about networks: what comes in, does it fit, how long does it take, whose turn is it, and what do we promise?
#
# **After this chapter you can** read what strangers send, and refuse in a sentence · cut a picture into tiles that cannot be seen, and say when that changes the result · foretell time and memory before you begin ·
# choose between letting wait and refusing, with numbers · hand out a result without spoiling it · serve a page that asks nothing of the web · write a model card that can be checked.
#
# | preset | what it does | machine | time |
# |---|---|---|---|
# | `smoke` (stored here) | everything, on small pictures; a server runs for some seconds | two processor cores | about a minute |
# | `lab`, `paper` | larger pictures | the same, or a GPU | a few minutes |
#
# **The five-minute version**: the first table, *Tiles*, *The queue* and *The page*. Plan two hours. No network is trained here.

# %%
import os

os.environ["HF_HUB_OFFLINE"] = "1"  # see "What leaves the machine"; to be said before imports
import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import numpy as np
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from IPython.display import Markdown, display
from matplotlib.figure import Figure
from PIL import Image

from restorelab import checkpoint, image, presets, viz
from restorelab.data import photos
from restorelab.degrade import CameraShake, GaussianNoise, Recipe, degrade
from restorelab.devices import choose_device
from restorelab.lesson import check, hint, predict, reveal, show_source, solution
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.restore import restore

# %%
from restorelab.demo.about_tab import card
from restorelab.demo.app import build_demo
from restorelab.demo.jobs import Desk, Job, Limits, Refused
from restorelab.demo.offers import offers
from restorelab.demo.serve import launch_options, running
from restorelab.demo.strangers import BOMB_SIDE, bad_files, odd_files
from restorelab.demo.uploads import check_size, read_upload
from restorelab.demo.waiting import mean_wait, serve_in_turn
from restorelab.demo.words import amount, say
from restorelab.demo.workshop import Workshop, told_of
from restorelab.tiling import restore_in_tiles
from restorelab.train.run import Run, new_run_folder

# %% [markdown]
# The next cell holds what an experiment may change. From a shell: `restorelab run 09 --preset lab -p system=mprnet_denoise`.

# %% tags=["parameters"]
preset: str = "smoke"  # smoke, lab or paper
seed: int = 0  # decides every random number of this chapter
device: str = "auto"  # auto, cpu or cuda
system: str = "dmphn_shake"  # the network that is served; restorelab.demo.offers lists them
photo: str = "coffee"  # the bundled photograph that strangers send; photos.names() lists them
tile: int = 64  # side of a tile, input pixels
visitors: int = 64  # who come at once
most_waiting: int = 16  # of them, before the rest is refused
run_dir: str = ""  # where the run is written; empty makes a new folder under runs/

# %%
plan = presets.choose(presets.DEMO, preset)
device = choose_device(device)
offered = offers()
offer = Workshop(offered, device).offer(system)  # a name that is not offered is refused in a sentence
settings = {"system": system, "photo": photo, "tile": tile}
settings |= {"visitors": visitors, "most_waiting": most_waiting}
run = Run(run_dir or new_run_folder("09_demo"), seed, settings, device=device)
net = checkpoint.load(offer.path).model.to(device).eval()
photograph = photos.load(photo)
top = min(60, photograph.shape[1] - plan.rows)
left = min(150, photograph.shape[2] - plan.columns)
mine = photograph[:, top : top + plan.rows, left : left + plan.columns].contiguous()
recipe = Recipe((CameraShake(length=7.0), GaussianNoise(sigma=1 / 255)))
spoiled = degrade(mine, recipe, np.random.default_rng(seed)).image
less = min(net.scale, 8)  # a network that enlarges is given less
given = spoiled[:, : plan.rows // less, : plan.columns // less].contiguous()
folder = run.folder / "uploads"
folder.mkdir(exist_ok=True)
weights = sum(one.numel() for one in net.parameters())
print(f"{offer.title} for the task {offer.task}, {weights:,} parameters")
print(plan)

# %% [markdown]
# ## Before you begin
#
# Questions from earlier chapters. Answer aloud, then open.
#
# <details><summary>(08) You tried twenty settings and one is better, p = 0.04. What did you find?</summary>
# Probably nothing: of twenty tries without any effect, one is expected to look like that.</details>
#
# <details><summary>(07) A network adds detail at x16. Which sentence must stand beside its result?</summary>
# That the detail was invented: 255 of 256 pixels were never measured.</details>
#
# <details><summary>(06) Why does MPRNet restore a tile differently from the same place in the whole picture?</summary>
# Channel attention takes a mean over everything it is given, and its first stages cut the picture at its middle.</details>
#
# <details><summary>(05) And DMPHN?</summary>
# It cuts the picture into 1, 2 and 4 patches. In a tile the cuts fall elsewhere.</details>
#
# <details><summary>(02) A colleague sends 33.1 dB. Which question comes first?</summary>
# Under which protocol, on which pictures?</details>
#
# ## Predict
#
# Guess before you run. Write a number in place of `None`; being wrong is what makes the answer stick.

# %%
question = "Five odd but sound files. How many does convert('RGB') read wrongly, without an error?"
predict("wrongly", question, guess=None, unit="of 5")
question = "UDVD sees 16 pixels far. Tiles get half of that as context: largest error, in 1/255?"
predict("half", question, guess=None, unit="/255")
question = "The server is busy for 90 % of the time. How long do visitors wait on average, in jobs?"
predict("busy", question, guess=None, unit="jobs")
question = "Unless told otherwise, gradio shows a result as lossy WebP. Largest error, in 1/255?"
predict("webp", question, guess=None, unit="/255")

# %% [markdown]
# ## It worked in the notebook
#
# Three lines that everybody writes first. Then the same photograph in five files, as phones, scanners and colleagues make them. All are sound; look for an error message in the table.

# %%
def in_a_notebook(file):
    """What everybody writes first."""
    pixels = np.asarray(Image.open(file).convert("RGB")) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1).float()


down, across = torch.linspace(-1, 1, plan.rows)[:, None], torch.linspace(-1, 1, plan.columns)
cut_out = (down**2 + across**2 < 0.9).float()[None]
oddities = {"phone.jpg": "EXIF says: turn me", "scan.png": "grey, 16 bits"}
oddities |= {"cut out.png": "transparent", "print.jpg": "CMYK", "drawn.gif": "64 colours"}
table, looks = [], {}
for name, content in odd_files(mine, cut_out).items():
    plain, meant = in_a_notebook(io.BytesIO(content)), image.load(content)
    off = float((plain - meant).abs().max()) if plain.shape == meant.shape else np.inf
    word = "size" if off == np.inf else f"{255 * off:.0f}/255"
    right = "right" if off < 1 / 255 else "WRONG"
    shape = "x".join(map(str, plain.shape))
    table.append([name, oddities[name], shape, word if off else "none", right])
    if off > 1 / 255:
        framed = (torch.nn.functional.pad(one, (1, 1, 1, 1), value=0.6) for one in (plain, meant))
        looks |= zip((f"{name}, read", f"{name}, meant"), framed)
wrongly = sum(row[-1] == "WRONG" for row in table)
headers = ["file", "what is odd", "read as", "off by at most", ""]
viz.show_table(headers, table, "Three lines of Python against `image.load`; not one error was raised")
viz.show(viz.picture_row(looks, height=1.5), "Three files, each as read and as it was meant")
why = "On its side, washed out, and with what nobody was meant to see."
reveal("wrongly", wrongly, why, tolerance=0)

# %% [markdown]
# A network restores whatever it is given. On its side, it restores a picture on its side. So the rule of the house: *one* function opens files (`restorelab.image.load`), and after it there is only the contract: float32, RGB, [0, 1],
# `c h w`.
#
# ### Exercise 9.1 · To the contract · ★★ · 8 min
#
# `samples` is what a decoder hands over: a numpy array `h w c` of bytes or of 16-bit numbers. One channel is grey, two are grey and alpha, three RGB, four RGB and alpha. Return a float32 tensor `3 h w` in [0, 1];
# what is transparent shows `background`, a grey level in [0, 1].

# %% tags=["exercise", "exercise-9.1"]
def to_picture(samples, background):
    ...


# solution
def to_picture(samples, background):
    white = 256**samples.dtype.itemsize - 1
    x = torch.from_numpy(samples.astype("float32") / white).permute(2, 0, 1)
    if len(x) in (2, 4):
        x = x[:-1] * x[-1:] + background * (1 - x[-1:])
    return x.expand(3, -1, -1)

# %%
check("9.1", to_picture)
# hint("9.1")       take the # away and run; again for the second hint
# solution("9.1")

# %% [markdown]
# ## Refuse, and say why
#
# Other files must not come in at all. A file of 18 kB can unpack to 432 MB (a *bomb*): so the size is read from the header and checked before a single pixel is decoded. And whoever is refused is a person: they get a sentence that says what
# was wrong and what to do, never `NoneType has no attribute 'shape'`.
#
# ### Exercise 9.2 · Refuse in a sentence · ★★ · 6 min
#
# The header says `width` and `height`, the network enlarges `scale` times. Allowed are 4,000,000 pixels coming in, 16,000,000 going out, and sides of 16 pixels at least. Return `""` for a picture that may come in, else a sentence
# that tells the visitor the size that came, and what to do.

# %% tags=["exercise", "exercise-9.2"]
def refusal(width, height, scale):
    ...


# solution
def refusal(width, height, scale):
    size = f"{width} x {height} pixels"
    if width * height > 4_000_000 or width * height * scale**2 > 16_000_000:
        return f"{size} are too many for this demo: make the picture smaller, or crop it."
    if min(width, height) < 16:
        return f"{size}: each side needs at least 16. Give a larger picture."
    return ""

# %%
check("9.2", refusal)
# hint("9.2")
# solution("9.2")

# %%
answers, table = {}, []
for name, content in bad_files(mine).items():
    (folder / name).write_bytes(content)
    try:
        if name == "bomb.png":
            plain = f"not tried: {3 * BOMB_SIDE**2 / 1e6:.0f} MB of memory"
        else:
            plain = "reads " + "x".join(map(str, in_a_notebook(folder / name).shape))
    except Exception as error:
        plain = type(error).__name__
    try:
        read_upload(str(folder / name), Limits())
    except Refused as refused:
        answers[name] = str(refused)
    table.append([name, f"{len(content):,}", plain, answers.get(name, "comes in")])
headers = ["file", "bytes", "three lines of Python", "the demo says"]
viz.show_table(headers, table, "Six files that no demo should restore")
show_source(check_size)

# %% [markdown]
# ## Tiles
#
# A picture that does not fit is cut into tiles. Every tile is computed with some context around it, the *halo*, and only its core is kept.
#
# ### Exercise 9.3 · Where the tiles begin · ★★ · 6 min
#
# A row of `length` pixels is cut into tiles of `tile` pixels, neighbours sharing `overlap`. Return where they begin: at 0, and on in equal steps; the last one is moved back so that it ends with the picture. Whoever is no
# longer than a tile is one tile.

# %% tags=["exercise", "exercise-9.3"]
def starts(length, tile, overlap):
    ...


# solution
def starts(length, tile, overlap):
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]

# %%
check("9.3", starts)
# hint("9.3")
# solution("9.3")

# %% [markdown]
# ### Exercise 9.4 · How far a network sees · ★★ · 8 min
#
# `layers` lists (kernel, stride, dilation), in order. Return the *radius*: how many pixels of the input, to one side, can change a pixel of the output. A stride makes every later step longer.

# %% tags=["exercise", "exercise-9.4"]
def radius(layers):
    ...


# solution
def radius(layers):
    reach, step = 0, 1
    for kernel, stride, dilation in layers:
        reach += kernel // 2 * dilation * step
        step *= stride
    return reach

# %%
check("9.4", radius)
# hint("9.4")
# solution("9.4")

# %% [markdown]
# With the radius as halo, a tile's core is to the last bit of rounding what the whole picture would have given. With less, it is an experiment. Here it is: three networks, tiles joined without any blending, more and more halo. UDVD's radius is
# 16 pixels; DeblurGAN-v2's is 295, more than this picture has; DMPHN has none: it cuts the picture into patches wherever the picture happens to end.

# %%
@torch.inference_mode()
def in_pieces(model, picture, halo):
    """From tiles with this much context around each, enough or not; joined without blending."""
    told = told_of(1.0, 0.0).to(device)[None, :, None, None] if model.condition_channels else None

    def window(rows, columns):
        given = picture[None, :, rows, columns].to(device)
        more = {} if told is None else {"condition": told.expand(-1, -1, *given.shape[-2:])}
        return [model(given, **more).image[0].clamp(0, 1).cpu()]

    size, multiple = tuple(picture.shape[-2:]), model.size_multiple
    (made,), _ = restore_in_tiles(window, size, tile, multiple, model.min_size, halo, model.scale)
    return made


shown = {"UDVD": "udvd_x2", "DeblurGAN-v2": "deblurgan_v2_shake", "DMPHN": "dmphn_shake"}
tiled = {name: checkpoint.load(offered[one].path).model for name, one in shown.items()}
tiled = {name: model.to(device).eval() for name, model in tiled.items()}
whole, errors, pieces = {}, {}, {}
for name, model in tiled.items():
    told = told_of(1.0, 0.0) if model.condition_channels else None
    whole[name] = restore(model, spoiled, condition=told).image
    for halo in (0, 2, 4, 8, 16, 32, 64) if name == "UDVD" else (0, 32, 64):
        if halo <= (model.receptive_radius or 64):
            pieces[name, halo] = in_pieces(model, spoiled, halo)
            errors[name, halo] = 255 * float((pieces[name, halo] - whole[name]).abs().max())

# %%
figure = Figure(figsize=(6.4, 3.2), layout="constrained")
axis = figure.subplots()
for name, colour, mark in zip(tiled, viz.COLOURS, "os^"):
    curve = {halo: off for (who, halo), off in errors.items() if who == name}
    axis.plot(list(curve), list(curve.values()), mark + "-", color=colour, label=name)
axis.axhline(1, color="0.4", linestyle="--", linewidth=1)
axis.text(64, 1.2, "one step of 8 bits", ha="right", fontsize=8)
axis.set(yscale="log", xlabel="halo (pixels)", ylabel="largest error (/255)")
axis.grid(alpha=0.25)
axis.legend(fontsize=8)
alt = "Largest error of tiles over the halo: UDVD's falls steeply, DMPHN's stays"
viz.show(figure, alt, lossless=True)
maps = {halo: viz.error_map(pieces["UDVD", halo], whole["UDVD"], 60) for halo in (0, 4, 16)}
maps = {f"UDVD, halo {halo}, error x60": one for halo, one in maps.items()}
alt = "Errors of tiles: a grid with no halo, fainter with 4 pixels, nothing with 16"
viz.show(viz.picture_row(maps, height=1.7), alt)
table = [[name, f"{halo}", f"{off:.4f}"] for (name, halo), off in errors.items()]
where = f"Tiles of {tile}, '{photo}', {plan.rows}x{plan.columns}"
viz.show_table(["network", "halo", "largest error (/255)"], table, where)
reveal("half", errors["UDVD", 8], "It sees 16 pixels far, and listens mostly to the nearest.")

# %% [markdown]
# Two lessons. A network listens mostly to its neighbourhood, far less than its radius (Luo et al., 2016, call that the *effective* receptive field): UDVD is within a step of 8 bits at half the halo. And where something global is in the network, no halo
# short of the picture helps.
#
# For those there is *blending*: neighbours overlap, and each pixel is a weighted mean of what they say.
#
# ### Exercise 9.5 · Shares that sum to one · ★★★ · 12 min
#
# Tiles of `tile` pixels in a row share `overlap` pixels with each neighbour. Return one tile's shares, a tensor of `tile` numbers: 1 where it is alone, slowly rising from its beginning and falling to its end where it has a neighbour.
# The shares of two neighbours sum to 1 at every pixel. The `first` tile has no neighbour before it, the `last` none after it.

# %% tags=["exercise", "exercise-9.5"]
def share(tile, overlap, first, last):
    ...


# solution
def share(tile, overlap, first, last):
    ramp = (torch.arange(overlap) + 0.5) / overlap
    weight = torch.ones(tile)
    if not first:
        weight[:overlap] = ramp
    if not last:
        weight[-overlap:] = ramp.flip(0)
    return weight

# %%
check("9.5", share)
# hint("9.5")
# solution("9.5")

# %%
joined = {"in one piece": whole["DMPHN"], "cut": pieces["DMPHN", 0]}
joined |= {"cut, with a halo of 32": pieces["DMPHN", 32]}
blended = restore(tiled["DMPHN"], spoiled, tile=tile)
joined["blended, by restore()"] = blended.image
edges = [column for column in range(tile, plan.columns, tile)]
before = [column - 1 for column in edges]
seams, table = {}, []
for name, one in joined.items():
    error = 255 * (one - whole["DMPHN"])
    seams[name] = float((error[:, :, edges] - error[:, :, before]).abs().mean())
    row = [name, f"{seams[name]:.2f}", f"{error.abs().mean():.2f}", f"{error.abs().max():.1f}"]
    table.append([*row, f"{psnr(one, mine):.2f}"])
headers = ["DMPHN's tiles", "step of the error at cuts (/255)", "mean error (/255)"]
headers += ["largest (/255)", "PSNR (dB)"]
against = "Errors against the picture in one piece, PSNR against the clean one"
viz.show_table(headers, table, f"{against}. {COURSE_RGB}")
maps = {f"{name}, error x8": viz.error_map(one, whole["DMPHN"], 8) for name, one in joined.items()}
viz.show(viz.picture_row(dict(list(maps.items())[1:]), height=1.7), "Errors: cut, with a halo, blended")
print("restore() says:", blended.tiling)
exact = restore(tiled["UDVD"], spoiled, condition=told_of(1.0, 0.0), tile=tile)
exact_off = 255 * float((exact.image - whole["UDVD"]).abs().max())
print(f"UDVD: {exact.tiling}: off by {exact_off:.5f}/255 at most")

# %% [markdown]
# A halo and blending take the seams away, and leave an error of tens of steps at some places: the result is smooth, and still another one than that of the whole picture (here not a worse one, as PSNR says; it might have been). So `restore()` tiles without being asked only where it is exact. Elsewhere it waits to be asked, and says how far neighbours disagreed.
#
# ## Before you start
#
# A bar that stands at 3 % for four minutes is no forecast. The work of a convolutional network is in proportion to the pixels, plus something for beginning at all. Two measurements are enough.
#
# ### Exercise 9.6 · Time from two measurements · ★★ · 6 min
#
# `small` and `large` are (pixels, seconds). Return the seconds for a picture of so many `pixels`.

# %% tags=["exercise", "exercise-9.6"]
def forecast(small, large, pixels):
    ...


# solution
def forecast(small, large, pixels):
    (p1, s1), (p2, s2) = small, large
    return s1 + (s2 - s1) / (p2 - p1) * (pixels - p1)

# %%
check("9.6", forecast)
# hint("9.6")
# solution("9.6")

# %%
told = told_of(1.0, 0.0) if net.condition_channels else None
took = {}
for side in plan.sides:
    side = side // net.scale
    square = photograph.repeat(1, 3, 3)[:, :side, :side].contiguous()
    clocks = []
    for _ in range(3):
        start = time.perf_counter()
        restore(net, square, condition=told)
        clocks.append(time.perf_counter() - start)
    took[side**2] = min(clocks)
(p1, s1), (p2, s2), (p3, s3) = took.items()
line = s1 + (s2 - s1) / (p2 - p1) * (p3 - p1)
table = [[f"{int(p**0.5)}x{int(p**0.5)}", f"{s:.3f}"] for p, s in took.items()]
viz.show_table(["picture", "seconds, best of 3"], table, f"{offer.title} on {device}")
print(f"From the first two, the third was foretold to take {line:.2f} s; it took {s3:.2f} s.")

# %% [markdown]
# The demo does the same once for each network (`show_source(restorelab.demo.jobs.rehearse)`): it runs a small picture twice, counts in the first run the bytes of all tensors alive at once, takes the clock in the second. Then it can say what a photograph
# would cost, and refuse what would never end.

# %%
workshop = Workshop({offer.name: offer}, device)
sizes = {"a screen, 1280x720": (720, 1280), "the most allowed, 2000x2000": (2000, 2000)}
sizes |= {"a phone, 4000x3000": (3000, 4000)}
costs, table = {}, []
for name, size in sizes.items():
    for side in (None, 256):
        costs[name, side] = cost = workshop.cost(offer, size, None, side, Job(60, "60 s"))
        try:
            workshop.check_cost(cost)
            said = "comes in"
        except Refused as refused:
            said = str(refused)
        table.append([name, side or "one piece", f"{cost.seconds:.0f}", amount(cost.memory), said])
headers = ["picture", "tiles", "seconds", "memory", "as to time and memory"]
limit = f"Limits: {Limits().seconds:.0f} s, and what is free"
viz.show_table(headers, table, f"Foretold for {offer.title} on {device}. {limit}")
job = costs["a screen, 1280x720", None].seconds

# %% [markdown]
# Tiles take less memory and more time: every halo is computed twice or more. A tile of side $t$ with halo $h$ is $(t + 2h)^2 / t^2$ times its own work.
#
# ## The queue
#
# One network on one device gains nothing from doing two pictures at once: both would be ready when the second would have been ready anyway, and they need the memory of two. So there is one place to work, and a queue.
#
# ### Exercise 9.7 · When it is my turn · ★ · 5 min
#
# Visitors come at the moments `arrivals` (seconds, rising). Every job takes `seconds`, one at a time, first come, first served. Return the list of how long each waits until their job *begins*.

# %% tags=["exercise", "exercise-9.7"]
def waits(arrivals, seconds):
    ...


# solution
def waits(arrivals, seconds):
    free, found = 0.0, []
    for now in arrivals:
        begin = max(now, free)
        found.append(begin - now)
        free = begin + seconds
    return found

# %%
check("9.7", waits)
# hint("9.7")
# solution("9.7")

# %% [markdown]
# ### Exercise 9.8 · Let in, or refuse · ★★★ · 10 min
#
# The same, and at most `most_waiting` may wait (the one at work does not wait). Who comes when the place is free begins at once; who finds the queue full is refused and takes no time at all. Return `True` or `False` for each.

# %% tags=["exercise", "exercise-9.8"]
def admitted(arrivals, seconds, most_waiting):
    ...


# solution
def admitted(arrivals, seconds, most_waiting):
    begins, answers = [], []
    for now in arrivals:
        free = begins[-1] + seconds if begins else now
        waiting = sum(begin > now for begin in begins)
        answers.append(free <= now or waiting < most_waiting)
        if answers[-1]:
            begins.append(max(now, free))
    return answers

# %%
check("9.8", admitted)
# hint("9.8")
# solution("9.8")

# %%
dice = np.random.default_rng(seed)
at_once = serve_in_turn([0.0] * visitors, job)
limited = serve_in_turn([0.0] * visitors, job, most_waiting)
loads, long_run, hours = np.arange(0.1, 1.0, 0.1).round(1), [], []
for load in loads:
    gaps = dice.exponential(1 / load, size=(201, 64))
    many = dice.exponential(1 / load, 20_000).cumsum().tolist()
    long_run.append(serve_in_turn(many, 1.0).waits.mean())
    hours.append([serve_in_turn(one.cumsum().tolist(), 1.0).waits.mean() for one in gaps])
low, high = np.percentile(hours, [5, 95], axis=1)
figure = Figure(figsize=(9.2, 3.1), layout="constrained")
left, right = figure.subplots(1, 2)
left.plot(at_once.waits / 60, color=viz.COLOURS[0], label="everybody waits")
few = f"at most {most_waiting} wait, the rest is refused"
left.plot(limited.waits / 60, color=viz.COLOURS[1], linewidth=4, alpha=0.7, label=few)
left.set(xlabel=f"number of the visitor, of {visitors} who come at once", ylabel="waits (minutes)")
right.fill_between(loads, low, high, color=viz.COLOURS[0], alpha=0.2, label="64 visitors, 5 to 95 %")
right.plot(loads, long_run, "o", color=viz.COLOURS[0], label="20,000 visitors")
right.plot(loads, [mean_wait(load, 1.0) for load in loads], color="0.3", label="formula")
right.set(xlabel="share of the time that the server is busy", ylabel="mean wait (jobs)", ylim=(0, 8))
for axis in (left, right):
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8)
alt = "Left: waits rise in a line. Right: mean waits explode as the server gets busy"
viz.show(figure, alt, lossless=True)

# %%
rows = {"everybody waits": at_once, f"at most {most_waiting} wait": limited}
table = []
for name, one in rows.items():
    middle, last = np.nanmedian(one.waits) / 60, np.nanmax(one.waits) / 60
    table.append([name, visitors - one.refused, one.refused, f"{middle:.1f}", f"{last:.1f}"])
headers = ["rule", "served", "refused at once", "median wait (min)", "longest (min)"]
caption = f"{visitors} at once, {job:.1f} s for each (1280x720, as foretold above)"
viz.show_table(headers, table, caption)
why = "Half of 0.9 / (1 - 0.9). At 95 % it is twice that, and at 50 % half a job: a warning comes late."
reveal("busy", mean_wait(0.9, 1.0), why)

# %% [markdown]
# With visitors who come independently and jobs of one length, the mean wait is $\rho\,s\,/\,2(1-\rho)$ for a server that is busy for the share $\rho$ of the time with jobs of $s$ seconds (Pollaczek 1930, Khinchine 1932). Real visitors are worse: a class clicks when the
# teacher says so. Then nothing but the length of the queue decides, and a refusal at once, with a sentence, is kinder than a quarter of an hour before a bar. Now for real: the package's desk, and eight visitors.

# %%
small = given[:, : plan.rows // 2, : plan.columns // 2].contiguous()
desk = Desk(device, Limits())
start, ready = time.perf_counter(), {}


def visit(rule):
    """One visitor, by this rule; notes when the result is there."""
    if rule == "one at a time":
        with desk.job("somebody"):
            restore(net, small, condition=told)
    else:
        restore(net, small, condition=told)
    ready.setdefault(rule, []).append(time.perf_counter() - start)


table = []
for rule in ("one at a time", "all at once"):
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(visit, [rule] * 8))
    table.append([rule, f"{np.mean(ready[rule]):.2f}", f"{max(ready[rule]):.2f}"])
headers = ["eight visitors", "ready on average (s)", "the last one (s)"]
size = f"{small.shape[-1]}x{small.shape[-2]} pixels"
viz.show_table(headers, table, f"{offer.title}, {size}, {device}, measured once")
print("At work at the same time, at the desk:", desk.most_at_work)

# %% [markdown]
# ## What is handed out
#
# The result is float32. A file has steps. The last step of a chain that was careful everywhere can spoil it: by cutting off instead of rounding, by forgetting that networks overshoot, or by a format that was made for looking, not for keeping.
#
# ### Exercise 9.9 · Round once, at the end · ★ · 4 min
#
# `image` is float, near [0, 1], and may overshoot. Return the whole numbers from 0 to `white` (255 or 65535) that belong into the file.

# %% tags=["exercise", "exercise-9.9"]
def to_steps(image, white):
    ...


# solution
def to_steps(image, white):
    return (image.clamp(0, 1) * white).round()

# %%
check("9.9", to_steps)
# hint("9.9")
# solution("9.9")

# %%
result = restore(net, given, condition=told).image
eight = Image.fromarray(image.to_uint8(result))
image.save(result, folder / "deep.png", bit_depth=16)
files = {"PNG, 16 bits": (folder / "deep.png").read_bytes()}
ways = {"PNG, 8 bits": ("PNG", {}), "WebP, lossless": ("WEBP", {"lossless": True})}
ways |= {"JPEG, quality 95, full colour": ("JPEG", {"quality": 95, "subsampling": 0})}
ways |= {"JPEG, Pillow's default": ("JPEG", {}), "WebP, Pillow's default": ("WEBP", {})}
for name, (kind, options) in ways.items():
    buffer = io.BytesIO()
    eight.save(buffer, kind, **options)
    files[name] = buffer.getvalue()
handed, table = {}, []
for name, content in files.items():
    back = image.load(content)
    off = 255 * (back - result).abs()
    handed[name] = float(off.max())
    table.append([name, f"{len(content) / 1000:.0f}", f"{off.mean():.3f}", f"{off.max():.3f}"])
headers = ["file", "kB", "mean error (/255)", "largest (/255)"]
what = f"One result of {offer.title}, against the tensor itself"
viz.show_table(headers, table, what)
back = image.load(files["WebP, Pillow's default"])
looks = {"the result": result, "WebP": back, "difference x10": viz.error_map(back, result, 10)}
viz.show(viz.picture_row(looks, height=1.8), "The result, the same as WebP, and the difference")
why = "Whoever compares networks in such a picture compares a codec."
reveal("webp", round(handed["WebP, Pillow's default"], 1), why)

# %% [markdown]
# gradio's pictures are WebP by default (its issue 10394); the demo asks for PNG everywhere, and gives 16 bits to take home.
#
# ## The page
#
# All of it together is `restorelab.demo`: one function per tab, one table of words in two languages, one desk.
#
# ![The page in a browser: on the left a shaken photograph of a cup of coffee and the choice of what is wrong with it, on the right before and after with a line between them](page.jpg)
#
# *The page, as a browser showed it on this kit's own server (`python course/09_demo/picture.py`).*
#
# Next we serve it, to this machine alone, for some seconds: one picture through the *API* (what a script sees), compared with `restore()`; three visitors at once; four bad files; and somebody who writes down every address that Python connects to or looks up meanwhile.

# %%
show_source(build_demo)
# To open the page in this notebook take away the #, and close it with page.close() afterwards.
# page = build_demo(); page.launch(**launch_options(page))
image.save(given, folder / "shaken.png", bit_depth=16)
sent = image.load(folder / "shaken.png")
asked, listening = set(), []


def listen(event, details, asked=asked, listening=listening):
    """For Python's audit hook: notes who is looked up or connected to, while we are listening."""
    if listening and event in ("socket.connect", "socket.getaddrinfo"):
        place = details[1] if event == "socket.connect" else details
        asked.add(str(place[0]) if isinstance(place, tuple) else str(place))


sys.addaudithook(listen)

# %%
chosen, refusals = [offer.name, 0, 0, 1.0, 0.0, "en"], {}
quiet = {"verbose": False, "analytics_enabled": False, "download_files": str(folder)}
listening.append("from here")
with running(device=device) as (demo, address):
    clients = [Client(address, **quiet) for _ in range(3)]
    picture = lambda name: handle_file(str(folder / name))
    give = lambda client, name: client.submit(picture(name), *chosen, api_name="/restore")
    (before, after), deep, said = give(clients[0], "shaken.png").result()
    fetched, seen = image.load(deep), image.load(after)
    crowd = [give(client, "shaken.png") for client in clients]
    crowd = [image.load(one.result()[1]) for one in crowd]
    for name in ("page.png", "half.jpg", "ruler.png", "bomb.png"):
        try:
            give(clients[0], name).result()
        except AppError as error:
            refusals[name] = str(error)
    with urlopen(f"{address}health") as answer:
        health = json.load(answer)
    together = demo.workshop.desk.most_at_work
listening.clear()
expected = restore(demo.workshop.checkpoint(offer).model, sent, condition=told).image
same = torch.equal((fetched * 65535).round(), (expected * 65535).round())
alike = all(torch.equal(one, fetched) for one in crowd)

# %%
print("The API said:", said.splitlines()[0])
print("Its 16-bit file, against restore():", "equal to the bit" if same else "DIFFERENT")
rounded = np.array_equal(image.to_uint8(seen), image.to_uint8(expected))
print("The PNG for the screen is that, rounded to 8 bits:", rounded)
print("Three at once got", "equal pictures;" if alike else "DIFFERENT PICTURES;", end=" ")
print("most at work at the same time:", together)
print("Health:", {key: health[key] for key in ("status", "at_work", "done")})
viz.show_table(["file", "what the visitor reads"], list(refusals.items()), "Bad files, through the API")
print("Asked or connected to while it was served:", sorted(asked))

# %% [markdown]
# ## What leaves the machine
#
# Nothing did: the last line names this machine alone. That is not by itself so. gradio has analytics, off here; its themes take fonts from the web, ours takes the system's. And the *client* library, which runs at the visitor's: without the setting in this notebook's first line and
# `analytics_enabled=False` it looked up `huggingface.co` twice, as this very hook showed where the chapter was written. Whoever promises that photographs stay here must look, not believe.
#
# What else a page that others reach must not do, and where it is tested (`tests/faults/test_demo_uploads.py`): open a path that came from a browser; fetch an address that came from a browser; listen to other machines without a password; keep uploads; show a traceback.
#
# ## Model cards
#
# A page that offers a network promises something by it. A *model card* (Mitchell et al., 2019) says what: trained on which data with which terms, to undo what; what it reaches, under which protocol, on what; what it cannot do; under which licence.
#
# ### Exercise 9.10 · A card linter · ★★ · 8 min
#
# `card` is a dict. Texts are expected under `data`, `terms`, `degradation`, `limits` and `licence`; under `figures` a list of dicts, each with its `protocol` and what it was measured `on`. Return the set of names that are lacking:
# not there, or saying nothing; and `"figures"` if there are none, or one lacks either.

# %% tags=["exercise", "exercise-9.10"]
def lacking(card):
    ...


# solution
def lacking(card):
    texts = ("data", "terms", "degradation", "limits", "licence")
    missing = {name for name in texts if not card.get(name, "").strip()}
    figures = card.get("figures", [])
    if not figures or not all(one.get("protocol") and one.get("on") for one in figures):
        missing.add("figures")
    return missing

# %%
check("9.10", lacking)
# hint("9.10")
# solution("9.10")

# %% [markdown]
# The kit writes no card by hand: each is made from the *manifest* inside the weight file, which the training wrote. What nobody wrote down cannot be made up: it says “its file does not say”.

# %%
cards = {name: card(one, demo.workshop.checkpoint(one)) for name, one in offered.items()}
display(Markdown(cards[system]))
table, blanks = [], {}
for name in cards:
    manifest = demo.workshop.checkpoint(offered[name]).manifest
    blanks[name] = cards[name].count(say("card_unknown"))
    reached = manifest["result"]
    figures = [reached, *(part for part in reached.values() if isinstance(part, dict))]
    first = next(part for part in figures if "restored_psnr" in part)
    change = f"{first['degraded_psnr']:.2f} -> {first['restored_psnr']:.2f}"
    row = [name, manifest["data"]["photographs"], f"{reached['steps_done']:,}", change]
    table.append([*row, first["protocol"], blanks[name]])
headers = ["checkpoint", "photographs", "steps", "PSNR (dB)", "protocol", "lines that say nothing"]
caption = "From the manifests. Each task has data of its own: do not compare the rows"
viz.show_table(headers, table, caption)

# %% [markdown]
# ## Capstone
#
# Now yours. Four weeks, in pairs; `course/capstone.md` has the briefs, milestones, the rubric and a form for the review by another pair.
#
# - **A. Repeat a published ablation**: one number of a paper, direction and interval written down before you run.
# - **B. Put two ideas together**: filters for every pixel in MPRNet's last stage; at equal time and equal parameters.
# - **C. Restore your own photographs**: without a truth to score by, so design the evidence. This chapter's demo is your instrument.
# - **D. A new degradation**: haze, scratches, rolling shutter; with its truth, its tests, and exercises.
#
# Evidence weighs 25 %, method 25 %, honesty 20 %, the question and the talk 15 % each. Whatever you hand in, hand in its card (and let exercise 9.10 read it first), and its manifest: `restorelab` writes one for every run.
#
# To show it: `restorelab demo --weights deblur=runs/mine/model.safetensors`. To show it to others: `demo/README.md` (a password, a container, a Space).
#
# ## In five minutes
#
# 1. One function opens files. Sound files are read wrongly without an error: turned, of 16 bits, transparent.
# 2. Check the header before you decode; refuse in a sentence that says what came and what to do.
# 3. A halo as wide as the receptive radius makes tiles exact. Nothing does where the network is not local; blending hides the seam and leaves the error.
# 4. Two small measurements foretell time and memory; say them before you start, and refuse what never ends.
# 5. One job per device, a queue, and a limit: at 90 % load visitors wait 4.5 jobs on average, and a class that clicks at once waits in a line.
# 6. Clamp, round once, hand out PNG. A lossy preview shows a codec.
# 7. Look what leaves the machine. Figures without protocol, terms and limits do not belong on a card.
#
# **Quiz.** *(a)* A file of 20 kB crashes a server of 16 GB. How, and what stops it? *(b)* A network of eight 3x3 layers, the second with stride 2: which halo? *(c)* Tiles of 256 with a halo of 32: how much more work? *(d)* A server is busy for half of the time. Twice as many visitors come. What happens? *(e)* Why may a browser name a network, and not a
# file?
#
# **Reading.** Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019 (arXiv:1810.03993). Gebru et al., *Datasheets for Datasets*, CACM 2021 (arXiv:1803.09010). Luo, Li, Urtasun, Zemel, *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, NeurIPS 2016 (arXiv:1701.04128). Kleinrock, *Queueing Systems*, volume 1, 1975: the formula and its
# relatives. Sculley et al., *Hidden Technical Debt in Machine Learning Systems*, NeurIPS 2015. Pillow's issues 2574 (16 bits) and gradio's 6617 (EXIF), 10394 (WebP), 4620 (temporary files).

# %% tags=["checks"]
assert wrongly == 3 and len(answers) == 6
assert all(sentence.endswith(".") for sentence in answers.values())
rounding = 0.01 if device == "cpu" else 0.5  # of floats, in 1/255: a GPU may take other roads
assert errors["UDVD", 16] < rounding and exact_off < rounding
assert exact.tiling.exact and not blended.tiling.exact
assert min(took.values()) > 0  # no more: on a machine that does other things, clocks prove nothing
for name in sizes:
    one, many = costs[name, None], costs[name, 256]
    assert many.seconds > one.seconds and many.memory < one.memory
assert abs(mean_wait(0.9, 1.0) - 4.5) < 1e-9 and max(at_once.waits) == (visitors - 1) * job
assert limited.refused == max(0, visitors - most_waiting - 1)
assert all(abs(a / mean_wait(b, 1.0) - 1) < 0.2 for a, b in zip(long_run[:5], loads))
assert desk.most_at_work == 1 == together and len(refusals) == 4
assert device != "cpu" or same and alike
assert asked <= {"127.0.0.1", "localhost"}, asked
assert handed["PNG, 16 bits"] < 0.002 < handed["PNG, 8 bits"] <= 0.501
assert np.isclose(handed["PNG, 8 bits"], handed["WebP, lossless"]) and rounded
if (photo, tile) == ("coffee", 64):
    assert errors["UDVD", 0] > 10 > 1 > errors["UDVD", 8] and errors["DMPHN", 64] > 1
    assert max(seams["blended, by restore()"], seams["cut, with a halo of 32"]) < seams["cut"] / 2
    assert handed["WebP, Pillow's default"] > 5
summary = {"system": system, "equal to restore()": same, "seconds for 1280x720": round(job, 1)}
run.finish(result=summary | {"protocol": str(COURSE_RGB)})

# %% tags=["nbval-check-output"]
print("chapter 09: every claim above holds at this preset")
