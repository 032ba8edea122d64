"""The same chat completions through datatrove's inference runner, as its chunked example has it. Run by its own Python.

python benchmarks/_sampling_datatrove.py BASE_URL QUESTIONS.jsonl ROLLOUTS_A_QUESTION AT_ONCE FOLDER
"""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.writers import JsonlWriter


async def ask(document: Document, generate: Callable[[dict[str, Any]], Awaitable[Any]]) -> Any:
    return await generate({"messages": [{"role": "user", "content": document.text}]})


def main() -> None:
    base_url, questions, rollouts, at_once, folder = sys.argv[1:]
    rows = [json.loads(line) for line in Path(questions).read_text().splitlines()]
    config = InferenceConfig(
        server_type="endpoint",
        endpoint_url=base_url.removesuffix("/v1"),
        model_name_or_path="sums",
        rollouts_per_document=int(rollouts),
        max_concurrent_generations=int(at_once),
        default_generation_params={"temperature": 1.0, "top_p": 0.95, "max_tokens": 1024},
    )
    runner = InferenceRunner(
        rollout_fn=ask,
        config=config,
        records_per_chunk=500,
        checkpoints_local_dir=f"{folder}/checkpoints",
        output_writer=JsonlWriter(f"{folder}/out", output_filename="${rank}_chunk_${chunk_index}.jsonl"),
    )
    documents = [Document(text=row["problem"], id=str(number)) for number, row in enumerate(rows)]
    LocalPipelineExecutor(pipeline=[documents, runner], logging_dir=f"{folder}/logs", tasks=1).run()


if __name__ == "__main__":
    main()
