"""The commands of evaluation, which `hipo-data` takes up from the entry points `hipo_data.commands`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hipo_data.figures.heard import QuietOption, VerboseOption, heard
from hipo_data.figures.help_panels import Panel
from hipo_data.figures.terminal import console

if TYPE_CHECKING:
    from rich.console import Console

    from hipo_data.evaluation.backend import Backend

_eval = typer.Typer(
    help="Evaluate a hybrid-reasoning model: accuracy, tokens, and whether it thinks where that pays.",
    no_args_is_help=True,
)

MarginOption = Annotated[
    float, typer.Option(min=0, max=1, help="Hybrid accuracy: nearer shares of right responses count as equal.")
]
BudgetsOption = Annotated[
    str, typer.Option(metavar="N,N", help="Budgets of tokens to hold responses against, such as 500,1000,4000.")
]
FolderArgument = Annotated[Path, typer.Argument(help="The folder of an evaluation.")]


def register(app: typer.Typer) -> None:
    """Adds `eval run`, `eval report` and `eval compare` to the command line."""
    app.add_typer(_eval, name="eval", rich_help_panel=Panel.TRAIN)


@_eval.command()
def run(
    model: Annotated[str, typer.Argument(help="A folder, a Hub name, or the name that an endpoint serves.")],
    problems: Annotated[
        str, typer.Option(help="A published dataset, or JSON Lines or Parquet with question and gold.")
    ],
    out: Annotated[Path, typer.Option(help="The folder of the results; run again to go on.")],
    response_format: Annotated[
        str, typer.Option("--format", help="hipo, thinkless, lhrm, adaptthink, autothink, qwen3, arm; plain: no modes.")
    ] = "hipo",
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, 0 upward: responses a problem and mode.")] = 1,
    forced: Annotated[bool, typer.Option("--forced", help="Also force each mode, for hybrid accuracy.")] = False,
    split: Annotated[str, typer.Option(help="Which split of a published dataset.")] = "validation",
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many problems, the first.")] = None,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 0.6,
    top_p: Annotated[
        float, typer.Option(min=0, max=1, help="Of the most probable tokens, together so probable.")
    ] = 0.95,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of a response; the context may leave less.")] = 16384,
    backend: Annotated[str, typer.Option(help="vllm, transformers, or auto: vLLM where it is installed.")] = "auto",
    engine_args: Annotated[
        str, typer.Option(metavar="JSON", help='Further arguments of the backend, such as {"max_model_len": 8192}.')
    ] = "{}",
    base_url: Annotated[str | None, typer.Option(help="An OpenAI-compatible endpoint, such as http://HOST/v1.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="The variable that holds the endpoint's key.")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="For an endpoint: render prompts here with it, and use /completions.")
    ] = None,
    max_in_flight: Annotated[int, typer.Option(min=1, help="For an endpoint: requests at once.")] = 64,
    allow_split_tags: Annotated[
        bool, typer.Option("--allow-split-tags", help="The format's tags are several tokens on purpose.")
    ] = False,
    margin: MarginOption = 0.0,
    budgets: BudgetsOption = "",
    sandbox: Annotated[str, typer.Option(help="For programs: bubblewrap, landlock or none.")] = "bubblewrap",
    workers: Annotated[int, typer.Option(min=1, help="Grading processes.")] = 2,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Sample, grade and measure. Finished pieces are kept: run it again after a stop, or for more seeds."""
    from hipo_data.evaluation.backend import Sampling
    from hipo_data.evaluation.evaluate import evaluate
    from hipo_data.evaluation.report import print_result, write_report
    from hipo_data.schemas.errors import UserError

    talk = heard(verbose, quiet)
    options, within = _options(engine_args), _budgets(budgets)
    if base_url is None and (tokenizer or api_key_env):
        raise UserError("--tokenizer and --api-key-env belong to an endpoint; give its --base-url too")
    chosen: Backend | str
    if base_url is None:
        chosen = _local(backend, options, allow_split_tags)
    else:
        from hipo_data.evaluation.endpoint import EndpointBackend, endpoint_config

        config = endpoint_config(base_url, api_key_env, max_in_flight=max_in_flight, extra_body=options)
        chosen = EndpointBackend(config, tokenizer, allow_split_tags)
    result = evaluate(
        model,
        problems,
        response_format,
        range(seeds),
        forced,
        out,
        chosen,
        sampling=Sampling(temperature, top_p, max_tokens),
        split=split,
        limit=limit,
        margin=margin,
        budgets=within,
        grader=_grading(sandbox, workers),
        say=talk.print,
    )
    print_result(console(), result)
    _wrote(talk, out / "evaluation.json", *write_report(out, result))


@_eval.command()
def report(
    folder: FolderArgument,
    margin: MarginOption = 0.0,
    budgets: BudgetsOption = "",
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compute the figures anew from the rows of an evaluation; nothing is sampled."""
    from hipo_data.evaluation.evaluate import report as compute
    from hipo_data.evaluation.report import print_result, write_report

    talk = heard(verbose, quiet)
    result = compute(folder, margin, budgets=_budgets(budgets))
    print_result(console(), result)
    _wrote(talk, folder / "evaluation.json", *write_report(folder, result))


@_eval.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="Two or more folders of evaluations; the first is the base.")],
    out: Annotated[Path | None, typer.Option(help="Write JSON, a page and charts into this folder.")] = None,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare evaluations of the same problems, each with the first."""
    from hipo_data.evaluation.report import compare as compared
    from hipo_data.evaluation.report import print_comparison, write_comparison

    talk = heard(verbose, quiet)
    found = compared(folders)
    print_comparison(console(), found)
    if out is not None:
        _wrote(talk, *write_comparison(out, found))


def _local(name: str, options: dict[str, Any], allow_split_tags: bool) -> "Backend":
    from hipo_data.evaluation.backend import LocalModel
    from hipo_data.evaluation.evaluate import backend_of

    return backend_of(name, LocalModel(allow_split_tags, options))


def _options(text: str) -> dict[str, Any]:
    import json

    from hipo_data.schemas.errors import UserError

    try:
        options = json.loads(text)
    except ValueError as error:
        raise UserError(f"--engine-args is not JSON: {error}") from error
    if not isinstance(options, dict):
        raise UserError('--engine-args takes a JSON object, such as {"max_model_len": 8192}')
    return options


def _budgets(text: str) -> list[int]:
    from hipo_data.schemas.errors import UserError

    said = [each.strip() for each in text.split(",") if each.strip()]
    wrong = next((each for each in said if not each.isdecimal() or int(each) == 0), None)
    if wrong is not None:
        raise UserError(f"--budgets has {wrong!r}; it takes numbers of tokens above 0, such as 500,1000,4000")
    return sorted({int(each) for each in said})


def _grading(sandbox: str, workers: int) -> Any:
    from pydantic import ValidationError

    from hipo_data.schemas.errors import UserError
    from hipo_data.schemas.grading import GradingConfig

    if sandbox not in ("bubblewrap", "landlock", "none"):
        raise UserError(f"--sandbox is bubblewrap, landlock or none, not '{sandbox}'")
    try:
        return GradingConfig.model_validate({"sandbox": sandbox, "workers": workers})
    except ValidationError as error:
        raise UserError(f"the grading cannot be set up so: {error}") from error


def _wrote(talk: "Console", *paths: Path) -> None:
    talk.print("wrote " + ", ".join(map(str, paths)), soft_wrap=True)
