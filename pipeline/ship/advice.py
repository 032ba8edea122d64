"""What to tell somebody who trains with an export: the settings that leave responses as they are."""

from pathlib import Path

from hipo_data.pipeline.ship.export import CHAT_TEMPLATE
from hipo_data.prompts.formats.registry import FORMATS
from hipo_data.schemas.records import Mode


def advice(to: str, out: Path, form: str | None, tokenizer: str | None) -> str:
    """One or two sentences, with the arguments of the library."""
    template = out / CHAT_TEMPLATE
    match to:
        case "llama-factory" if form is not None and FORMATS[form].chat_template_kwargs(Mode.THINK_OFF):
            return (
                f"set dataset_dir: {out}, dataset: hipo_train, template: qwen3, enable_thinking: null in YAML; only "
                "with null does the template put the empty reasoning of think-off into the prompt, without a loss on it"
            )
        case "llama-factory":
            return (
                f"set dataset_dir: {out}, dataset: hipo_train, template: chatml, and leave enable_thinking alone; "
                "templates that know of reasoning, such as qwen3, put an empty one before responses or drop theirs"
            )
        case "ms-swift":
            return (
                f"train with swift sft {out / 'ms-swift.yaml'} --model …; it sets template: chatml, as templates that "
                "know of reasoning, such as qwen3, put an empty one before responses or cut them"
            )
        case "verl-rl":
            return (
                "the ground truth is the answer alone for math and tests as JSON for code; docs/exports.md names the "
                "reward function that grades by the whole gold"
            )
        case "trl-rl":
            return "train with GRPOTrainer and reward_funcs=accuracy_reward, which reads `solution`"
        case "openrlhf-rl":
            return (
                f"pass --data.prompt_dataset {out / 'train.jsonl'} --data.input_key prompt --data.label_key label "
                "--data.apply_chat_template, and a reward function that compares with the label"
            )
    if tokenizer:
        return f"the chat template of {tokenizer} renders every response in the format {form} as it is"
    settings = {
        "axolotl": f"put {out / 'axolotl.yaml'} into the config: it holds the files and the chat template {template}",
        "openrlhf": (
            f"pass --data.dataset {out / 'train.jsonl'} --data.input_key messages --data.apply_chat_template "
            f'--data.tokenizer_chat_template "$(cat {template})"'
        ),
    }
    start = settings.get(to, f"train with the chat template {template}")
    return f"{start}: it renders responses in the format {form} as they are; --tokenizer checks a model's own"
