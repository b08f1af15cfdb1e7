"""The files that set the house up agree with one another."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_environment_yml_lists_what_pyproject_lists():
    lines = (ROOT / "environment.yml").read_text().split("- pip:\n")[1].splitlines()
    assert [line.strip().removeprefix("- ") for line in lines] == [*PROJECT["dependencies"], "-e ."]


def test_the_lock_holds_every_dependency_with_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    locked = {re.split(r"==", line)[0].lower() for line in text.splitlines() if re.match(r"^[A-Za-z0-9._-]+==", line)}
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    assert {re.split(r"[><=]", requirement)[0].lower() for requirement in asked} <= locked
    entries = re.split(r"\n(?=[A-Za-z0-9._-]+==)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)


def test_nothing_that_records_addresses_or_machine_paths_is_tracked():
    try:
        listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    assert not {"uv.lock", "package-lock.json"} & {Path(name).name for name in listing}
    assert not [name for name in listing if name.startswith(("runs/", ".venv"))]


def test_every_make_target_that_readme_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", (ROOT / "README.md").read_text())) <= targets


def test_large_files_stay_out():
    try:
        listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    size_of = {name: (ROOT / name).stat().st_size for name in listing if name and (ROOT / name).is_file()}
    limits = {name: 8e6 if name.endswith(".safetensors") else 4e6 for name in size_of}
    assert not [name for name, size in size_of.items() if size > limits[name]]
    assert sum(size for name, size in size_of.items() if name.endswith(".safetensors")) < 40e6
