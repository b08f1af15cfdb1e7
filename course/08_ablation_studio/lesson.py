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
# # 08 · The ablation studio
#
# ![Twenty-one changes in PSNR with their intervals, one under the other, and beside some of them what was published](forest.png)
#
# *What leaving out a part did to small networks of this course, beside what papers report of large ones.*
#
# “Without SAM the network loses 0.42 dB.” A sentence like this stands in nearly every paper on restoration, and it is the reason why the next paper has SAM. What would you have to do to know whether it is true? Train twice, subtract. Which pictures? Which seed? And if it came out the other way round, would you have printed it?
# This chapter is the instrument: a question written down before its answer, pairs, seeds, intervals, and a word that may be *too close to call*.
#
# **After this chapter you can** compare two networks in pairs · put an interval on a difference and say what it is an interval of · tell how many pictures a question needs · correct for having asked many questions · register a question before its answer is known · see through a chosen figure and a misleading table.
#
# | preset | what it does | machine | time |
# |---|---|---|---|
# | `smoke` (stored here) | a few steps of one ablation, two seeds; everything else from recorded trainings | two processor cores | about a minute |
# | `lab` | that ablation as it was recorded, three seeds | two processor cores | minutes, forecast before it starts |
# | `paper` | ten times those steps, five seeds | a patient machine | hours, forecast before it starts |
#
# **The five-minute version**: the table under *One network, two seeds*, the forest, and the cherry picker. Plan two hours for all of it.

# %%
import contextlib
import dataclasses
import itertools
import math

import numpy as np
import torch
from rich.console import Console

from restorelab import checkpoint, presets, viz
from restorelab.cli.sweep import Where, sweep_chapter
from restorelab.data.pairs import photo_pairs, training_photos
from restorelab.degrade import GaussianBlur, GaussianNoise, Jpeg, Recipe
from restorelab.evaluate import evaluate, interval_of_mean
from restorelab.experiment.ablation import carry_out, network_of, preset_of
from restorelab.experiment.cards import evidence, scores, verdict
from restorelab.experiment.inference import flattery, holm, pictures_needed, sign_flip_p
from restorelab.experiment.registration import held_against, register, registration_of
from restorelab.experiment.studies import ABLATIONS, CARDS, card_of, course_record
from restorelab.lesson import check, hint, predict, reveal, show_source, solution
from restorelab.lesson.checks.ch08_ablation_studio import misleading
from restorelab.metrics import COURSE_RGB
from restorelab.restore import restore
from restorelab.train import session
from restorelab.train.run import Run, new_run_folder
from restorelab.widgets import CherryPicker

# %% [markdown]
# The next cell holds what an experiment may change. From a shell: `restorelab run 08 --preset lab -p card=dmphn-levels`; `restorelab ablate` lists the cards, and `restorelab ablate dmphn-levels` repeats one without a notebook.

# %% tags=["parameters"]
preset: str = "smoke"  # smoke, lab or paper
card: str = "mprnet-csff"  # the question that is asked anew; restorelab ablate lists them
matters: float = 0.1  # dB: the smallest change that would be worth having
steps: int = 0  # updates of the weights of each training; 0 keeps the preset's
minutes: float = 20.0  # trainings forecast to take longer are not begun: the record serves
sweep: bool = False  # really carry out the sweep that is planned below
seed: int = 0  # decides every random number of this chapter but those of the trainings
run_dir: str = ""  # where the run is written; empty makes a new folder under runs/

# %%
plan = presets.choose(presets.STUDIO, preset)
asked = card_of(card)
study = ABLATIONS[asked.ablation]
length = steps or plan.steps or plan.times * study.small["steps"]
study = dataclasses.replace(study, small={**study.small, "steps": length}, seeds=plan.seeds)
study = dataclasses.replace(study, judged=min(study.judged, plan.judged))
records = {name: course_record(name) for name in ABLATIONS}
facts = {"card": card, "steps": length, "seeds": list(plan.seeds), "matters": matters}
run = Run(run_dir or new_run_folder("08_ablation_studio"), seed, facts)
print(f"{asked.claim} {asked.whole!r} against {asked.without!r}, {length} steps, seeds {plan.seeds}")
for name, record in records.items():
    how = record["manifest"]
    several = sum(map(len, record["restored_psnr"].values()))
    print(f"{name}: {several} trainings of {how['parameters']['fit']['steps']} steps; {how['judged on']}")

