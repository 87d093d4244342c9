"""The words of other programs' errors in one line: what went wrong and where, nothing of how the program is built."""

import re
from pathlib import Path

from models.names import shown

# Where in a runtime's source an error was raised, the function, and the condition that did not hold.
SOURCE = (
    r"\S+\.(?:cc|cpp|h|hpp):\d+ "
    r"(?:[^()]*::[^()]*\((?:[^()]|\([^()]*\))*\)(?: const)? |\w+ (?=[A-Z]))?"
    r"(?:\S.{0,200}? was false\. )?"
)
PLUMBING = re.compile(
    "|".join(
        (
            r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ",
            r"Load model from .+? failed: ?",
            r"(?:Can't create a session|failed to call OrtRun\(\))\. ERROR_CODE: \d+, ERROR_MESSAGE: ",
            r"Exception from \S+:\d+: ",
            r"Check '.{0,200}?' failed at \S+:\d+: ",
            r"FrontEnd API failed with \w+: ",
            SOURCE,
        )
    )
)
RUNNING = re.compile(r"Non-zero status code returned while running (\w+) node\. Name:'(.*?)' Status Message: ")
# What is better said in other words, with what mends it.
SAID = (
    (
        r"(?:Failed to load model because )?[Pp]rotobuf parsing failed\.?|No graph was found in the protobuf\.?"
        r"|Unable to read the model: .*Please check that model format.*",
        "this is no ONNX file, or a part of one; fetch or export it again",
    ),
    (
        r"Unsupported model IR version: (\d+), max supported IR version: (\d+)",
        r"its IR version is \1, and this runtime reads \2 and older; write it in such a one",
    ),
    (
        r"ONNX Runtime only \*guarantees\*.*?Opset (\d+) is under development.*?is till opset (\d+)\.?",
        r"its opset is \1, and this runtime knows \2 and older; export it in such a one",
    ),
)
CONTEXT = re.compile(r" ==> Context: ")  # of onnx.checker, on a line of its own


def in_a_line(error: object, file: Path | None = None) -> str:
    """Return an error's words without line breaks and plumbing; *file* is named by whoever tells them."""
    words = " ".join(str(error).split())
    words = RUNNING.sub(_node, PLUMBING.sub("", words))
    words = CONTEXT.sub("; ", words)
    for pattern, better in SAID:
        words = re.sub(pattern, better, words)
    if file is not None:
        words = words.replace(f' "{file}"', "").replace(f"{file}", file.name)
    return shown(words.strip()) or repr(error)


def _node(running: re.Match[str]) -> str:
    operator, name = running.groups()
    return f"{operator} {name}: " if name else f"{operator}: "
