"""A run against an endpoint that fails in every way that is known, beside the same run against one that does not."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import yaml

from tests.engines.faults import ALWAYS, FaultyServer
from tests.engines.misbehaving import Endpoint, Reply, fails, good, serve
from tests.support.commands import write_lines

SHARE = 0.02
"""Of each kind of fault."""
ONE_IN = 33
"""One prompt in so many always fails: 3 %."""
ROLLOUTS = 4
_SUM = re.compile(r"What is (\d+) plus (\d+)\?")


def bad_problem(number: int) -> bool:
    """Whether the prompts of the problem of that number always fail."""
    return number % ONE_IN == 5


def question(number: int) -> str:
    """The problem of that number."""
    return f"What is {number} plus {2 * number + 1}?"


def soak_recipe(folder: Path, url: str, problems: int, **engine: Any) -> Path:
    """`recipe.yaml` in `folder`, with its problems beside it."""
    rows = [{"question": question(number), "answer": str(3 * number + 1)} for number in range(problems)]
    write_lines(folder / "sums.jsonl", rows)
    teacher = {"type": "openai", "model": "teacher", "base_url": url, "api_key_env": None, "max_attempts": 12}
    recipe = {
        "name": "soak",
        "sources": [{"type": "table", "path": str(folder / "sums.jsonl")}],
        "ingest": {"near_duplicates": None, "shard_size": max(8, problems // 16)},
        "engines": {"teacher": {**teacher, "max_in_flight": 64, **engine}},
        "roles": {
            mode: {"engine": "teacher", "chat_template_kwargs": {"enable_thinking": mode == "think_on"}}
            for mode in ("think_on", "think_off", "justifier")
        },
        "sample": {"n": ROLLOUTS},
        "select": {"random_fraction": 0.0},
        "publish": {"format": "thinkless"},  # asks for no justifications
        "ray": {"flush_s": 0.2, "max_restarts": 20},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


class Soaked:
    """The server of a soak test; `disturbed` says whether it fails. What is right takes it `delay_s`."""

    def __init__(self, endpoint: Endpoint, delay_s: float) -> None:
        self.url = endpoint.url
        self._bodies = endpoint.bodies
        self.faulty = FaultyServer(partial(_served, delay_s), share=0.0, always=self._always)
        self.disturbed = False
        endpoint.choose = self.faulty

    def disturb(self) -> None:
        """From now on it fails."""
        self.disturbed, self.faulty.share = True, SHARE

    @property
    def requests(self) -> int:
        """Requests so far."""
        return len(self._bodies)

    def _always(self, text: str) -> Reply | None:
        found = _SUM.search(text)
        if not self.disturbed or found is None or not bad_problem(number := int(found[1])):
            return None
        kinds = [*ALWAYS.values(), fails(503, "try later")]  # the server of that pause wants to be left alone
        kinds.remove(ALWAYS["503"])
        return kinds[number // ONE_IN % len(kinds)]


@contextmanager
def soaked(delay_s: float = 0.0) -> Iterator[Soaked]:
    """Runs the server until the context ends."""
    with serve() as endpoint:
        yield Soaked(endpoint, delay_s)


def _served(delay_s: float, body: dict[str, Any]) -> Reply:
    reply = _serve(body)

    def late(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(delay_s)
        reply(handler)

    return late


def _serve(body: dict[str, Any]) -> Reply:
    """Right with thinking three times in four, without by the number and the seed."""
    found = _SUM.search(body["messages"][-1]["content"])
    if found is None:
        return good("yes")
    total, seed = int(found[1]) + int(found[2]), int(body["seed"])
    if body["chat_template_kwargs"]["enable_thinking"]:
        return good(f"<think>\ncolumn by column, {seed % 97}\n</think>\n\n\\boxed{{{total + (seed % 4 == 0)}}}")
    return good(f"\\boxed{{{total + (seed % (2 + int(found[1]) % 3) != 0)}}}")
