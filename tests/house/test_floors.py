"""The house stands: rooms import only from lower floors, and heavy or visual packages stay where they belong."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "restorelab"
FLOORS = {
    0: {"errors", "files", "image", "ops", "repository", "tensor_file", "trunks"},
    1: {"degrade", "metrics", "losses", "models"},
    2: {"data", "systems", "checkpoint", "discriminator", "official", "restore", "tiling", "devices"},
    3: {"train", "evaluate", "presets", "experiment", "rerun", "speed"},
    4: {"lesson", "viz", "live", "widgets", "demo", "labs", "doctor", "kernel", "cli", "__main__"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
ONLY_ON_FLOOR_4 = {
    "matplotlib", "IPython", "papermill", "nbclient", "typer", "rich", "ipywidgets", "anywidget", "traitlets", "submitit", "gradio",
}  # fmt: skip
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            assert all(name.name != "*" for name in node.names), f"{file}: star import"
            found |= {f"{node.module}.{name.name}" if node.module == "restorelab" else node.module for name in node.names}
    return found


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_has_a_floor():
    assert {room_of(file) for file in FILES} - {"__init__"} == set(FLOOR_OF)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_down_only(file):
    room = room_of(file)
    if room == "__init__":
        assert not imports(file)
        return
    for name in imports(file):
        top, *rest = name.split(".")
        if top == "restorelab" and rest:
            other = rest[0]
            allowed = FLOOR_OF[other] < FLOOR_OF[room] or other == room or (FLOOR_OF[other] == FLOOR_OF[room] != 1)
            allowed |= (room, other) == ("losses", "metrics")  # a perceptual loss is a metric that one goes down
            assert allowed, f"{room} (floor {FLOOR_OF[room]}) imports {name} (floor {FLOOR_OF[other]})"
        assert top not in ONLY_ON_FLOOR_4 or FLOOR_OF[room] == 4, f"{room} imports {top}, which belongs to floor 4"


@pytest.mark.parametrize("file", sorted((PACKAGE / "models").glob("*.py")), ids=lambda file: file.name)
def test_a_model_imports_torch_ops_restored_and_its_own_parts_alone(file):
    parts = {"deblurgan_v2": "restorelab.models.fpn_backbones", "mprnet": "restorelab.models.mprnet_blocks"}
    ours = {name for name in imports(file) if name.startswith("restorelab")}
    allowed = ("restorelab.ops", "restorelab.models.restored", parts.get(file.stem, "restorelab.ops"))
    assert all(name.startswith(allowed) for name in ours), ours


UNSAFE = ("eval", "exec", "pickle.load", "pickle.loads", "sys.path.append", "sys.path.insert")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_prints_no_unsafe_loading_no_path_tricks(file):
    speaks = file.name == "cards.py"  # a lesson's cards in a plain terminal
    runs_learners = file.name == "sandbox.py" and room_of(file) == "labs"  # in a process that may do nothing else
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert speaks or name != "print"
            assert (name == "exec" and runs_learners) or name not in UNSAFE, name
            if name == "torch.load":
                assert any(word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords), (
                    "torch.load needs weights_only=True"
                )


@pytest.mark.parametrize("room", ["official.table", "cli.app", "lesson", "presets", "widgets"])
def test_backbones_are_imported_by_those_who_build_one_alone(room):
    """torchvision and timm take seconds, which every command and every chapter would wait."""
    code = f"import sys, restorelab.{room}; print(*{{'torchvision', 'timm'}} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
