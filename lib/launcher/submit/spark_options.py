"""Which options spark-submit has, read from its own parser: no list of ours can fall behind.

That parser is the Java class `SparkSubmitOptionParser`. Its constructor fills two arrays with the
names of options: `opts`, those that a value follows, and then `switches`, the others.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from zipfile import ZipFile

from launcher.spark import spark_jars

_PARSER = "org/apache/spark/launcher/SparkSubmitOptionParser.class"
# The Java Virtual Machine Specification, 4.4: kinds of constants, and the bytes after their tag.
_TEXT, _STRING, _FIELD, _NAME = 1, 8, 9, 12
_SIZES = {3: 4, 4: 4, 7: 2, _STRING: 2, _FIELD: 4, 10: 4, 11: 4, _NAME: 4, 15: 3, 16: 2, 18: 4}
_FIRST_CONSTANT = 10
# ldc or ldc_w, then aastore: a string goes into an array.
_INTO_ARRAY = re.compile(rb"(?:\x12(.)|\x13(..))\x53", re.DOTALL)
_PUTFIELD = b"\xb5"


@cache
def spark_options() -> dict[str, bool]:
    """The options of this Spark's spark-submit, and whether a value follows each."""
    (jar,) = spark_jars("spark-launcher_2.13")
    with ZipFile(jar) as archive:
        return options_in(archive.read(_PARSER))


def options_in(parser: bytes) -> dict[str, bool]:
    """The options in the compiled class `SparkSubmitOptionParser`.

    Raises:
        ValueError: the class is made in another way than that of Spark 4.
    """
    constants = _constants(parser)
    after_values = parser.index(_PUTFIELD + _field(constants, b"opts"))
    options = {}
    for match in _INTO_ARRAY.finditer(parser):
        tag, value = constants.get(int.from_bytes(match[1] or match[2]), (0, b""))
        if tag == _STRING:
            name = constants[int.from_bytes(value)][1].decode()
            options[name] = match.start() < after_values
    return options


def _constants(file: bytes) -> dict[int, tuple[int, bytes]]:
    """The constants of a class file by their index: kind and bytes."""
    (count,) = struct.unpack_from(">H", file, 8)
    constants, at, index = {}, _FIRST_CONSTANT, 1
    while index < count:
        tag = file[at]
        start = at + 3 if tag == _TEXT else at + 1
        (length,) = struct.unpack_from(">H", file, at + 1)
        end = start + (length if tag == _TEXT else _SIZES[tag])
        constants[index] = (tag, file[start:end])
        at, index = end, index + 1
    return constants


def _field(constants: dict[int, tuple[int, bytes]], name: bytes) -> bytes:
    """The index of the field of this name, as instructions hold it."""
    for index, (tag, value) in constants.items():
        if tag == _FIELD:
            name_and_type = constants[int.from_bytes(value[2:])][1]
            if constants[int.from_bytes(name_and_type[:2])][1] == name:
                return index.to_bytes(2)
    raise ValueError(f"no field {name.decode()}")
