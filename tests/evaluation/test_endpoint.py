"""Evaluation through an endpoint, held against a server on this machine that records what it is asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hipo_data.evaluation.backend import Ask, Reply, Sampling
from hipo_data.evaluation.endpoint import EndpointBackend, endpoint_config
from hipo_data.evaluation.reading import Reading, read_reply
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.errors import UserError
from hipo_data.schemas.records import FinishReason, Mode
from tests.engines.openai_engines import everything_said

SAMPLING = Sampling(temperature=0.7, top_p=0.9, max_tokens=99)
KEY = "sk-very-secret"


class Server(ThreadingHTTPServer):
    """Answers with `message` or `status`, and keeps the bodies."""

    bodies: list[dict[str, Any]]
    message: dict[str, Any]
    script: list[dict[str, Any]]
    finish: str
    status: int
    error: str
    usage: dict[str, int] | None
    url: str
    echoes = False
    fails = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append({"path": self.path, **body})
        status = 401 if self.headers["Authorization"] != f"Bearer {KEY}" else self.server.status
        if self.server.fails:
            self.server.fails, status = self.server.fails - 1, 500
        said = f"bad key {self.headers['Authorization']}" if status == 401 else self.server.error
        self._send(self._reply(body) if status == 200 else {"error": {"message": said}}, status)

    def _reply(self, body: dict[str, Any]) -> dict[str, Any]:
        chat = "messages" in body
        if self.server.script:
            self.server.message = self.server.script.pop(0)
        if self.server.echoes:
            self.server.message = {"content": body["messages"][-1]["content"]}
        text = (
            {"message": {"role": "assistant", **self.server.message}}
            if chat
            else {"text": self.server.message["content"]}
        )
        return {
            "id": "x",
            "object": "chat.completion" if chat else "text_completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": self.server.finish, **text}],
            "usage": self.server.usage,
        }

    def _send(self, body: dict[str, Any], status: int) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.bodies, server.message, server.finish, server.status, server.error = [], {"content": "4"}, "stop", 200, "no"
    server.usage, server.script = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}, []
    server.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("EVAL_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as made:
        yield made


def reply(server: Server, name: str | None, forced: Mode | None = None, **options: Any) -> Reply:
    tokenizer = options.pop("tokenizer", None)
    config = endpoint_config(server.url, **{"api_key_env": "EVAL_KEY", "max_attempts": 1, **options})
    with closing(EndpointBackend(config, tokenizer)) as backend:
        backend.start("m", FORMATS[name] if name else None)
        (found,) = backend.generate([Ask(({"role": "user", "content": "2+2?"},), 5, forced)], SAMPLING)
    return found


def test_a_request_says_how_to_sample(server: Server) -> None:
    assert reply(server, None) == Reply("4", 7, FinishReason.STOP)
    (body,) = server.bodies
    assert body == {
        "path": "/v1/chat/completions",
        "model": "m",
        "messages": [{"role": "user", "content": "2+2?"}],
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 99,
        "seed": 5,
    }


def test_a_mode_is_forced_by_the_template_where_the_format_has_a_switch(server: Server) -> None:
    server.message = {"content": "so\n</think>\n\n4"}  # the template wrote `<think>\n`
    assert reply(server, "qwen3", Mode.THINK_ON).text == "<think>\nso\n</think>\n\n4"
    server.message = {"content": "4"}
    assert reply(server, "qwen3", Mode.THINK_OFF).text == "<think>\n\n</think>\n\n4"
    assert [body["chat_template_kwargs"] for body in server.bodies] == [
        {"enable_thinking": True},
        {"enable_thinking": False},
    ]


def test_a_mode_is_forced_by_the_start_of_the_turn_elsewhere(server: Server) -> None:
    server.message = {"content": "\n4\n</no_think>"}
    assert reply(server, "lhrm", Mode.THINK_OFF).text == "<no_think>\n4\n</no_think>"
    *_, body = server.bodies
    assert body["messages"][-1] == {"role": "assistant", "content": "<no_think>"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert body["skip_special_tokens"] is False and "stop" not in body


@pytest.mark.parametrize("echoed", ["", "<judge>\n"])
def test_the_model_writes_its_own_justification_before_a_mode_is_forced(server: Server, echoed: str) -> None:
    server.script = [{"content": f"{echoed}Two numbers.\n"}, {"content": "\n<answer>\n4\n</answer>"}]
    found = reply(server, "hipo", Mode.THINK_OFF)
    start = "<judge>\nTwo numbers.\n</judge>\n\n<think_off>"
    assert (found.text, found.tokens) == (start + "\n<answer>\n4\n</answer>", 7 + 7)
    first, second = server.bodies
    assert (first["stop"], len(first["messages"]), first["max_tokens"]) == (["</judge>"], 1, 99)
    assert "stop" not in second and second["messages"][-1] == {"role": "assistant", "content": start}
    assert (second["continue_final_message"], second["max_tokens"]) == (True, 99 - 7)


def test_a_server_that_ignores_where_to_stop_is_cut_there(server: Server) -> None:
    free = "<judge>\nTwo numbers.\n</judge>\n\n<think_on>\n<think>\nso\n</think>\n\n<answer>\n4\n</answer>"
    server.script = [{"content": free}, {"content": "\n<answer>\n4\n</answer>"}]
    assert reply(server, "hipo", Mode.THINK_OFF).text.startswith("<judge>\nTwo numbers.\n</judge>\n\n<think_off>\n<ans")


def test_a_server_that_cannot_continue_a_turn_is_one_sentence_with_the_remedy(server: Server) -> None:
    server.status, server.error = 400, "unknown field continue_final_message"
    said = (
        r"refuses the request: .*in the lhrm format a mode is forced by a turn that the server continues .*--tokenizer"
    )
    with pytest.raises(UserError, match=said):
        reply(server, "lhrm", Mode.THINK_OFF)
    with pytest.raises(UserError) as caught:
        reply(server, "lhrm")
    assert "--tokenizer" not in str(caught.value)


def test_a_start_that_the_servers_template_wrote_is_put_back(server: Server) -> None:
    server.message = {"content": "Easy.\n</judge>\n\n<think_off>\n<answer>\n4\n</answer>"}
    assert reply(server, "hipo").text.startswith("<judge>\nEasy.")
    server.message = {"content": "<judge>\nEasy.\n</judge>\n\n<think_off>\n<answer>\n4\n</answer>"}
    assert reply(server, "hipo").text.startswith("<judge>\nEasy.")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_plain_answer_stays_as_it_is(server: Server, name: str) -> None:
    server.message = {"content": "It is \\boxed{4}."}
    found = reply(server, name)
    assert found.text == "It is \\boxed{4}."
    assert read_reply(found, FORMATS[name]) == Reading(None, "It is \\boxed{4}.", well_formed=False)


def test_a_free_choice_is_never_taken_for_think_off_by_guessing(server: Server) -> None:
    server.message, server.finish = {"content": "let me see, 2+2"}, "length"
    found = reply(server, "qwen3")
    assert (found.text, found.finish_reason) == ("<think>\nlet me see, 2+2", FinishReason.LENGTH)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_that_the_server_took_out_is_put_back(server: Server, field: str) -> None:
    server.message = {"content": "4", field: "so"}
    assert reply(server, "qwen3").text == "<think>\nso\n</think>\n\n4"


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"qwen3"}))
def test_a_server_whose_parser_takes_tags_out_ends_the_evaluation(server: Server, name: str) -> None:
    server.message = {"content": "\n\n<answer>\n4\n</answer>", "reasoning": "so"}
    said = rf"takes reasoning out of responses, and tags with it by which the {name} format tells modes: .*--tokenizer"
    with pytest.raises(UserError, match=said):
        reply(server, name)


def test_with_a_tokenizer_prompts_are_rendered_here(server: Server, repo_root: Path) -> None:
    server.message = {"content": "so\n</think>\n\n4"}
    found = reply(server, "qwen3", Mode.THINK_ON, tokenizer=str(repo_root / "models" / "tiny-hybrid"))
    assert found == Reply("<think>\nso\n</think>\n\n4", 7, FinishReason.STOP, given=len("<think>\n"))
    (body,) = server.bodies
    assert body["path"] == "/v1/completions"
    assert all(isinstance(token, int) for token in body["prompt"])


def test_a_wrong_key_is_one_sentence_without_the_key(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_KEY", "sk-wrong-one")
    with pytest.raises(UserError, match=r"serves no more requests: .* answered 401: bad key Bearer \*\*\*") as caught:
        reply(server, None)
    assert "sk-" not in everything_said(caught.value)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-server")
    with pytest.raises(UserError, match=r"answered 401: bad key .* \(no key was sent, since none is named\)") as caught:
        reply(server, None, api_key_env=None)
    assert "sk-" not in everything_said(caught.value)
    with pytest.raises(UserError, match="the environment variable NO_SUCH_KEY, which holds the key, is not set"):
        reply(server, None, api_key_env="NO_SUCH_KEY")


def test_what_holds_for_all_requests_stops_the_evaluation(server: Server) -> None:
    server.status, server.error = 404, "no model m"
    with pytest.raises(UserError, match=r"serves no more requests: .* answered 404: no model m"):
        reply(server, None)
    server.status, server.error = 400, "unknown field skip_special_tokens"
    with pytest.raises(UserError, match=r"refuses the request: .* answered 400: unknown field skip_special_tokens"):
        reply(server, "hipo")
    with (
        pytest.raises(UserError, match=r"the model cannot be asked: no answer from http://127\.0\.0\.1:9/v1"),
        closing(EndpointBackend(endpoint_config("http://127.0.0.1:9/v1", max_attempts=1))) as backend,
    ):
        backend.start("m", None)


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (400, "maximum context length is 512 tokens", "maximum context length"),
        (503, "overloaded", "answered 503: overloaded"),
    ],
)
def test_what_one_request_suffers_is_that_requests_own(server: Server, status: int, error: str, said: str) -> None:
    server.status, server.error = status, error
    found = reply(server, None)
    assert (found.finish_reason, found.tokens) == (FinishReason.ERROR, None)
    assert found.error is not None and said in found.error


def test_a_reply_that_says_no_length_does_not_count(server: Server) -> None:
    server.usage = None
    assert reply(server, None).finish_reason is FinishReason.ERROR
    server.usage, server.finish = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}, "content_filter"
    assert reply(server, None).error == "the endpoint's content filter cut the response"
    server.finish = "error"
    assert reply(server, None).error == "the endpoint broke the response off: error"


def test_what_a_server_fails_at_once_is_asked_again(server: Server) -> None:
    server.fails = 2
    assert reply(server, None, max_attempts=3) == Reply("4", 7, FinishReason.STOP)
    assert len(server.bodies) == 3


def test_fields_that_would_undo_a_request_are_refused(server: Server) -> None:
    with pytest.raises(UserError, match=r"a recipe may not set 'n' in sampling\.extra or extra_body"):
        reply(server, None, extra_body={"n": 2})
    assert reply(server, None, extra_body={"temperature": 0.1}).text == "4"
    assert server.bodies[-1]["temperature"] == 0.1


def test_every_ask_gets_its_reply_in_order(server: Server) -> None:
    asks = [Ask(({"role": "user", "content": str(i)},), i) for i in range(20)]
    server.echoes = True
    with closing(EndpointBackend(endpoint_config(server.url, "EVAL_KEY", max_in_flight=3))) as backend:
        backend.start("m", None)
        assert [each.text for each in backend.generate(asks, SAMPLING)] == [str(i) for i in range(20)]
    assert sorted(body["seed"] for body in server.bodies) == list(range(20))
