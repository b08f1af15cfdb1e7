"""The small ablation that chapter 04 shows where nothing is trained: python course/04_dynamic_filter_sr/ablation.py

Fifteen short trainings, and their figures in course/recorded/04_ablation.json, written after every seed. What is compared is the
chain of dynamic blocks (U, UD, UDD), the loss (of every block's picture, or of the last alone), and filters that may change at all:
frozen, they stay those of bicubic enlargement, and only the residuals learn.
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
from restorelab.train.run import Run, device_name, versions

OUT = Path(__file__).parents[1] / "recorded" / "04_ablation.json"
SEEDS = (0, 1, 2)
JUDGED = 192  # pixels
SMALL = dict(width=16, depth=2, steps=250, batch=4, crop=48, warmup=20, ema=0.96, validate_every=250, save_every=250)
CASES = {
    "UDD": {},
    "UD": {"blocks": "UD"},
    "U": {"blocks": "U"},
    "UDD, loss of the last block alone": {"objective": "last charbonnier"},
    "UDD, filters frozen at bicubic": {},
}


def main() -> None:
    pictures = training_photos()
    facts = {"parameters": presets.describe(preset("UDD")), "data": {"photographs": len(pictures), "sha256": fingerprint(pictures)}}
    facts |= {"versions": versions(), "device": device_name("cpu"), "protocol": str(COURSE_RGB)}
    facts["judged on"] = f"the middle {JUDGED}x{JUDGED} of the bundled test photographs, {session.DRAWS} draws of the degradation for each"
    rows = {case: {} for case in CASES}
    for seed in SEEDS:
        for case in CASES:
            rows[case][seed] = trained(case, seed, pictures)
        OUT.parent.mkdir(exist_ok=True)
        write_atomically(OUT, (json.dumps({"manifest": facts, "restored_psnr": rows}, indent=1) + "\n").encode())


def preset(case: str) -> presets.Preset:
    chosen = presets.choose(presets.UDVD, "lab", **SMALL, **CASES[case])
    return dataclasses.replace(chosen, fit=dataclasses.replace(chosen.fit, workers=0))


def trained(case: str, seed: int, pictures: list) -> dict[str, float]:
    """PSNR of every test picture after training one case with one seed. Cases of one seed see the same samples."""
    chosen = preset(case)
    network = session.new_network("udvd", chosen, seed)
    if "frozen" in case:
        for block in network.blocks:
            block.to_kernels.requires_grad_(False)
    with tempfile.TemporaryDirectory() as folder, Run(folder, seed) as run:
        network = session.train(network, chosen, pictures, run, "cpu")
    judged = presets.watched_pairs(chosen, "test", session.DRAWS, crop=JUDGED)
    result = evaluate(network, judged, COURSE_RGB, condition=presets.condition_of(chosen))
    print(f"{case}, seed {seed}: {result.mean('gain'):+.3f} dB", flush=True)
    return {row.name: round(row.restored_psnr, 4) for row in result.rows}


if __name__ == "__main__":
    main()
