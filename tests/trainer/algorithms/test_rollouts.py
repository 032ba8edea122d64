"""The codes of a batch."""

from hipo_data.prompts.formats.parts import Segment as Part
from hipo_data.trainer.algorithms.rollouts import segment_tensor
from tests.trainer.algorithms.batches import segments_of


def test_parts_become_codes_and_padding_is_none() -> None:
    rows = [[Part.JUDGE, Part.MODE, Part.REASONING, Part.ANSWER], [Part.MODE, Part.ANSWER], []]
    assert segment_tensor(rows, 5).tolist() == segments_of("jmra.", "ma...", ".....").tolist()