# %% [markdown]
# ## Before you begin
#
# Questions from earlier chapters. Answer aloud, then open.
#
# <details><summary>(07) A network was trained on a distance and is judged by it. What is wrong?</summary>
# It wrote the exam. Judge by something that had no part in the training.</details>
#
# <details><summary>(06) Taking a level away from a trained network, and training without it: which of the two is an ablation?</summary>
# The second. The first asks what a network does without something it was trained to rely on.</details>
#
# <details><summary>(04) The predicted filters were frozen and the network got no worse. What does that say about the idea?</summary>
# That this training, of this length, on these pictures did not need it. Not more.</details>
#
# <details><summary>(02) Two PSNRs may be subtracted if …</summary>
# … they were made under one protocol, on the same pictures.</details>
#
# <details><summary>(00) Why does an experiment note its seed?</summary>
# Because another seed is another experiment.</details>
#
# ## Predict
#
# Guess before you run. Write a number in place of `None`; being wrong is what makes the answer stick.

# %%
question = "One network trained twice, only the seed differs. How far apart are the two, typically?"
predict("seeds", question, guess=None, unit="dB")
question = "In how many of 100 such pairs does the 95 % interval over pictures leave 0 out?"
predict("false alarms", question, guess=None, unit="of 100")
question = "How many pictures show a difference of 0.18 dB four times out of five?"
predict("pictures", question, guess=None, unit="pictures")
question = "How many of the course's cards with a published direction agree with it?"
predict("agree", question, guess=None, unit="%")

# %% [markdown]
# ## One network, two seeds
#
# The course recorded small ablations of its five systems: short trainings that differ in one thing, each with three seeds, each judged on the same twelve pictures; the two against shake with paths of 5 to 8 pixels, where chapters 03, 05 and 06 have 5 to 12 (`show_source(carry_out)` if you want to see how little there is to it). Before comparing *different* networks, compare each of them with itself: same network, same photographs, same length. Nothing differs but the seed.

# %%
tables = {}  # (record, case) -> seeds x pictures
for name, record in records.items():
    for case in record["restored_psnr"]:
        tables[name, case] = scores(record, case)
gaps_of_nothing = [
    table[b] - table[a] for table in tables.values() for a, b in itertools.combinations(range(len(table)), 2)
]
apart = np.array([abs(gaps.mean()) for gaps in gaps_of_nothing])
ends = np.array([interval_of_mean(gaps) for gaps in gaps_of_nothing])
clear = (ends[:, 0] > 0) | (ends[:, 1] < 0)
rows = []
for name in records:
    of = [table for (record, _), table in tables.items() if record == name]
    spread = np.sqrt(np.mean([table.mean(1).var(ddof=1) for table in of]))
    scatter = np.mean([table.mean(0).std(ddof=1) for table in of])
    rows.append([name, len(of), f"{spread:.2f}", f"{scatter:.2f}"])
headers = ["record", "networks", "std between seeds (dB)", "std between pictures (dB)"]
viz.show_table(headers, rows, f"Recorded trainings. Protocol: {COURSE_RGB}")
why = f"Median of {len(apart)} pairs of trainings that differ in nothing but the seed."
reveal("seeds", float(np.median(apart)), why)
why = "The interval is of pictures: it says what other pictures would do, not another training."
reveal("false alarms", 100 * float(clear.mean()), why)

# %% [markdown]
# So the usual evidence, one training each and an interval over the test set, “proves” that a network is better than itself. With that in mind look at what can be told with the record of one question. Nobody lies here:

