"""Every word of the page, in English and in Chinese, and which component it stands on.

What a component says is given by a key of `WORDS`, so that changing the language is one event that sends all labels anew. The sentences
of restorelab's own errors are English in both.
"""

from dataclasses import dataclass, field

import gradio as gr

LANGUAGES = {"en": "English", "zh": "中文"}

WORDS = {
    # The page
    "title": ("restorelab: repair a photograph, and look inside", "restorelab：修复照片，看清网络内部"),
    "language": ("Language", "语言"),
    "lead": (
        "Small networks from the course; About says what each has learnt. They are here to be looked at, not to win.",
        "课程中的小型网络；“关于”页说明每个网络学了什么。它们供人观察，不为夺冠。",
    ),
    "tab_restore": ("Restore", "修复"),
    "tab_judge": ("Degrade and judge", "退化与评判"),
    "tab_inside": ("Look inside", "看内部"),
    "tab_about": ("About", "关于"),
    # Restore
    "picture": ("**Your picture**: choose a file, paste, drop or take one", "**您的照片**：选择文件、粘贴、拖放或拍摄"),
    "examples": ("Or take one of ours, spoiled in a known way:", "或选用我们的示例（以已知方式退化）："),
    "example_shake": ("Coffee, shaken", "咖啡（抖动）"),
    "example_noise": ("Tulips, noisy", "郁金香（有噪声）"),
    "example_rain": ("Coffee in the rain", "雨中的咖啡"),
    "example_tiny": ("Tulips, tiny", "郁金香（极小）"),
    "example_small": ("Cat, small and noisy", "猫（缩小且有噪声）"),
    "task": ("What is wrong with it?", "照片有什么问题？"),
    "deblur": ("It is blurred by motion", "运动模糊"),
    "denoise": ("It is noisy", "有噪声"),
    "derain": ("It rains in it", "有雨"),
    "x2": ("It is too small: twice the size", "太小：放大 2 倍"),
    "x3": ("It is too small: three times the size", "太小：放大 3 倍"),
    "x4": ("It is too small: four times the size", "太小：放大 4 倍"),
    "x16": ("It is tiny: sixteen times the size", "极小：放大 16 倍"),
    "system": ("Network", "网络"),
    "stage": ("Stop after stage (0: go through all)", "在第几阶段后停止（0：全部）"),
    "tile": ("Cut into tiles", "切块处理"),
    "tile_0": ("no, in one piece", "否，整幅处理"),
    "tile_n": ("of {side} pixels", "每块 {side} 像素"),
    "blur": ("Blur it is told: standard deviation in pixels", "告知网络的模糊：标准差（像素）"),
    "noise": ("Noise it is told: standard deviation in 1/255", "告知网络的噪声：标准差（1/255）"),
    "more": ("Stages and tiles", "阶段与切块"),
    "go_restore": ("Restore", "开始修复"),
    "stop": ("Stop", "停止"),
    "before_after": ("Before and after: drag the line", "前后对比：拖动分界线"),
    "download": ("Download, 16-bit PNG", "下载（16 位 PNG）"),
    "forecast": (
        "{width} × {height} pixels, {bits} bits. About {seconds} and {memory} of memory on this machine ({device}).",
        "{width} × {height} 像素，{bits} 位。在这台机器（{device}）上约需 {seconds}，内存 {memory}。",
    ),
    "no_forecast": ("Give a picture, and what it will cost is said here.", "给出照片后，这里会显示所需的时间和内存。"),
    "done": (
        "**{system}**: {width} × {height} pixels restored to {width_out} × {height_out} in {seconds}{cut}.",
        "**{system}**：{width} × {height} 像素修复为 {width_out} × {height_out} 像素，用时 {seconds}{cut}。",
    ),
    "invents": (
        "**What you see in it was invented.** 255 of 256 pixels were never measured: do not read faces, letters or numbers from it.",
        "**其中的细节是编造的。** 每 256 个像素中有 255 个从未被测量：不要从中辨认人脸、文字或数字。",
    ),
    "blind_truth": (
        "Without the sharp original nobody can say how right this is; the next tab can.",
        "没有清晰的原图，就无法知道结果有多准确；下一个标签页可以。",
    ),
    "at_work": ("restoring", "修复中"),
    "measuring": ("measuring how fast this machine is", "正在测量这台机器的速度"),
    # Degrade and judge
    "judge_lead": (
        "Take a sharp photograph, spoil it in a way that is known to the last number, and let every network that fits repair it. "
        "Only now can be said who is right.",
        "取一张清晰照片，以完全已知的方式使其退化，再让所有适用的网络修复。只有这样才能说谁是对的。",
    ),
    "photograph": ("Photograph", "照片"),
    "shake": ("Camera shake: pixels travelled", "相机抖动：移动的像素数"),
    "soft": ("Blur: standard deviation in pixels", "模糊：标准差（像素）"),
    "grain": ("Noise: standard deviation in 1/255", "噪声：标准差（1/255）"),
    "quality": ("JPEG quality (100: none)", "JPEG 质量（100：不压缩）"),
    "shrink": ("Shrink", "缩小"),
    "shrink_1": ("no", "否"),
    "shrink_n": ("{scale} times", "{scale} 倍"),
    "recipe": ("The recipe, as JSON: of the playground in the chapters, or yours", "退化配方（JSON）：可来自课程中的实验场，或自己编写"),
    "seed": ("Seed of every random number", "随机数种子"),
    "go_judge": ("Degrade and judge", "退化并评判"),
    "side_by_side": ("Side by side", "并排比较"),
    "scores": ("True scores", "真实分数"),
    "distance": ("perceptual distance", "感知距离"),
    "plane": ("Perception and distortion", "感知与失真"),
    "plane_alt": ("Scatter plot of perceptual distance over root mean squared error", "感知距离对均方根误差的散点图"),
    "sharp": ("the photograph", "原照片"),
    "given": ("degraded", "退化后"),
    "bicubic": ("bicubic enlargement", "双三次放大"),
    "judged": (
        "Scored under {protocol}. Perceptual distance: {trunk}; smaller is closer. The networks were trained for other recipes "
        "than this one unless it says so in About.",
        "评分协议：{protocol}。感知距离：{trunk}，越小越接近。除非“关于”页另有说明，这些网络是为其他配方训练的。",
    ),
    "nobody": ("No network here enlarges {scale} times: choose another shrinking.", "这里没有放大 {scale} 倍的网络：请选择其他缩小倍数。"),
    "too_many_steps": ("A recipe has at most {most} steps here: leave some out.", "这里的配方最多 {most} 个步骤：请删去一些。"),
    # Look inside
    "inside_lead": (
        "What a network computes on the way to its result, on a square of at most {side} pixels from the middle of the picture.",
        "网络在得出结果的途中算出了什么：取照片中央不超过 {side} 像素的方块。",
    ),
    "go_inside": ("Look inside", "查看内部"),
    "result": ("Result", "结果"),
    "given_in": ("what it was given", "输入"),
    "maps": ("On the way there", "中间结果"),
    "row": ("Row", "行"),
    "column": ("Column", "列"),
    "show_kernel": ("Show this pixel's filter", "显示该像素的滤波核"),
    "gate": ("Supervised attention: every gate set to", "监督注意力：将所有门设为"),
    "intervene": ("Intervene", "干预"),
    "intervened": ("with every gate at {gate}", "所有门为 {gate}"),
    "moved": (
        "Setting every gate to {gate} moved the result by {moved}/255 on average.",
        "将所有门设为 {gate} 后，结果平均改变 {moved}/255。",
    ),
    "level": (
        "level {number} (patches: {patches}), added to what the next level sees",
        "第 {number} 层（{patches} 块），加到下一层的输入上",
    ),
    "level_last": ("level {number} (patches: {patches}), added to the picture", "第 {number} 层（{patches} 块），加到照片上"),
    "stage_of": ("after stage {number}", "第 {number} 阶段后"),
    "mask": ("attention {number}: mean gate, {low} (black) to {high} (white)", "注意力 {number}：门的均值，{low}（黑）到 {high}（白）"),
    "pyramid": ("pyramid at 1/{scale} of the size", "金字塔：1/{scale} 尺寸"),
    "features": ("features after trunk {number}, mean strength", "主干 {number} 之后的特征（平均强度）"),
    "added": ("what was added (grey is nothing)", "加上的内容（灰色为零）"),
    "difference": ("the difference (grey is none)", "差异（灰色为无）"),
    "see_dmphn": (
        "DMPHN looks at small patches first; every level hands what it found to the next, with larger patches. Grey is nothing. Only the "
        "last level was ever compared with a sharp photograph: what the others hand on is a code of their own.",
        "DMPHN 先看小块；每一层把所得交给块更大的下一层。灰色为零。只有最后一层与清晰照片比较过：其他层传递的是它们自己的编码。",
    ),
    "see_udvd": (
        "UDVD writes a filter for every pixel: click the result, or give row and column, and see it below. It was told a blur of {blur} "
        "pixels and noise of {noise}/255.",
        "UDVD 为每个像素写出一个滤波核：点击结果，或输入行和列，即可在下方查看。告知它的模糊为 {blur} 像素，噪声为 {noise}/255。",
    ),
    "see_mprnet": (
        "MPRNet restores in stages; between two of them, supervised attention says which features may go on. Set the gates and see.",
        "MPRNet 分阶段修复；两个阶段之间，监督注意力决定哪些特征可以通过。改变门的值看看。",
    ),
    "see_deblurgan_v2": (
        "DeblurGAN-v2 reads five sizes of the picture at once, a feature pyramid.",
        "DeblurGAN-v2 同时读取照片的五种尺寸，即特征金字塔。",
    ),
    "see_x16": (
        "x16 is a cascade of trunks; the strength of their features says where they work. **What you see in the result was invented.**",
        "x16 是主干网络的级联；特征的强度显示它们在哪里工作。**结果中的细节是编造的。**",
    ),
    "verdict": ("its discriminator's verdict, {low} (black) to {high} (white)", "判别器的判断，{low}（黑）到 {high}（白）"),
    "verdict_means": (
        "The last picture is what the discriminator of its training says of every pixel: white is taken for photographed, black for made "
        "up. In its last steps it was right in {right} of the places; 50% is a guess.",
        "最后一张图是训练它的判别器对每个像素的判断：白表示认为是拍摄的，黑表示认为是编造的。训练最后阶段正确率为 {right}，50% 等于瞎猜。",
    ),
    # About
    "about_lead": (
        "What each of these networks is, what it was trained on, what it reached and under which protocol, and what it cannot do.",
        "每个网络是什么、用什么数据训练、在哪种协议下达到什么分数，以及它做不到什么。",
    ),
    "cannot": ("What it cannot do", "它做不到什么"),
    "cannot_deblur": (
        "Longer shakes than those above, a face that moved before a still wall, a lens out of focus: nothing promises it repairs them.",
        "比上述更长的抖动、静止背景前移动的人脸、失焦：不能保证它能修复。",
    ),
    "cannot_denoise": (
        "It learnt noise that is independent from pixel to pixel, at the strength above. The noise of a phone's file, smeared and "
        "compressed, is another.",
        "它学的是上述强度、逐像素独立的噪声。手机照片中被涂抹和压缩过的噪声是另一回事。",
    ),
    "cannot_derain": (
        "It learnt drawn streaks, no photographed rain. Drops on the lens, fog and snow it has never seen.",
        "它学的是绘制的雨丝，而非真实拍摄的雨。镜头上的水滴、雾和雪它从未见过。",
    ),
    "cannot_sr": (
        "It must be told blur and noise, and believes what it is told: told wrong, it sharpens noise or leaves blur.",
        "必须告诉它模糊与噪声，而且它会相信：说错了，它就会锐化噪声或留下模糊。",
    ),
    "cannot_x16": (
        "It invents. 255 of 256 pixels were never measured. Never use it to identify a person, a plate or a text.",
        "它在编造。每 256 个像素中有 255 个从未被测量。绝不能用它辨认人、车牌或文字。",
    ),
    "no_evidence": (
        "No restored picture is evidence: a network fills in what is likely, which need not be what was there.",
        "修复后的照片不是证据：网络填入的是可能的内容，而不一定是真实的内容。",
    ),
    "for_deblur": ("against motion blur", "去运动模糊"),
    "for_denoise": ("against noise", "去噪"),
    "for_derain": ("against rain", "去雨"),
    "for_scale": ("{scale} times larger", "放大 {scale} 倍"),
    "card_trained": ("Trained on", "训练数据"),
    "photographs": ("{count} photographs: {terms}", "{count} 张照片：{terms}"),
    "took": ("{steps} steps, {spent}; device: {device}", "{steps} 步，{spent}；设备：{device}"),
    "began": ("begun with the weights of {start}", "从 {start} 的权重开始"),
    "card_learnt": ("Learnt to undo", "学会去除"),
    "prepared_set": ("the data set {name}; where that is not prepared: {words}", "数据集 {name}；未准备时：{words}"),
    "kind_camera_shake": ("camera shake along {length} pixels, the same all over the picture", "相机抖动：移动 {length} 像素，全图一致"),
    "kind_gaussian_noise": ("Gaussian noise of {sigma}/255", "高斯噪声：{sigma}/255"),
    "kind_rain": ("drawn streaks of rain, {density} in 1000 pixels", "绘制的雨丝：每 1000 像素 {density} 条"),
    "kind_isotropic_blur": ("round blur with a standard deviation of {std} pixels", "圆形模糊：标准差 {std} 像素"),
    "kind_downsample": ("bicubic shrinking, {scale} times", "双三次缩小 {scale} 倍"),
    "card_reached": ("Reached", "达到"),
    "judged_on": ("On", "测试于"),
    "card_size": ("Weights", "权重数"),
    "card_licence": ("Licence", "许可"),
    "licence_of_kit": (
        "its file names none. It ships with the kit, whose LICENSE is MIT; what it was trained on has the terms above",
        "文件中未注明。它随工具包发布，工具包的 LICENSE 为 MIT；训练数据按上述条款",
    ),
    "card_unknown": ("its file does not say", "文件中未注明"),
    # Refusals
    "no_picture": ("There is no picture yet: give one first.", "还没有照片：请先给出一张。"),
    "unreadable": ("The picture cannot be used. {reason}", "无法使用这张照片。{reason}"),
    "too_large": (
        "{width} × {height} pixels are more than the {most} that this demo takes for it: make the picture smaller, or crop it.",
        "{width} × {height} 像素超过了此处的上限（{most}）：请缩小或裁剪照片。",
    ),
    "too_small": (
        "{width} × {height} pixels: each side needs at least {least}. Give a larger picture.",
        "{width} × {height} 像素：每边至少需要 {least} 像素。请给出更大的照片。",
    ),
    "too_long": (
        "This would take about {seconds}, and the demo works at most {most} on a picture: make it smaller, or stop at an earlier stage.",
        "这大约需要 {seconds}，而演示对一张照片最多工作 {most}：请缩小照片，或在更早的阶段停止。",
    ),
    "too_much": (
        "This would need about {memory} of memory, and {free} are free: cut it into tiles, or make it smaller.",
        "这大约需要 {memory} 内存，而空闲的只有 {free}：请切块处理，或缩小照片。",
    ),
    "ran_out": (
        "It took longer than the {most} allowed and was stopped: make the picture smaller.",
        "超过了允许的 {most}，已停止：请缩小照片。",
    ),
    "stopped_all": (
        "Stopped: nothing of this page is at work or waiting any more.",
        "已停止：此页面不再有正在进行或等待的任务。",
    ),
    "stopped": ("Stopped, as you asked.", "已按您的要求停止。"),
    "no_system": ("There is no network {name!r} here: choose one of {names}.", "这里没有网络 {name!r}：请从 {names} 中选择。"),
    "broken": (
        "Something broke inside the demo, and was written down for whoever runs it. Your picture is not to blame.",
        "演示程序内部出错，已为运行者记录。不是您照片的问题。",
    ),
    "no_link": (
        "Addresses of pictures are not fetched: this machine asks nothing of others. Upload the file itself.",
        "不会抓取网址上的照片：本机不向外请求。请上传文件本身。",
    ),
}


