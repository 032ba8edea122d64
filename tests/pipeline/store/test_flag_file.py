"""The file of flags of a run, on a disk and in storage."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hipo_data.pipeline.graph.flags import flagged_in
from hipo_data.pipeline.store.flag_file import FLAGS, excluded, put_flag, read_flags
from hipo_data.pipeline.store.run_path import RunPath
from hipo_data.schemas.errors import UserError

_IDS = [f"{number:032x}" for number in range(24)]


def test_flags_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / FLAGS
    put_flag(path, _IDS[0], "first")
    put_flag(path, _IDS[1], "second")
    put_flag(path, _IDS[0], "other words")
    assert read_flags(path) == {_IDS[0]: "other words", _IDS[1]: "second"}
    put_flag(path, _IDS[0], None)
    put_flag(path, _IDS[9], None)
    assert read_flags(path) == {_IDS[1]: "second"} == excluded(str(path))


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: put_flag(tmp_path / FLAGS, each, "x"), _IDS))
    assert sorted(read_flags(tmp_path / FLAGS)) == _IDS


def test_in_storage(folder: RunPath) -> None:
    put_flag(folder / FLAGS, _IDS[0], "away")
    put_flag(folder / FLAGS, _IDS[1], "too")
    assert excluded(str(folder / FLAGS)) == {_IDS[0]: "away", _IDS[1]: "too"}


def test_without_the_key_nothing_is_left_out() -> None:
    assert excluded(None) == {}


def test_a_file_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"select.exclude names .*gone, which is not there; flag a problem"):
        excluded(str(tmp_path / "gone"))
    with pytest.raises(UserError, match="cannot be read"):
        excluded(str(tmp_path))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="bytes: is no UTF-8; mend it"):
        excluded(str(tmp_path / "bytes"))
    (tmp_path / "text").write_text("none")
    with pytest.raises(UserError, match="text: line 1 is neither"):
        excluded(str(tmp_path / "text"))


def test_a_shard_knows_its_own() -> None:
    ids = ["0" * 32, "3" + "f" * 31, "4" + "0" * 31, "f" * 32]
    assert flagged_in("02-0000", ids) == ids[:2]
    assert flagged_in("02-0001", ids) == [ids[2]]
    assert flagged_in("02-0002", ids) == []
    assert flagged_in("00-0000", ids) == ids