# %%
gaps = tables["mprnet", "U+U+O, no SAM"] - tables["mprnet", "U+U+O, all"]
names = sorted(records["mprnet"]["restored_psnr"]["U+U+O, all"]["0"])
best_seed, worst_seed = int(gaps.mean(1).argmin()), int(gaps.mean(1).argmax())
stories = {
    f"“SAM is essential”: seed {best_seed}": gaps[best_seed],
    f"“SAM is harmful”: seed {worst_seed}": gaps[worst_seed],
    "“SAM helps”: mean over the seeds, an interval over pictures": gaps.mean(0),
}
rows = []
for story, found in stories.items():
    low, high = interval_of_mean(found)
    rows.append([story, f"{found.mean():+.3f}", f"[{low:+.3f}, {high:+.3f}]"])
told = evidence(CARDS["mprnet-sam"], records["mprnet"])
rows.append(["what may be said", f"{told.mean:+.3f}", verdict(CARDS["mprnet-sam"], told)])
headers = ["the story", "change without SAM (dB)", "95 % over pictures"]
viz.show_table(headers, rows, f"MPRNet, small, against noise, {len(names)} pictures. {COURSE_RGB}")

# %% [markdown]
# ## Pairs
#
# Pictures differ from each other by decibels, networks by tenths. Comparing two means throws the pairing away: it lets the difference between a cat and a cup into the error bar. Subtract first.
#
# ### Exercise 8.1 · Pairs · ★ · 4 min
#
# `whole` and `without` hold PSNRs, seeds x pictures. Return the change of every picture when the part is left out: negative if it got worse, the mean over the seeds.

# %% tags=["exercise", "exercise-8.1"]
def paired(whole, without):
    ...


# solution
def paired(whole, without):
    return (without - whole).mean(0)

# %%
check("8.1", paired)
# hint("8.1")       take the # away and run; again for the second hint
# solution("8.1")

# %%
whole, without = tables["dmphn", "1-2-4"], tables["dmphn", "1"]
change = (without - whole).mean(0)
of_pairs = change.std(ddof=1) / np.sqrt(len(change))
of_means = np.hypot(*(one.mean(0).std(ddof=1) for one in (whole, without))) / np.sqrt(len(change))
print(f"DMPHN, one level against three: {change.mean():+.3f} dB")
print(f"standard error from pairs {of_pairs:.3f} dB, from two separate means {of_means:.2f} dB")

# %% [markdown]
# ## An interval, and of what
#
# The *bootstrap* asks: what would the mean have been with other pictures? It has none, so it draws from those it has, with replacement, thousands of times (Efron 1979).
#
# ### Exercise 8.2 · Other pictures · ★★ · 8 min
#
# `gaps` holds the change of each of n pictures; `picks`, draws x n, holds in every row which pictures that draw took. Return the two ends between which the middle 95 % of the draws' means lie (as a tuple, or a tensor of two).

# %% tags=["exercise", "exercise-8.2"]
def interval(gaps, picks):
    ...


# solution
def interval(gaps, picks):
    means = gaps[picks].mean(1)
    return torch.quantile(means, torch.tensor([0.025, 0.975], dtype=means.dtype))

# %%
check("8.2", interval)
# hint("8.2")
# solution("8.2")

# %%
dice = np.random.default_rng(seed)
changes, both = {}, {}  # card -> seeds x pictures; and the ends of the interval over both
for name, one in CARDS.items():
    table = tables[one.ablation, one.without] - tables[one.ablation, one.whole]
    changes[name] = table
    draws = [dice.integers(size, size=(4000, size)) for size in table.shape]
    twice = table[draws[0][:, :, None], draws[1][:, None, :]].mean((1, 2))
    both[name] = tuple(np.percentile(twice, [2.5, 97.5]))
