"""Run with lighteval: details of the sums, written to argv[1] by its own tracker."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from lighteval.logging.evaluation_tracker import EvaluationTracker
from lighteval.models.dummy.dummy_model import DummyModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc
from sums import MODEL, SUMS, Response, responses


def text(given: Response) -> str:
    return given.answer if given.reasoning is None else f"<think>\n{given.reasoning}\n</think>\n\n{given.answer}"


def cut(given: Response) -> str:
    return f"<think>\n{given.reasoning}" if given.ended == "length" else text(given)


with TemporaryDirectory() as folder:
    tracker = EvaluationTracker(output_dir=folder, save_details=True)
    tracker.general_config_logger.log_model_info(DummyModelConfig(model_name=MODEL))
    for place, (question, gold) in enumerate(SUMS):
        doc = Doc(query=question, choices=[gold], gold_index=0, id=f"sum-{place}", task_name="sums|0", num_samples=4)
        texts = [cut(given) for given in responses(place)]
        found = ModelResponse(input=[{"role": "user", "content": question}], text=texts)
        tracker.details_logger.log("sums|0", doc, found, {"pass@k:k=1&n=4": 0.5})
    tracker.details_logger.aggregate()
    tracker.save()
    (written,) = Path(folder).glob("details/**/*.parquet")
    Path(sys.argv[1]).write_bytes(written.read_bytes())
