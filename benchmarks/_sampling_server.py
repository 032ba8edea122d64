"""A server on this machine that answers chat completions about sums after a while, as fast as one process can.

python benchmarks/_sampling_server.py DELAY_S       # prints its port, and serves until its input ends

Every fourth answer is wrong, so that a grader has both to tell; `enable_thinking` switches the reasoning before it.
GET /answered gives the times of all answers so far, in seconds of the monotonic clock that all processes of the machine
share, and forgets them.
"""

import asyncio
import json
import re
import sys
import time

import uvloop
from aiohttp import web

_NUMBER = re.compile(r"\d+")
_REASONING = (
    "We add the two numbers column by column, beginning with the ones. Where a column comes to ten or more, its last "
    "digit stays and the rest is carried over to the column on its left. Then the digits are read from left to right. "
    "To be on the safe side, the difference of the result and one of the numbers has to be the other number."
)


async def serve(delay_s: float) -> None:
    answered: list[float] = []

    async def chat(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        thinks = body.get("chat_template_kwargs", {}).get("enable_thinking", True)
        answer = _answer(body["messages"][-1]["content"], body.get("seed", 0), thinks)
        if delay_s:
            await asyncio.sleep(delay_s)
        answered.append(time.monotonic())
        return web.Response(body=answer, content_type="application/json")

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "sums", "object": "model"}]})

    async def times(_: web.Request) -> web.Response:
        found = answered.copy()
        answered.clear()
        return web.json_response(found)

    app = web.Application()
    app.add_routes(
        [
            web.post("/v1/chat/completions", chat),
            web.get("/v1/models", models),
            web.get("/answered", times),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    # Any other backlog than this would refuse some of several hundred connections that come at once.
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def _answer(question: str, seed: int, thinks: bool) -> bytes:
    total = sum(map(int, _NUMBER.findall(question))) + (seed % 4 == 0)
    reasoning = f"<think>\n{_REASONING}\n</think>\n\n" if thinks else ""
    text = f"{reasoning}The sum is \\boxed{{{total}}}."
    tokens = len(text) // 4
    return json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "sums",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 20, "completion_tokens": tokens, "total_tokens": 20 + tokens},
        }
    ).encode()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1])))