rows = []
for name in ("mprnet-csff", "mprnet-sam", "dmphn-levels", "udvd-filters"):
    found = evidence(CARDS[name], records[CARDS[name].ablation])
    low, high = both[name]
    over = f"[{found.low:+.3f}, {found.high:+.3f}]"
    seeds = ", ".join(f"{one:+.2f}" for one in found.per_seed)
    rows.append([name, f"{found.mean:+.3f}", over, f"[{low:+.3f}, {high:+.3f}]", seeds])
headers = ["card", "change (dB)", "over pictures", "over pictures and seeds", "each seed"]
viz.show_table(headers, rows, f"95 % intervals, without the part. Protocol: {COURSE_RGB}")

# %% [markdown]
# The fourth column draws the trainings anew as well: that is the interval most people believe the third to be. With three seeds it is still too narrow (three numbers know little about how they scatter), which is why the course's rule is stricter: *all seeds must say the same*. And twelve pictures made of three photographs are fewer than twelve: draws of one photograph resemble each other. An interval is no better than its list of pictures.
#
# ## How many?
#
# A difference that is real can be missed. How many pictures does it take to see it, say, four times out of five?
#
# ### Exercise 8.3 · How many pictures? · ★★ · 6 min
#
# Paired differences scatter by `std` from picture to picture; the true mean is `effect`, both in dB. A mean of n pictures scatters by std / √n, and the effect must be 1.959964 + 0.841621 times that: the first number for an error of 5 %, the second for being found in 80 %. Return the smallest n.

# %% tags=["exercise", "exercise-8.3"]
def pictures(std, effect):
    ...


# solution
def pictures(std, effect):
    return math.ceil(((1.959964 + 0.841621) * std / effect) ** 2)

# %%
check("8.3", pictures)
# hint("8.3")
# solution("8.3")

# %%
effects = {"0.05 dB": 0.05, "0.18 dB (CSFF, published)": 0.18, "0.42 dB (SAM, published)": 0.42}
scatters = {name: float(table.mean(0).std(ddof=1)) for name, table in changes.items()}
rows = []
for name in ("dmphn-levels", "mprnet-csff", "udvd-filters", "x16-believed"):
    needed = [pictures_needed(scatters[name], effect) for effect in effects.values()]
    rows.append([name, f"{scatters[name]:.2f}", *needed])
viz.show_table(["as in", "std of pairs (dB)", *effects], rows, "Pictures needed, 5 % error, 80 % power")
typical = float(np.median(list(scatters.values())))
why = f"With the median scatter of the course's cards, {typical:.2f} dB. And this is for one training."
reveal("pictures", pictures_needed(typical, 0.18), why)

# %% [markdown]
# ## Nothing, by chance
#
# The most honest test needs no formula. If the part does nothing, then every difference might as well have had the other sign: *with* and *without* are two names for the same thing. So turn signs over, in all 2ⁿ ways, and count how often the mean comes out as far from 0 as the one that was found (Fisher 1935). That share is the *p value*: how surprising this would be if there were nothing.
#
# ### Exercise 8.4 · Heads or tails · ★★ · 8 min
#
# `gaps` has n differences, `signs`, 2ⁿ x n, every way to choose +1 or -1 for each. Return the share of the ways whose mean is at least as far from 0, in either direction, as the mean of `gaps`. (Take 1e-9 off before you compare: sums in another order round differently.)

# %% tags=["exercise", "exercise-8.4"]
def p_value(gaps, signs):
    ...


# solution
def p_value(gaps, signs):
    return ((signs * gaps).mean(1).abs() >= gaps.mean().abs() - 1e-9).double().mean()

# %%
check("8.4", p_value)
# hint("8.4")
# solution("8.4")

# %% [markdown]
# ### Exercise 8.5 · Many questions · ★★★ · 10 min
#
# Ask twenty questions about nothing, at 5 % each, and expect one discovery. *Holm's* correction makes the p values of a whole list larger, so that the chance of even one false alarm in all of it stays where you wanted it: the smallest times n, the next times n - 1, and so on; none smaller than one before it, none above 1. Return them in the order in which they came.

