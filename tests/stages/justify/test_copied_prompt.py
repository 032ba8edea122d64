"""What counts as repeating the instruction of the prompts that come with the package."""

from typing import Any

import pytest

from hipo_data.prompts.rendering import PromptTemplate
from hipo_data.schemas.records import Kind, Mode
from hipo_data.stages.justify.copied_prompt import copies_prompt

QUESTION = "What is 6 times 7? Do not round what you get in the end, nor on the way there."


def prompt(template: str, mode: Mode = Mode.THINK_OFF) -> str:
    counts: dict[str, Any] = {
        "n_on": 8,
        "right_on": 7,
        "tokens_on": 31.0,
        "n_off": 8,
        "right_off": 3,
        "tokens_off": 9.0,
    }
    return PromptTemplate(template).render(question=QUESTION, kind=Kind.MATH, mode=mode, **counts)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("justify", "Do not argue for thinking first. It is a product."),
        ("justify", "A product. I shall do not solve it, give no part of the answer or the solution."),
        ("justify", "How few its steps are, how familiar its kind is: that makes it easy."),
        ("justify", "A model that can either think step by step before it answers or not needs no steps here."),
        ("justify", "Of 8 attempts with thinking, 7 were right; of 8 attempts without, some were."),
        ("justify.de", "Ein Produkt. Sprich davon, was die Aufgabe überschaubar macht: nur ein Schritt."),
        ("justify.de", "Erwähne keine Versuche und keine Quoten, und verwende keine Tags und keine Überschriften."),
        ("justify.zh", "不要提及尝试次数或正确率，这道题只有一步。"),
        ("justify.zh", "这是一次乘法，不要为先思考辩护。"),
    ],
)
def test_instructions_are_found(template: str, text: str) -> None:
    assert copies_prompt(text, prompt(template), QUESTION)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("justify", "It will answer at once. This is a single product, and answering at once suits this problem."),
        ("justify", "The problem is straightforward: one familiar step, where thinking would add little."),
        ("justify", "It asks me: do not round what you get in the end, nor on the way there."),
        ("justify_compact", "A single product is all this takes, so I will answer at once."),
        (
            "justify.de",
            "Es ist ein einziges Produkt, weshalb bei dieser Aufgabe eine sofortige Antwort angebracht ist.",
        ),
        ("justify.zh", "这道题只有一步乘法，适合直接作答。"),
    ],
)
def test_the_mode_the_question_and_words_of_ones_own_may_be_said(template: str, text: str) -> None:
    assert not copies_prompt(text, prompt(template), QUESTION)
