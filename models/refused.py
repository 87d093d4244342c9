"""What runtimes mean when they refuse a graph: they say it in words of C++, each in its own.

What is not known here is told in the runtime's words.
"""

import re
from collections.abc import Callable
from pathlib import Path

from models.names import shown
from models.words import in_a_line

USUAL = "ai.onnx"  # the domain that nobody names
MOST = 4  # operators that are named
Said = re.Match[str]


def reason_of(runtime: str, model: Path, words: str) -> str | None:
    """Return what a *runtime* lacks that has said *words* of the file *model*; None where that is not known."""
    matches = ((pattern.search(words), reason) for pattern, reason in REASONS)
    found = next((told for match, reason in matches if match and (told := reason(model, match))), None)
    return f"{runtime} {found}" if found else None


def listed(names: list[str]) -> str:
    """Return names in a list that is no longer than a line."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"{', '.join(names[:MOST])}{more}"


def _operator(model: Path, said: Said) -> str:
    return f"has no {_with_types(model, said['operator'], said.groupdict().get('node') or '')}{_opset(said)}"


def _unknown(_model: Path, said: Said) -> str:
    return f"does not know the operator {said['operator']}{_opset(said)}"


def _opset(said: Said) -> str:
    opset = said.groupdict().get("opset")
    return f" (opset {opset})" if opset else ""


def _with_types(model: Path, operator: str, node: str) -> str:
    """Return an operator with the types that the graph gives it first, where those can be told.

    One of several is the one that is lacking, which the name of the *node* tells where it has one.
    """
    from models import graph  # not above: who is never refused anything need not wait for onnx

    types = graph.first_types(graph.read(model), operator, node)
    return f"{operator} for {' or '.join(types)}" if types else operator


def _type(_model: Path, said: Said) -> str:
    from models import graph

    kind = said["type"] or said["whole"]
    return f"has no type {graph.type_name(int(kind)) if kind.isdecimal() else kind}"


def _type_by_name(_model: Path, said: Said) -> str:
    return f"has no type {said['type'].lower()}"


def _sparse(model: Path, said: Said) -> str | None:
    """Say that weights are not read which the graph has as sparse ones; None where it has not."""
    from models import graph

    names = {weight.values.name for weight in graph.read(model).graph.sparse_initializer}
    return f"reads no sparse weights, such as {shown(said['name'])}" if said["name"] in names else None


def _untold(_model: Path, said: Said) -> str:
    return f"cannot tell the type of what {said['operator']} answers"


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


def _older(what: str) -> Callable[[Path, Said], str | None]:
    def told(_model: Path, said: Said) -> str:
        domain = said.groupdict().get("domain")
        others = f" of {domain}" if domain and domain != USUAL else ""
        return f"knows {what}{others} up to {said['known']}, this has {said['has']}"

    return told


def _refused(_model: Path, said: Said) -> str:
    return f"refuses {said['operator']}: {in_a_line(said['why'])}"


def _in_part(_model: Path, _said: Said) -> str:
    return "does not take the whole graph"


def _something(_model: Path, said: Said) -> str:
    what = in_a_line(said["what"]) if said["what"].strip() else ""
    return f"has not implemented a part of the graph{': ' if what else ''}{what}"


REASONS: list[tuple[re.Pattern[str], Callable[[Path, Said], str | None]]] = [
    (re.compile(pattern), reason)
    for pattern, reason in (
        (
            r"Could not find an implementation for (?P<operator>[\w.:]+)\((?P<opset>\d+)\)"
            r"(?: node with name '(?P<node>.*?)'(?=\W|$))?",
            _operator,
        ),
        (r"Provider type for (?P<operator>\w+) node with name '(?P<node>.*)' is not set", _operator),
        (r"Fatal error: (?P<operator>\S+?)\(-?\d+\) is not a registered function/op", _unknown),
        (r"No Op registered for (?P<operator>\S+) with domain_version of (?P<opset>\d+)", _unknown),
        (r"[Uu]nsupported data type: (?P<type>\w+)", _type),
        (r"Unsupported data type (?P<type>[A-Z][A-Z0-9_]+) expected: ", _type_by_name),
        (r"(?P<name>\S+) node not found in graph cache", _sparse),
        (r"Node input '(?P<name>.*?)' is not a graph input, initializer, or output of a previous node", _sparse),
        (r"Op \((?P<operator>\w+)\) output arg \(.*?\) type inference failed", _untold),
        (r"MLDataType for: (?:tensor\((?P<type>\w+)\)|(?P<whole>\S+)) is not currently registered", _type),
        (
            r"Unsupported model IR version: (?P<has>\d+), max supported IR version: (?P<known>\d+)",
            _older("versions of the format"),
        ),
        (
            r"Opset (?P<has>\d+) is under development.*?(?:domain (?P<domain>\S+) )?is till opset (?P<known>\d+)",
            _older("opsets"),
        ),
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
