"""The small ablation that chapter 06 shows: python course/06_multi_stage_mprnet/ablation.py

Short trainings of a small network against noise, and their figures in course/recorded/06_ablation.json, written after every seed.
What is compared is the paper's Table 6: supervised attention, what goes across between the stages, number and kind of the stages;
and the loss, of every stage's picture or of the last alone. Same seed, same samples; the cases differ in nothing else.
"""

import dataclasses
import json
import tempfile
from pathlib import Path

from restorelab import presets
from restorelab.data.folders import fingerprint
from restorelab.data.pairs import training_photos
from restorelab.evaluate import evaluate
from restorelab.files import write_atomically
from restorelab.metrics import COURSE_RGB
from restorelab.train import session
from restorelab.train.loop import fit
from restorelab.train.objectives import OBJECTIVES
from restorelab.train.run import Run, device_name, versions

OUT = Path(__file__).parents[1] / "recorded" / "06_ablation.json"
SEEDS = (0, 1, 2)
JUDGED = 128  # pixels
SMALL = dict(width=8, unet_growth=4, steps=120, batch=4, crop=48, learning_rate=2e-3, warmup=10, ema=0.95, save_every=120)
CASES = {
    "U+U+O, all": {},
    "U+U+O, no SAM": {"sam": False},
    "U+U+O, no CSFF": {"csff": False},
    "U+U+O, neither": {"sam": False, "csff": False},
    "U+O, neither": {"sam": False, "csff": False, "stages": ("unet", "orsnet")},
    "O+O, neither": {"sam": False, "csff": False, "stages": ("orsnet", "orsnet")},
    "U+U, neither": {"sam": False, "csff": False, "stages": ("unet", "unet")},
    "U": {"sam": False, "csff": False, "stages": ("unet",)},
    "U+U+O, all, loss of the last stage alone": {},
}


def main() -> None:
    pictures = training_photos()
    facts = {"parameters": presets.describe(preset("U+U+O, all")), "seeds": list(SEEDS)}
    facts |= {"data": {"photographs": len(pictures), "sha256": fingerprint(pictures)}}
    facts |= {"versions": versions(), "device": device_name("cpu"), "protocol": str(COURSE_RGB)}
    facts["judged on"] = f"the middle {JUDGED}x{JUDGED} of the bundled test photographs, {session.DRAWS} draws of the degradation for each"
    facts["parameters of each"] = {case: count(case) for case in CASES}
    rows = {case: {} for case in CASES}
    for seed in SEEDS:
        for case in CASES:
            rows[case][seed] = trained(case, seed, pictures)
        OUT.parent.mkdir(exist_ok=True)
        write_atomically(OUT, (json.dumps({"manifest": facts, "restored_psnr": rows}, indent=1) + "\n").encode())


def preset(case: str) -> presets.Preset:
    """The lab preset against noise, made small."""
    chosen = presets.choose(presets.MPRNET_DENOISE, "lab", **SMALL)
    objective = "last charbonnier" if "loss of the last" in case else chosen.objective
    fit_config = dataclasses.replace(chosen.fit, workers=0)
    return dataclasses.replace(chosen, model=dataclasses.replace(chosen.model, **CASES[case]), fit=fit_config, objective=objective)


def count(case: str) -> int:
    return sum(one.numel() for one in session.new_network("mprnet", preset(case), 0).parameters())


def trained(case: str, seed: int, pictures: list) -> dict[str, float]:
    """PSNR of every test picture after training one case with one seed. Cases of one seed see the same samples."""
    chosen = preset(case)
    network = session.new_network("mprnet", chosen, seed)
    samples, _ = presets.training_samples(chosen, pictures, seed)
    with tempfile.TemporaryDirectory() as folder, Run(folder, seed) as run:
        network = fit(network, OBJECTIVES[chosen.objective], samples, chosen.fit, run, device="cpu")
    result = evaluate(network, presets.watched_pairs(chosen, "test", session.DRAWS, crop=JUDGED), COURSE_RGB)
    print(f"{case}, seed {seed}: {result.mean('gain'):+.3f} dB", flush=True)
    return {row.name: round(row.restored_psnr, 4) for row in result.rows}


if __name__ == "__main__":
    main()
