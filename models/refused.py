"""What runtimes mean when they refuse a graph: they say it in words of C++, each in its own.

What is not known here is told in the runtime's words.
"""

import re
from collections.abc import Callable
from pathlib import Path

MOST = 4  # operators that are named
Said = re.Match[str]


def reason_of(runtime: str, model: Path, words: str) -> str | None:
    """Return what a *runtime* lacks that has said *words* of the file *model*; None where that is not known."""
    matches = ((pattern.search(words), reason) for pattern, reason in REASONS)
    found = next(((match, reason) for match, reason in matches if match), None)
    return f"{runtime} {found[1](model, found[0])}" if found else None


def listed(names: list[str]) -> str:
    """Return names in a list that is no longer than a line."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{', '.join(names[:MOST])}{more}"


def _operator(model: Path, said: Said) -> str:
    return f"has no {_with_types(model, said['operator'])}{_opset(said)}"


def _unknown(_model: Path, said: Said) -> str:
    return f"does not know the operator {said['operator']}{_opset(said)}"


def _opset(said: Said) -> str:
    opset = said.groupdict().get("opset")
    return f" (opset {opset})" if opset else ""


def _with_types(model: Path, operator: str) -> str:
    """Return an operator with the types that the graph gives it first, where those can be told."""
    from models import graph  # not above: who is never refused anything need not wait for onnx

    types = graph.first_types(graph.read(model), operator)
    return f"{operator} for {' and '.join(types)}" if types else operator


def _type(_model: Path, said: Said) -> str:
    from models import graph

    kind = said["type"] or said["whole"]
    return f"has no type {graph.type_name(int(kind)) if kind.isdecimal() else kind}"


def _types(model: Path, _said: Said) -> str:
    from models import graph

    return f"does not have all of the graph's types: {', '.join(graph.types(graph.read(model)))}"


def _operators(_model: Path, said: Said) -> str:
    return f"has no {listed(said['operators'].split(', '))}"


def _unconverted(_model: Path, said: Said) -> str:
    return f"cannot convert {listed(said['operators'].strip().split(', '))} of the graph in these lengths"


def _shapes(_model: Path, said: Said) -> str:
    return f"infers other shapes than the graph's own: {said['why']}"


def _own_fault(_model: Path, _said: Said) -> str:
    return "fails over this graph with a fault of its own"


def _older(what: str) -> Callable[[Path, Said], str]:
    return lambda _model, said: f"knows {what} up to {said['known']}, this has {said['has']}"


def _refused(_model: Path, said: Said) -> str:
    return f"refuses {said['operator']}: {said['why']}"


def _in_part(_model: Path, _said: Said) -> str:
    return "does not take the whole graph"


def _something(_model: Path, said: Said) -> str:
    return f"has not implemented a part of the graph{': ' if said['what'] else ''}{said['what']}"


REASONS: list[tuple[re.Pattern[str], Callable[[Path, Said], str]]] = [
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"Could not find an implementation for (?P<operator>[\w.:]+)\((?P<opset>\d+)\)", _operator),
        (r"Provider type for (?P<operator>\w+) node with name '.*' is not set", _operator),
        (r"Fatal error: (?P<operator>\S+?)\(-?\d+\) is not a registered function/op", _unknown),
        (r"No Op registered for (?P<operator>\S+) with domain_version of (?P<opset>\d+)", _unknown),
        (r"[Uu]nsupported data type: (?P<type>\w+)", _type),
        (r"MLDataType for: (?:tensor\((?P<type>\w+)\)|(?P<whole>\S+)) is not currently registered", _type),
        (
            r"Unsupported model IR version: (?P<has>\d+), max supported IR version: (?P<known>\d+)",
            _older("versions of the format"),
        ),
        (r"Opset (?P<has>\d+) is under development.* is till opset (?P<known>\d+)", _older("opsets")),
        (r"No conversion rule found for operations: (?P<operators>[\w.:, -]+)", _operators),
        (r"Conversion is failed for: (?P<operators>[\w.:, -]+)", _unconverted),
        (r"\[ShapeInferenceError\] (?P<why>[^\n]*?)\.?(?:\n|$)", _shapes),
        (r"absl::container_internal::", _own_fault),
        (r"Unsupported operation of type: (?P<operator>\w+)", _operator),
        (r"Loading input model Unsupported (?:type|value_info type)", _types),
        (r"assigned to the default CPU EP, but fallback to CPU EP has been explicitly disabled", _in_part),
        (r"Failed to execute '(?P<operator>\w+)' on 'MLGraphBuilder': (?P<why>[^\n]*?)\.?(?:\n|$)", _refused),
        (r"(?:ERROR_CODE: 9, ERROR_MESSAGE:|NOT_IMPLEMENTED :)[ ]?(?P<what>[^\n]*)", _something),
    )
]