def say(key: str, language: str = "en", **facts: object) -> str:
    """The words of a key in "en" or "zh" (in English for any other language), with what they leave open filled in."""
    english, chinese = WORDS[key]
    return (chinese if language == "zh" else english).format(**facts)


def seconds(value: float, language: str = "en") -> str:
    """A time for people: "8 s", "3 min"."""
    if value < 100:
        return f"{max(value, 0.1):.1f} s" if value < 3 else f"{value:.0f} s"
    return f"{value / 60:.0f} {'分钟' if language == 'zh' else 'min'}"


def amount(size: float) -> str:
    """Bytes for people: "300 MB", "1.5 GB"."""
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


@dataclass
class Labels:
    """Who says what: components with the keys of their words."""

    entries: list[tuple[gr.blocks.Block, dict]] = field(default_factory=list)

    def on(self, component: gr.blocks.Block, **keys: object) -> gr.blocks.Block:
        """Note that `component`'s property (label, value, choices, ...) says these words: a key, or a function of the language.

        Never of an upload, which would be made anew and lose what `uploads.take_any_file` gave it.
        """
        self.entries.append((component, keys))
        return component

    def components(self) -> list[gr.blocks.Block]:
        return [component for component, _ in self.entries]

    def updates(self, language: str) -> list[dict]:
        """One update for each of `components`."""
        return [
            gr.update(**{name: key(language) if callable(key) else say(key, language) for name, key in keys.items()})
            for _, keys in self.entries
        ]
