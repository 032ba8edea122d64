"""Real chat templates of model families, out of packages on PyPI that ship copies; fetched, never committed."""

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

_PACKAGES = {
    "llama.cpp": ("llama_cpp_python==0.3.36", "models/templates/"),
    "Xinference": ("xinference==4.1.0", "model/llm/models/"),
    "TRL": ("trl==1.16.0", "trl/chat_templates/"),
    "axolotl": ("axolotl==0.19.0", "chat_templates/templates/"),
}
_TIMEOUT_S = 300


def model_templates(cache: Path) -> dict[str, str]:
    """Templates by `package/name`, such as `TRL/qwen3`. Skips the test where a package cannot be had."""
    found: dict[str, str] = {}
    for package, (requirement, folder) in _PACKAGES.items():
        kept = cache / f"{requirement}.json"
        if not kept.exists():
            _keep(kept, requirement, folder)
        found |= {f"{package}/{name}": text for name, text in json.loads(kept.read_text(encoding="utf-8")).items()}
    return found


def _keep(kept: Path, requirement: str, folder: str) -> None:
    aside = kept.with_suffix(".download")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(aside), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{requirement}, which holds chat templates, did not arrive within {_TIMEOUT_S} s")
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        pytest.skip(f"{requirement}, which holds chat templates, cannot be downloaded: {' '.join(last)}")
    (archive,) = aside.iterdir()
    templates = {PurePosixPath(name).stem: text for name, text in _members(archive, folder).items() if text is not None}
    archive.unlink()
    aside.rmdir()
    kept.write_text(json.dumps(templates), encoding="utf-8")


def _members(archive: Path, folder: str) -> dict[str, str | None]:
    """Templates in a wheel or a source archive, by file."""

    def wanted(name: str) -> bool:
        return folder in name and name.endswith((".jinja", ".json"))

    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: _template(name, wheel.read(name)) for name in wheel.namelist() if wanted(name)}
    with tarfile.open(archive) as source:
        members = [member for member in source if member.isfile() and wanted(member.name)]
        files = [(member.name, source.extractfile(member)) for member in members]
        return {name: _template(name, file.read()) for name, file in files if file is not None}


def _template(name: str, data: bytes) -> str | None:
    if name.endswith(".jinja"):
        return data.decode()
    entry = json.loads(data)
    template = (entry[0] if isinstance(entry, list) else entry).get("chat_template")
    return template if isinstance(template, str) else None
