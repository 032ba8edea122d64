"""Bare vLLM: every request of a run given to `LLM.generate` at once. Writes the seconds and the lengths in tokens.

python benchmarks/_sampling_vllm.py REQUESTS.json RESULT.json

The requests: {"args": of the engine, "requests": [{"question": …, "kwargs": of the chat template, "sampling": …,
"seed": …}, …]}.
"""

import json
import sys
import time
from pathlib import Path

from vllm import LLM, SamplingParams


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text())
    # As in engines/vllm_on_cpu.py: on a CPU, a prefill in parts kills the engine when its request has a seed.
    llm = LLM(**asked["args"], enable_chunked_prefill=False)
    tokenizer = llm.get_tokenizer()
    prompts, params = [], []
    for request in asked["requests"]:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": request["question"]}],
            tokenize=False,
            add_generation_prompt=True,
            **request["kwargs"],
        )
        prompts.append({"prompt_token_ids": tokenizer.encode(text, add_special_tokens=False)})
        params.append(SamplingParams(**request["sampling"], seed=request["seed"], skip_special_tokens=False))
    llm.generate(prompts[:64], params[:64], use_tqdm=False)
    started = time.monotonic()
    outputs = llm.generate(prompts, params, use_tqdm=False)
    seconds = time.monotonic() - started
    lengths = [len(output.outputs[0].token_ids) for output in outputs]
    Path(sys.argv[2]).write_text(json.dumps({"seconds": seconds, "lengths": lengths}))


if __name__ == "__main__":
    main()