# %% tags=["exercise", "exercise-8.5"]
def adjusted(ps):
    ...


# solution
def adjusted(ps):
    order = ps.argsort()
    larger = (ps[order] * torch.arange(len(ps), 0, -1)).cummax(0).values.clamp(max=1)
    out = torch.empty_like(larger)
    out[order] = larger
    return out

# %%
check("8.5", adjusted)
# hint("8.5")
# solution("8.5")

# %%
ps = np.array([sign_flip_p(table.mean(0)) for table in changes.values()])
corrected = holm(ps)
print(f"{len(ps)} cards: p below 0.05 for {(ps < 0.05).sum()}, after Holm for {(corrected < 0.05).sum()}")
nothing = np.array([sign_flip_p(gaps) for gaps in gaps_of_nothing])
flagged = int((nothing < 0.05).sum())
print(f"{len(nothing)} pairs of one network with itself: p below 0.05 for {flagged}")

# %% [markdown]
# Look at the last line. The test is exact, the correction is right, and still most of the pairs that differ in *nothing but the seed* are “significant”. The test answers what it was asked: would other pictures say the same of *these two trainings*? They would. No arithmetic on one training's pictures can know what another training would do. Statistics do not replace seeds.
#
# ## Register first
#
# Everything above can be done after the fact, and then one chooses, without meaning to: the seed that worked, the picture that shows it, the threshold just below the result. The remedy is old and dull. Write down what you compare, what you expect, what would matter and when you stop, *before* you train. Here that is a file which cannot be written twice:

# %%
promise = registration_of(asked, study, matters)
print(register(run.folder / "ablation", promise).read_text())

# %% [markdown]
# ### Exercise 8.6 · What a sweep costs · ★ · 3 min
#
# Before you promise, count. `axes` says how many values each parameter takes, such as `{"sam": 2, "csff": 2}`; every combination is trained with each of `seeds` seeds, and one training takes `minutes`. Return the minutes of all.

# %% tags=["exercise", "exercise-8.6"]
def cost(axes, seeds, minutes):
    ...


# solution
def cost(axes, seeds, minutes):
    return math.prod(axes.values()) * seeds * minutes

# %%
check("8.6", cost)
# hint("8.6")
# solution("8.6")

# %% [markdown]
# Chapters are experiments too: `restorelab sweep` runs one over a grid of its parameters, on this machine or through SLURM, goes on after a kill, and collects one table. The same from a notebook, as a plan only, unless `sweep` is set:

# %%
axes = ["patches=1-2-4,1-2,1", "seed=0,1,2"]
fixed = {"preset": "lab", "minutes": "60"}
console, folder = Console(width=100, highlight=False), run.folder / "sweep"
with console.capture() if not sweep else contextlib.nullcontext() as said:
    sweep_chapter("05", axes, fixed, Where(), False, folder, not sweep, console)
if not sweep:
    print(said.get().split("sweep folder")[0])

# %% [markdown]
# ## Train
#
# Now the question that was registered. The forecast first, as always.

# %%
photographs = training_photos()
first, network = preset_of(study, asked.whole), network_of(study, asked.whole, 0)
expected = session.predict(network, first, photographs, 0, "cpu")
count = 2 * len(study.seeds)
trains = count * expected.minutes <= minutes
print(f"{count} trainings, each {expected}")
said = lambda case, number, gain: print(f"{case!r}, seed {number}: {gain:+.2f} dB over the input")
if trains:
    record = carry_out(study, run.folder / "ablation" / "record.json", (asked.whole, asked.without), said)
else:
    record = records[asked.ablation]
    print("That is longer than `minutes` allows: the course's record serves.")

# %%
label = f"{length} steps" if trains else "the course's record"
if trains:
    answer, found = held_against(promise, record)
    print(f"registered: {promise.expected}, by {promise.matters} dB or more. Found: {found}: {answer}")
else:
    found = evidence(asked, record)
