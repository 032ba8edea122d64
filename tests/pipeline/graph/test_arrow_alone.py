"""In a process of its own each, as a process looks for pandas once."""

import subprocess
import sys


def said(program: str) -> str:
    first = "import sys, pyarrow as pa; from hipo_data.pipeline.graph.arrow_alone import leave_pandas_out; "
    return subprocess.run([sys.executable, "-c", first + program], capture_output=True, text=True, check=True).stdout


def test_lists_are_read_without_pandas() -> None:
    read = "pa.Table.from_pylist([{'a': [1], 'b': 'x'}]); print('pandas' in sys.modules)"
    assert said(f"leave_pandas_out(); {read}") == "False\n"
    assert said(read) == "True\n"  # as long as that is so, it has to be left out


def test_pandas_is_there_for_whoever_asks() -> None:
    table = "pa.table({'a': [1, 2]}).to_pandas()"
    assert (
        said(f"leave_pandas_out(); frame = {table}; import pandas; print(type(frame) is pandas.DataFrame)") == "True\n"
    )
    assert said("import pandas; leave_pandas_out(); print(pa.array(pandas.Series([1.0, None])).null_count)") == "1\n"
