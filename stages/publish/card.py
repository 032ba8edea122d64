"""The dataset card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hipo_data.figures.markdown import code, markdown
from hipo_data.figures.terminal import plain
from hipo_data.figures.text import number, percent
from hipo_data.schemas.config import SelectConfig
from hipo_data.stages.publish.statistics import Statistics
from hipo_data.stages.select.decision_words import priors_in_words

ABOUT = {
    "adaptthink": "all right responses that answer at once where those are right at least as often, else all right "
    "ones that think first.",
    "thinkless": "each question once with a long response that thinks and once with a short one, next to each other; "
    "the short ones need not be right.",
    "lhrm": "hard problems with a response that thinks, easy ones with one that does not.",
    "all-correct": "all right responses of both modes.",
    "shortest": "the shortest right response of any mode.",
    "always-think": "the shortest right response that thinks.",
    "preference": "pairs of responses to one problem, of which one is preferred for its length.",
    "budget": "right responses to prompts that say how much to think.",
    "groups": "all graded responses to each problem, right and wrong.",
    "effort": "the shortest right response of the lowest arm whose pass rate is within δ of the best one's.",
}
METHODS = {
    "hipo": "HiPO (arXiv 2509.23967)",
    "adaptthink": "RFT-MixThinking of AdaptThink (arXiv 2505.13417)",
    "thinkless": "the warm-up of Thinkless (arXiv 2505.13379)",
    "lhrm": "hybrid fine-tuning of LHRM (arXiv 2505.14631)",
    "all-correct": "rejection sampling (arXiv 2308.01825)",
    "shortest": "a choice by length alone",
    "always-think": "rejection sampling (arXiv 2308.01825) of responses that think",
    "preference": "DAST (arXiv 2503.04472)",
    "groups": "no selection at all",
    "effort": "HiPO's rule (arXiv 2509.23967) for arms in an order of cost",
}
BUDGET_METHODS = {
    "lcpo_exact": "LCPO of L1, exact (arXiv 2503.04697)",
    "lcpo_max": "LCPO of L1, maximum (arXiv 2503.04697)",
    "constrained": "Constrained CoT (arXiv 2407.19825)",
    "concise": "Concise CoT (arXiv 2401.05618)",
    "token_skip": "TokenSkip (arXiv 2502.12067)",
    "system_1x": "System-1.x (arXiv 2407.14414)",
}


class PhaseFiles(NamedTuple):
    """Training rows of one phase: how many, and the names of their files in sft/."""

    rows: int
    names: list[str]


_FOLDER = Path(__file__).parent / "templates"


def card(stats: Statistics, **values: Any) -> str:
    """The card as Markdown with the Hub's YAML head. `values` are the template's other variables."""
    environment = Environment(loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, autoescape=False)
    environment.globals |= {"percent": percent, "number": number, "about": ABOUT, "priors_in_words": priors_in_words}
    environment.filters |= {"markdown": markdown, "code": code}
    head = _head(values["title"], values["splits"], values["main"], values["phases"])
    return plain(environment.get_template("card.md.j2").render(stats=stats, head=head, **values)) + "\n"


def _head(title: str, splits: dict[str, dict[str, int]], main: str, phases: Mapping[int, PhaseFiles]) -> str:
    """What the Hub and `datasets` read, as YAML."""
    configs: list[dict[str, Any]] = [
        {
            "config_name": name,
            **({"default": True} if name == main else {}),
            "data_files": [{"split": split, "path": f"{name}/{split}-*.parquet"} for split in rows],
        }
        for name, rows in splits.items()
        if rows
    ]
    validation = [split for each in configs if each["config_name"] == "sft" for split in each["data_files"][1:]]
    configs += [
        {
            "config_name": f"sft-phase-{phase}",
            "data_files": [{"split": "train", "path": [f"sft/{name}" for name in of.names]}, *map(dict, validation)],
        }
        for phase, of in phases.items()
    ]
    said = {
        "pretty_name": " ".join(plain(title).split()),
        "tags": ["hybrid-reasoning", "reasoning", "hipo"],
        "configs": configs,
    }
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=10_000)


def method(config: SelectConfig) -> str:
    """The method that a policy follows, and where it is published."""
    return BUDGET_METHODS[config.budget.kind] if config.policy == "budget" else METHODS[config.policy]