recorded = evidence(asked, records[asked.ablation])
headers = ["trained", "change (dB) [95 % over pictures]", "each seed", "direction"]
rows = []
for what, one in {f"now, {label}": found, "course's record": recorded}.items():
    seeds = ", ".join(f"{each:+.3f}" for each in one.per_seed)
    rows.append([what, str(one), seeds, verdict(asked, one)])
viz.show_table(headers, rows, f"{asked.claim} {asked.without!r} minus {asked.whole!r}. {COURSE_RGB}")

# %% [markdown]
# In `smoke` the trainings are far too short to mean anything; what they prove is that the instrument works. Whatever came out, it is printed: that is the point of having registered.
#
# ### Exercise 8.7 · The word · ★★ · 8 min
#
# `low` and `high` are the ends of the interval, `per_seed` the change with each seed, `published` the paper's change, all in dB. Return `"agrees"`, `"disagrees"` or `"too close to call"`: nothing is settled if the interval holds 0 or if the seeds do not all have one sign; else compare the *direction* with the published one.

# %% tags=["exercise", "exercise-8.7"]
def word(low, high, per_seed, published):
    ...


# solution
def word(low, high, per_seed, published):
    sign = (low > 0) - (high < 0)
    if sign == 0 or len({one > 0 for one in per_seed}) > 1:
        return "too close to call"
    return "agrees" if sign * published > 0 else "disagrees"

# %%
check("8.7", word)
# hint("8.7")
# solution("8.7")

# %% [markdown]
# ## Expectation cards
#
# A card holds one claim: what a paper says that a part is worth, what others measured again, and what came of leaving it out here. Ours are computed from the records, never typed. They are *small* networks, *short* trainings, other data. A card that disagrees says nothing against the paper; it says what it takes to see the effect.

# %%
words = viz.show_cards(CARDS, records, f"Ours: recorded. Protocol: {COURSE_RGB}")
for source in dict.fromkeys(one.source for one in CARDS.values() if one.direction):
    print(source)
settled = [said for name, said in words.items() if CARDS[name].direction]
share = 100 * settled.count("agrees") / len(settled)
why = f"{settled.count('agrees')} agree, {settled.count('disagrees')} disagree, of {len(settled)}."
reveal("agree", share, why + " The rest is too close to call.")

# %%
line = {}
for name, one in CARDS.items():
    found = evidence(one, records[one.ablation])
    line[name] = (found.mean, found.low, found.high)
published = {name: one.published for name, one in CARDS.items() if one.published is not None}
title = "Small networks of this course, minutes of training each, three seeds, twelve pictures"
what = f"{len(line)} changes in PSNR with intervals, and {len(published)} published ones"
viz.show(viz.forest(line, published, title), what, lossless=True)
print("`restorelab ablate NAME` trains both networks of a card anew.")

# %% [markdown]
# Why is so little settled? It is no reason to think that the papers are wrong. These trainings are a thousandth of the published ones, and in the first minutes whatever learns *quickly* wins: fewer stages, fixed filters. That may be why two cards disagree; a longer training would show (`-p steps=1200`). And the seeds scatter more than most effects are large.
#
# ### Exercise 8.8 · Together · ★★ · 6 min
#
# MPRNet without SAM loses 0.42 dB, without CSFF 0.18, without both 0.63: nearly the sum. Do two parts do the same work, or need each other? All four arguments are PSNRs of the same pictures. Return what both lose *beyond* the sum of what each loses alone, for every picture.

# %% tags=["exercise", "exercise-8.8"]
def together(whole, no_a, no_b, neither):
    ...


# solution
def together(whole, no_a, no_b, neither):
    return (neither - whole) - (no_a - whole) - (no_b - whole)

# %%
check("8.8", together)
# hint("8.8")
# solution("8.8")

