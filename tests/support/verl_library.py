"""verl and other trainers beside the environment, without what they need for training: none shares one with vLLM."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from filelock import FileLock

from tests.conftest import ROOT

VERL = [
    "verl==0.9.1", "tensordict==0.15.3", "torchdata==0.11.0", "codetiming==1.4.0", "pyvers==0.2.3", "orjson==3.13.0",
    "TransferQueue==0.1.11", "peft==0.21.2",
]  # fmt: skip
CONFIGS = ["omegaconf==2.4.0", "antlr4-python3-runtime==4.9.3", "hydra-core==1.3.8"]


def installed(packages: list[str]) -> Path:
    """A folder for PYTHONPATH with these packages and nothing that they ask for, kept in the user's cache."""
    wanted = [*packages, *CONFIGS]
    key = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hipo-data" / "test-libraries" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            _install(folder, wanted)
    return folder


def _install(folder: Path, packages: list[str]) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    with TemporaryDirectory(dir=folder.parent) as aside:
        done = subprocess.run(
            [*command, "--target", Path(aside) / "all", *packages], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"{packages[0]} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
        (Path(aside) / "all").rename(folder)  # an install that was cut short is not taken for a whole one


def run_beside(script: str, library: Path, job: Any, **environment: str) -> list[dict[str, Any]]:
    """The JSON objects that a script of this folder prints, one a line, given `job` as JSON on standard input."""
    with TemporaryDirectory() as home:  # what `datasets` keeps there goes by names of folders, which tests use again
        paths = {"PYTHONPATH": os.pathsep.join(map(str, [library, ROOT, ROOT / "src"])), "HF_HOME": home}
        done = subprocess.run(
            [sys.executable, ROOT / "tests" / "support" / script], input=json.dumps(job, default=str),
            env={**os.environ, **paths, **environment}, capture_output=True, text=True, timeout=1800, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
