"""Presets of DeblurGAN-v2: camera shake, against discriminators at two scales; and the same without them, to begin with or to compare."""

import dataclasses

from restorelab.models.deblurgan_v2 import COURSE_MOBILENET, PAPER_INCEPTION
from restorelab.presets.against import Against
from restorelab.presets.preset import Preset
from restorelab.train.loop import FitConfig

# The paper's weights, for pictures in [0, 1].
PUBLISHED = Against(
    game="relativistic", pixel_weight=0.5, perceptual_weight=0.006, adversarial_weight=0.01, perceptual_network="vgg19",
)  # fmt: skip
# What the authors' code makes of them, with batch 1: it takes the squared error after dividing by ImageNet's deviations, and has a tenth
# of the adversary. On shaken photographs the published weights give the adversary 17 times the gradient of the pixels.
COURSE = dataclasses.replace(PUBLISHED, pixel_weight=9.8, adversarial_weight=0.001, discriminator_width=16)

# A training without discriminators was gone on with twice from the same weights, for 1250 steps (shakes of 5 to 8 pixels). Where the
# norms of the backbone stood still it was 0.05 to 0.1 dB ahead in validation at each of five looks.
LAB = FitConfig(steps=8000, batch=8, learning_rate=1e-3, warmup=200, ema=0.998, workers=2, save_every=250, validate_every=250,
                freeze_norms=2000)  # fmt: skip

DEBLURGAN_V2 = {
    "smoke": Preset(
        model=dataclasses.replace(COURSE_MOBILENET, width=16),
        fit=FitConfig(steps=20, batch=2, learning_rate=1e-3, warmup=5, ema=0.9, save_every=10, validate_every=10),
        crop=64,
        objective="mse",
        against=dataclasses.replace(COURSE, discriminator_width=8),
        perceptual=True,
        note="20 steps prove that everything works; they restore next to nothing.",
    ),
    "lab": Preset(
        model=COURSE_MOBILENET,
        fit=LAB,
        crop=128,
        leaves=0.1,
        objective="mse",
        against=COURSE,
        perceptual=True,
        note="The network of the course checkpoint. Its time on a GPU has not been measured yet; the forecast below is for your machine.",
    ),
    "paper": Preset(
        model=PAPER_INCEPTION,
        fit=FitConfig(steps=300_000, batch=1, learning_rate=1e-4, warmup=0, ema=0.0, workers=8, save_every=2000, validate_every=10_000),
        crop=256,
        leaves=0.0,
        objective="mse",
        against=PUBLISHED,
        perceptual=True,
        data_set="gopro_large",
        note=(
            "The published losses and weights, batch 1 and crops of 256 pixels on one GPU, Adam 1e-4 for 300 epochs of 1000 pictures, "
            "with a cosine in place of the linear decay; about five days for the authors. They began with a backbone trained on ImageNet, "
            "which stood still for the first 3 epochs: with such weights give freeze_steps=3000. Published: 29.55 dB (GoPro, linear "
            "subset, Inception; 28.17 dB with MobileNet), on about 10,000 pairs of GoPro, DVD and NFS; nobody has reported reaching it "
            "by training anew. On several GPUs raise the batch and the learning rate together, and divide the steps."
        ),
    ),
}
# The generator alone: weights for the training above to begin with, and what its adversary adds is seen beside it.
# For its last steps give objective="psnr". 20,000 steps with squared error, which is that of the worst pictures of a batch (crop 128,
# batch 5, begun with older weights), ended 2.44 dB above the input in validation and 1.69 on the test photographs, the nearly sharp ones
# hardly mended; 1600 more brought 0.02 on those, 4200 with "psnr" 0.13, and 2.60 in validation.
DEBLURGAN_V2_PIXEL = {
    name: dataclasses.replace(preset, against=None, objective="charbonnier", note=f"Without discriminators. {preset.note}")
    for name, preset in DEBLURGAN_V2.items()
}
