"""Writes the model of a GGUF file as transformers keeps it. Reads `{"file": …, "to": …}`; wants `gguf` on the path."""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

job = json.load(sys.stdin)
source = {"pretrained_model_name_or_path": Path(job["file"]).parent, "gguf_file": Path(job["file"]).name}
# Weights that stay quantised cannot be saved.
model = AutoModelForCausalLM.from_pretrained(
    **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
)
model.save_pretrained(job["to"])
AutoTokenizer.from_pretrained(**source).save_pretrained(job["to"])
print(json.dumps({"parameters": model.num_parameters()}))
