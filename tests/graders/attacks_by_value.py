"""Wrong programs whose results pretend to be what they are not."""

from tests.graders.shapes import Program

BY_VALUE = [
    Program(
        "object that equals everything",
        """
        class Any:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
            def __bool__(self): return True
        """,
        "return Any()",
    ),
    Program(
        "int that equals everything",
        """
        class Int(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        """,
        "return Int(3)",
    ),
    Program(
        "str that equals everything",
        """
        class Str(str):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        """,
        "return Str('3')",
    ),
    Program(
        "list that equals everything",
        """
        class List(list):
            def __eq__(self, other): return True
        """,
        "return List()",
    ),
    Program(
        "reflected subtraction",
        """
        class Zero:
            def __sub__(self, other): return 0
            __rsub__ = __sub__
            def __abs__(self): return 0
            def __lt__(self, other): return True
            def __eq__(self, other): return True
        """,
        "return Zero()",
    ),
    Program(
        "class of a standard name",
        """
        same = {"__module__": "fractions", "__eq__": lambda s, o: True, "numerator": 1, "denominator": 1}
        Fake = type("Fraction", (), same)
        """,
        "return Fake()",
    ),
    Program(
        "type() overridden",
        """
        import builtins
        class Any:
            def __eq__(self, other): return True
        real = type
        builtins.type = lambda *a: int if len(a) == 1 else real(*a)
        builtins.isinstance = lambda *a: True
        """,
        "return Any()",
    ),
    Program("StopIteration", body="raise StopIteration"),
    Program("raises AssertionError", body="raise AssertionError"),
    Program("deep value", body="v = []\nfor _ in range(100000): v = [v]\nreturn v"),
    Program("huge integer", body="return 10 ** 1000000"),
    Program("not a number", body="return float('nan')"),
    Program("infinity", body="return float('inf')"),
    Program("True for 1", body="return True if x == 0 else -1"),
    Program("text for a number", body="return str(x * x + 1) + 'x'"),
    Program("pickle", "import os\nclass Bomb:\n    def __reduce__(self): return (os._exit, (0,))", "return Bomb()"),
    Program("generator", body="yield x * x + 1"),
    Program("function", body="return lambda: x"),
    Program("nothing", body="return None"),
    Program("a reply that is too large", body="return 'x' * (12 << 20)"),
    Program(
        "lying float",
        """
            class F(float):
                def __eq__(s,o): return True
                def __abs__(s): return 0.0
                def __sub__(s,o): return 0.0
                __rsub__=__sub__
                def __le__(s,o): return True
                def __hash__(s): return 0
        """,
        "return F(0)",
    ),
    Program(
        "lying tuple",
        """
            class T(tuple):
                def __eq__(s,o): return True
                def __len__(s): return 1
        """,
        "return T()",
    ),
    Program(
        "lying dict",
        """
            class T(dict):
                def __eq__(s,o): return True
                def __len__(s): return 1
                def __contains__(s,k): return True
        """,
        "return T()",
    ),
    Program(
        "namedtuple fields",
        """
            class T(tuple):
                _fields=('a',)
                def __eq__(s,o): return True
        """,
        "return T((1,2))",
    ),
    Program(
        "class named ListNode",
        """
            class ListNode:
                def __init__(s): s.val=s; s.next=None
                def __eq__(s,o): return True
        """,
        "return ListNode()",
    ),
    Program(
        "class of numpy's module",
        """
            class ndarray:
                ndim=0
                def item(s): return s
                def tolist(s): return []
                def __eq__(s,o): return True
            ndarray.__module__='numpy'
        """,
        "return ndarray()",
    ),
    Program(
        "fraction that equals everything",
        """
            import fractions
            class Fraction(fractions.Fraction):
                def __eq__(s,o): return True
        """,
        "return Fraction(1,3)",
    ),
    Program(
        "decimal that is not a number",
        "import decimal",
        "return decimal.Decimal('NaN')",
    ),
    Program(
        "complex",
        "",
        "return complex(x, 1)",
    ),
    Program(
        "sequence that equals everything",
        """
            class L:
                def __eq__(s,o): return True
                def __len__(s): return 2
                def __iter__(s): return iter(())
                def __index__(s): return 1
        """,
        "return L()",
    ),
    Program(
        "Arabic digits",
        "",
        "return str(x*x+1).translate({48+i: 0x660+i for i in range(10)})",
    ),
    Program(
        "fullwidth digits",
        "",
        "return ''.join(chr(ord(c)+0xFEE0) for c in str(x*x+1))",
    ),
    Program(
        "zero width",
        "",
        "return str(x*x+1)+chr(0x200b)",
    ),
    Program(
        "null byte at the end",
        "",
        "return str(x*x+1)+chr(0)",
    ),
    Program(
        "many lines of guesses",
        "",
        "return chr(10).join(map(str, range(100)))",
    ),
    Program(
        "all guesses on one line",
        "",
        "return ' '.join(map(str, range(100)))",
    ),
    Program(
        "backspace",
        "",
        "return '7'+chr(8)+str(x*x+1)",
    ),
    Program(
        "carriage return",
        "",
        "return '7'+chr(13)+str(x*x+1)",
    ),
    Program(
        "huge string",
        "",
        "return 'x'*(200<<20)",
    ),
    Program(
        "text that exits",
        """
            class S:
                def __str__(s): raise SystemExit(0)
                __repr__=__str__
        """,
        "return S()",
    ),
    Program(
        "error whose text exits",
        """
            class E(Exception):
                def __str__(s): import os; os._exit(0)
        """,
        "raise E",
    ),
    Program(
        "coroutine",
        "async def g(x): return x*x+1",
        "return g(x)",
    ),
    Program(
        "set of candidates",
        "",
        "return {x*x+1, 0}",
    ),
    Program(
        "list wrap",
        "",
        "return [x*x+1]",
    ),
    Program(
        "bytes",
        "",
        "return str(x*x+1).encode()+b' '",
    ),
    Program(
        "float nearly",
        "",
        "return x*x+1+0.001",
    ),
    Program(
        "class that equals everything",
        """
            class M(type):
                def __eq__(s,o): return True
                def __hash__(s): return 1
            class C(metaclass=M): pass
        """,
        "return C",
    ),
    Program(
        "class that claims to be int",
        """
            class C:
                __class__ = int
                def __eq__(s,o): return True
                def __int__(s): return 1
        """,
        "return C()",
    ),
    Program(
        "a class called int",
        "int2 = type('int', (object,), {'__module__':'builtins','__eq__':lambda s,o: True})",
        "return int2()",
    ),
]
