"""What would be answered if it had been measured, and what measures it."""

from collections.abc import Iterator, Sequence

from benchmarks.decide.measured import Model
from benchmarks.decide.sides import COLD, WARM, classes

RUN = "run pytest benchmarks/ --benchmark-only --benchmark-json=FILE --batch-size 1 --model"
AT_ZERO = "--platform remote-cpu --network rtt=10ms"


def missing(models: Sequence[Model]) -> list[str]:
    """Return in words what is not measured, each with the command that does it."""
    return [words for model in models for words in _of(model)]


def _of(model: Model) -> Iterator[str]:
    asked = [way for way in model.ways.values() if way.total]
    if not asked and not model.servers:
        yield f"{model.name} on a server: {RUN} {model.name} --platform server-cpu {AT_ZERO}"
    elif not asked:
        yield f"{model.name}, the server's own stack (counted as 0): {RUN} {model.name} {AT_ZERO}"
    yield from (
        f"{model.name}, the first request of {way.name} at no distance (taken to be as a later one): {RUN} "
        f"{model.name} -m first_inference --platform {way.name} --network rtt=10ms"
        for way in asked
        if way.first is None
    )
    clients = classes(model)
    if not clients:
        yield f"{model.name} on a client: {RUN} {model.name} --platform chromium-wasm"
        return
    answering = clients[0].answering
    if not {COLD, WARM} <= answering.loads.keys() & answering.firsts.keys():
        yield (
            f'{model.name}, the first answer of {answering.platform}: {RUN} {model.name} -m "load or first_inference" '
            f"--platform {answering.platform}"
        )
