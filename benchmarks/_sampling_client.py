"""A bare aiohttp client: so many chat completions, so many at once, each read as JSON and dropped.

python benchmarks/_sampling_client.py BASE_URL QUESTIONS.jsonl ROLLOUTS_A_QUESTION AT_ONCE
"""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import uvloop


async def ask(base_url: str, questions: list[str], rollouts: int, at_once: int) -> None:
    todo = ((question, seed) for question in questions for seed in range(rollouts))
    url = f"{base_url}/chat/completions"

    async def work() -> None:
        for question, seed in todo:
            body = {
                "model": "sums",
                "messages": [{"role": "user", "content": question}],
                "temperature": 1.0,
                "top_p": 0.95,
                "seed": seed,
                "max_tokens": 1024,
            }
            async with session.post(url, json=body) as reply:
                (await reply.json())["choices"][0]["message"]["content"]

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(at_once):
            group.create_task(work())


if __name__ == "__main__":
    asked = [json.loads(line)["problem"] for line in Path(sys.argv[2]).read_text().splitlines()]
    uvloop.run(ask(sys.argv[1], asked, int(sys.argv[3]), int(sys.argv[4])))