# %%
four = [tables["mprnet", f"U+U+O, {case}"] for case in ("all", "no SAM", "no CSFF", "neither")]
beyond = four[3] - four[1] - four[2] + four[0]
low, high = interval_of_mean(beyond.mean(0))
seeds = ", ".join(f"{one:+.2f}" for one in beyond.mean(1))
print(f"SAM and CSFF together, beyond the sum: {beyond.mean():+.3f} dB [{low:+.3f}, {high:+.3f}]")
print(f"each seed: {seeds}; published: {-0.63 + 0.42 + 0.18:+.2f} dB")

# %% [markdown]
# ## Choosing pictures
#
# A table has numbers, a figure has three pictures. Which? Every choice below is true. Press some, and see where your figure lies among all figures of as many.
#
# ### Exercise 8.9 · Flattery · ★★ · 6 min
#
# `gains` holds the gain of each of n pictures, `chosen` the numbers of those in the figure, `choices` every choice of as many (a row each). Return the share of the choices whose mean gain is *below* that of the figure. (Add 1e-9 to be on the safe side of rounding.)

# %% tags=["exercise", "exercise-8.9"]
def flatters(gains, chosen, choices):
    ...


# solution
def flatters(gains, chosen, choices):
    return (gains[choices].mean(1) < gains[chosen].mean() - 1e-9).double().mean()

# %%
check("8.9", flatters)
# hint("8.9")
# solution("8.9")

# %%
course = checkpoint.load_course("dmphn", "deblurring")
shaken = presets.watched_pairs(presets.DMPHN["lab"], "test", 4, crop=128)
restored = {}
for pair in shaken:
    restored[pair.name] = restore(course.model, pair.degraded).image
made = iter(restored.values())
named = ("DMPHN, course checkpoint", "bundled test photographs, middle 128x128, four draws of the shake")
result = evaluate(lambda degraded: next(made), shaken, COURSE_RGB, named=named)
picker = CherryPicker(result, restored, seed=seed)
picker

# %%
gains = picker.gains
best = [int(number) for number in np.argsort(gains)[-3:]]
fair = flattery(gains, best)
print(f"mean gain of all {len(gains)}: {gains.mean():+.2f} dB, of the best three: {gains[best].mean():+.2f} dB")
print(f"{100 * fair:.1f} % of all figures of three look worse (ties count half)")

# %% [markdown]
# Random pictures, with their seed printed, and the worst beside them: that is all it takes. A random choice may flatter, too, by luck; it does not flatter *on purpose*, and the reader can tell by the seed.
#
# ## Out of its element
#
# Every network was trained against one fault. What do they do to the others? A row is a network, a column a fault; the number is the gain in dB. The diagonal is what papers print.

# %%
faults = {
    "shake": presets.SHAKE,
    "Gaussian blur, 2 px": Recipe((GaussianBlur(std=2.0),)),
    "noise, σ = 25/255": Recipe((GaussianNoise(sigma=25 / 255),)),
    "rain": presets.MPRNET_DERAIN["lab"].recipe,
    "JPEG, quality 30": Recipe((Jpeg(quality=30),)),
}
experts = {"DMPHN, deblurring": course.model}
for task in ("deblurring", "denoising", "deraining"):
    experts[f"MPRNet, {task}"] = checkpoint.load_course("mprnet", task).model
experts["DeblurGAN-v2, deblurring"] = checkpoint.load_course("deblurgan_v2", "deblurring").model
gain_of = np.zeros((len(experts), len(faults)))
for column, recipe in enumerate(faults.values()):
    pairs = photo_pairs("test", recipe, crop=plan.crop)
    for row, expert in enumerate(experts.values()):
        gain_of[row, column] = evaluate(expert, pairs, COURSE_RGB).mean("gain")

# %%
title = f"Gain (dB), course checkpoints, three test photographs, middle {plan.crop}x{plan.crop}. {COURSE_RGB}"
what = "Five networks against five faults: each gains in its own and loses in many of the others"
viz.show(viz.heat_map(gain_of, list(experts), list(faults), title), what, lossless=True)
own = [gain_of[0, 0], gain_of[1, 0], gain_of[2, 2], gain_of[3, 3], gain_of[4, 0]]
stranger = float(np.median(np.delete(gain_of.ravel(), [0, 5, 12, 18, 20])))
print(f"median gain outside of what they were trained for: {stranger:+.2f} dB")

