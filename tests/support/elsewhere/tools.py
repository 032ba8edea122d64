"""The tools themselves, each in an environment of its own: they share no versions with ours, nor with each other."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock

HERE = Path(__file__).parent
PACKAGES = {
    "inspect": ["inspect-ai==0.3.285", "openai==3.57.0"],
    "verifiers": ["verifiers==0.4.0"],
    "verifiers_results": ["verifiers==0.1.10"],
    "lighteval": ["lighteval==0.13.0", "xxhash==3.8.2"],  # with xxhash 4 it fails: findings/lighteval_xxhash.sh
}


def _python_of(tool: str) -> Path:
    """The interpreter of the tool's environment, which is kept in the user's cache."""
    key = hashlib.sha256("\n".join([sys.version, *PACKAGES[tool]]).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hipo-data" / "test-tools" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    with FileLock(f"{folder}.lock"):
        if (folder / "whole").exists():
            return python
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder], check=True)
        install = [*uv, "pip", "install", "--quiet", "--python", python, *PACKAGES[tool]]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{PACKAGES[tool][0]} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
        (folder / "whole").touch()  # an install that was cut short is not taken for a whole one
    return python


def written(tool: str, target: Path, *options: str) -> Path:
    """The file that the tool writes of the sums."""
    with TemporaryDirectory() as home:
        done = subprocess.run(
            [_python_of(tool), HERE / f"write_{tool}.py", target, *options], cwd=home,
            env={**os.environ, "HOME": home, "PYTHONPATH": str(HERE), "HF_HUB_OFFLINE": "1"},
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return target
