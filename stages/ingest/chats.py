"""Chats as source rows: question and answer out of turns of {role, content} or {from, value}, as JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

SPEAKERS = {
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "bot", "chatgpt"), "assistant"),
    **dict.fromkeys(("system", "developer"), "system"),
}
"""What datasets call who speaks."""

PARTS = pl.Struct({"question": pl.String, "answer": pl.String, "users": pl.Int64, "objection": pl.String})
"""What is read of a chat."""


@dataclass(frozen=True)
class Chat:
    """What a chat asks and what it is answered. `objection` is a sentence where it is no chat with text."""

    question: str | None = None
    """The first user turn."""
    answer: str | None = None
    """The last assistant turn before the user speaks again."""
    users: int = 0
    systems: int = 0
    objection: str | None = None


def read_chats(texts: pl.Series) -> pl.Series:
    """Chats as JSON to a series of `PARTS`; null stays null."""
    found = [None if text is None else read_chat(text) for text in texts]
    rows = [
        None
        if chat is None
        else {"question": chat.question, "answer": chat.answer, "users": chat.users, "objection": chat.objection}
        for chat in found
    ]
    return pl.Series(texts.name, rows, dtype=PARTS)


def read_chat(text: str) -> Chat:
    """A chat from the JSON of its turns, or of an object that holds them under `messages` or `conversations`."""
    try:
        turns = json.loads(text)
    except (ValueError, RecursionError):
        return Chat(objection="it is no list of turns")
    if isinstance(turns, dict):
        turns = turns.get("messages") or turns.get("conversations")
    if not isinstance(turns, list) or not turns:
        return Chat(objection="it is no list of turns")
    said: list[tuple[str, str]] = []
    for turn in turns:
        found = _turn(turn)
        if isinstance(found, str):
            return Chat(objection=found)
        said.append(found)
    users = [at for at, (speaker, _) in enumerate(said) if speaker == "user"]
    systems = sum(speaker == "system" for speaker, _ in said)
    if not users:
        return Chat(systems=systems, objection="it holds no user turn")
    first, until = users[0], users[1] if len(users) > 1 else len(said)
    answers = [content for speaker, content in said[first:until] if speaker == "assistant"]
    return Chat(said[first][1], answers[-1] if answers else None, len(users), systems)


def is_chat(text: str) -> bool:
    """Whether a text is the JSON of turns, whatever they say."""
    if not text.lstrip().startswith(("[", "{")):
        return False
    chat = read_chat(text)
    return chat.objection is None or not chat.objection.startswith("it is no list")


def _turn(turn: Any) -> tuple[str, str] | str:
    """Who speaks and what is said, or what is wrong."""
    if not isinstance(turn, Mapping):
        return "it is no list of turns"
    role = next((turn[name] for name in ("role", "from") if turn.get(name) is not None), None)
    if role is None:
        return "it is no list of turns: one does not say whose it is, by `role` or `from`"
    speaker = SPEAKERS.get(str(role).lower(), str(role))
    content = next((turn[name] for name in ("content", "value") if turn.get(name) is not None), "")
    if isinstance(content, list):
        texts = [part if isinstance(part, str) else _part(part) for part in content]
        if None in texts:
            return f"the turn of {speaker} holds a part that is no text, such as an image"
        content = "\n".join(text for text in texts if text is not None)
    if not isinstance(content, str):
        return f"the turn of {speaker} holds {type(content).__name__} and no text"
    return speaker, content


def _part(part: Any) -> str | None:
    text = part.get("text") if isinstance(part, Mapping) else None
    return text if isinstance(text, str) else None
