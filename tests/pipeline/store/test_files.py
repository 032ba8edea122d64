"""A file is whole or not there."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from hipo_data.pipeline.store.files import file_digest, put_bytes, put_table, read_table, remove_leftovers


def test_a_table_comes_back_as_it_was_and_its_digest_is_that_of_the_file(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    path = tmp_path / "deep" / "t.parquet"
    assert put_table(path, table) == file_digest(path)
    assert read_table(path).equals(table)


def test_a_failed_write_leaves_the_old_content_and_no_leftovers(tmp_path: Path) -> None:
    path = tmp_path / "f"
    put_bytes(path, b"old")
    script = (
        "import resource, signal, sys, pathlib\n"
        "from hipo_data.pipeline.store.files import put_bytes\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"  # a real refusal by the kernel, as of a full disk
        "put_bytes(pathlib.Path(sys.argv[1]), b'n' * 5000)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert "OSError" in done.stderr
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_writer_killed_before_the_rename_leaves_only_an_aside_that_is_cleared(tmp_path: Path) -> None:
    aside = tmp_path / "sub" / ".t.parquet.1234.tmp"
    aside.parent.mkdir()
    aside.write_bytes(b"half")
    remove_leftovers(tmp_path)
    assert not aside.exists()


def test_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\nfrom hipo_data.pipeline.store.files import put_bytes\n"
        "for _ in range(50): put_bytes(pathlib.Path(sys.argv[1]), sys.argv[2].encode() * 20000)\n"
    )
    path = tmp_path / "f"
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), letter]) for letter in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert path.read_bytes() in (b"a" * 20000, b"b" * 20000)


def test_names_of_asides_never_match_the_names_that_readers_look_for(tmp_path: Path) -> None:
    seen = []
    original = Path.replace

    def spy(self: Path, target: Path) -> Path:
        seen.append(self.name)
        return original(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", spy)
        put_bytes(tmp_path / "04-0001.parquet", b"x")
    assert seen
    assert not any(Path(name).match("??-????.parquet") or name.endswith(".json") for name in seen)