# %% [markdown]
# DMPHN takes noise for detail and sharpens it, and all that remove blur make the blocks of a JPEG worse. MPRNet's deblurring network smooths noise that it was never shown, which nobody asked it to. A table with one column never shows any of this; whoever uses the network will see nothing else. *Robustness* is not a property of a network but of a network and a list of faults. Print the list.
#
# ### Exercise 8.10 · Bug hunt: a table that misleads · ★★ · 8 min
#
# Nothing in this table is false. Five lines mislead. Return their numbers.

# %%
print(misleading())

# %% tags=["exercise", "exercise-8.10"]
def bad_lines():
    ...


# solution
def bad_lines():
    return {4, 5, 6, 7, 8}

# %%
check("8.10", bad_lines)
# hint("8.10")
# solution("8.10")

# %% [markdown]
# ## In five minutes
#
# 1. Compare in pairs: same pictures, same seeds, subtract first.
# 2. An interval over pictures speaks of other pictures. Another training needs another seed: the same network differs from itself.
# 3. Before you ask, count how many pictures and trainings an answer takes.
# 4. Many questions find something in nothing. Correct for all that were asked, not for those that are shown.
# 5. Write the question down first: what is compared, what is expected, what would matter, when you stop.
# 6. “Too close to call” is a result. Print it.
# 7. Draw the pictures of a figure by a seed, and show the worst.
#
# **Quiz.** *(a)* Twelve pictures, all better: what is the smallest p value that turning signs over can give? *(b)* You run twenty ablations and show the four that worked. By how many do you correct? *(c)* Why does pairing help less where two networks are very different? *(d)* A reviewer asks for error bars; you train once and bootstrap the test set. What do you have to write beside them? *(e)* A registered question came out as “too close to call”, and five more seeds would settle it. May you add them?
#
# **After the course**: the fourteen statements of `course/misconceptions.md` once more. What changed since the first time?
#
# **Reading.** Efron, Tibshirani, *An Introduction to the Bootstrap*, 1993. Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics 1979. Bouthillier et al., *Accounting for Variance in Machine Learning Benchmarks*, MLSys 2021: how much the seed is worth. Nosek, Ebersole, DeHaven, Mellor, *The Preregistration Revolution*, PNAS 2018. Musgrave, Belongie, Lim, *A Metric Learning Reality Check*, ECCV 2020: a field measured again. Zamir et al., *MPRNet*, CVPR 2021, Table 6, is a model of an ablation table: one protocol, one length, every row stated.

# %% tags=["checks"]
assert len(CARDS) >= 10 and {CARDS[name].ablation for name in CARDS} == set(ABLATIONS)
assert clear.mean() > 0.5 and flagged > len(nothing) / 2
assert of_pairs < 0.2 * of_means and gaps.shape[0] == 3
assert stories and interval_of_mean(list(stories.values())[0])[1] < 0
assert interval_of_mean(list(stories.values())[1])[0] > 0 and words["mprnet-sam"] == "too close to call"
assert all(one >= two for one, two in zip(corrected, ps)) and (corrected < 0.05).sum() <= (ps < 0.05).sum()
assert 0 < settled.count("agrees") < len(settled) and "disagrees" in settled
assert fair > 0.95 and gains[best].mean() > gains.mean()
assert min(own) > 0 and stranger < 0
if trains:
    assert len(held_against(promise, record)[1].per_seed) == len(study.seeds)
summary = {"card": card, "direction": verdict(asked, evidence(asked, record)), "steps": length}
summary |= {"trained": trains, "change": round(evidence(asked, record).mean, 4)}
run.finish(result=summary | {"protocol": str(COURSE_RGB)})

# %% tags=["nbval-check-output"]
print("chapter 08: every claim above holds at this preset")
