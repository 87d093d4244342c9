"""What would be answered if it had been measured, and what measures it."""

from collections.abc import Iterator, Sequence

from benchmarks.decide.burden import MEASURE_FREEZING, MEASURE_MEMORY
from benchmarks.decide.measured import Model
from benchmarks.decide.runs import clients_words
from benchmarks.decide.sides import COLD, IN_WORKER, WARM, Candidate, ClientClass, classes

RUN = "run pytest benchmarks/ --benchmark-only --benchmark-json=FILE --batch-size 1 --model"
JOIN = "let it join again, tox run -e clients --"
AT_ZERO = "--platform remote-cpu --network rtt=10ms"


def missing(models: Sequence[Model], platforms: Sequence[str] = (), budget: int | None = None) -> list[str]:
    """Return in words what is not measured, each with the command that does it.

    *platforms* are the only clients that count, where some are named; *budget* is of a page's memory, in bytes.
    """
    return [words for model in models for words in _of(model, platforms, budget)]


def _of(model: Model, platforms: Sequence[str], budget: int | None) -> Iterator[str]:
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
    clients = classes(model, platforms, budget)
    if not clients:
        wanted = " ".join(clients_words(platforms[:1] or ["chromium-wasm"]))
        yield f"{model.name} on a client: {RUN} {model.name} {wanted}"
        return
    here = next((one for one in clients if not one.device), None)
    yield from (f"{model.name}, {words}" for words in (_of_clients(here, model) if here else _of_device(clients[0])))


def _of_clients(clients: ClientClass, model: Model) -> Iterator[str]:
    """Yield what is not known of the client that answers, on a machine that runs the suite."""
    answering, run = clients.answering, f"{RUN} {model.name}"
    if not {COLD, WARM} <= answering.loads.keys() & answering.firsts.keys():
        yield f'the first answer of {answering.platform}: {run} -m "load or first_inference" {_named(answering)}'
    yield from _of_the_page(clients, run)


def _of_device(clients: ClientClass) -> Iterator[str]:
    """Yield what is not known of a device that joined: what its caches hold nobody can tell."""
    answering = clients.answering
    yield f"the first answer of {answering.platform} on {clients.title}: nobody can tell what its browser's caches hold"
    if answering.burden.freezes is None:
        tells = answering.platform.startswith("chromium-")  # how long its tasks are, and no other browser does
        what = f"{JOIN} {MEASURE_FREEZING}" if tells else "no browser but Chromium tells how long its tasks are"
        yield f"whether {answering.platform} freezes its page there: {what}"


def _named(candidate: Candidate) -> str:
    return " ".join(clients_words([candidate.platform]))


def _of_the_page(clients: ClientClass, run: str) -> Iterator[str]:
    """Yield what is not known of the page that the answering client computes in, or of a worker beside one."""
    answering = clients.answering
    burden, in_worker = answering.burden, f"{answering.platform}{IN_WORKER}"
    if burden.freezes is None:
        yield f"whether {answering.platform} freezes its page: {run} {MEASURE_FREEZING} {_named(answering)}"
    if burden.budget is not None and burden.memory is None:
        yield f"the memory that {answering.platform} takes: {run} {MEASURE_MEMORY} {_named(answering)}"
    is_tried = answering.platform.endswith(IN_WORKER) or any(one.platform == in_worker for one in clients.candidates)
    if burden.freezes and clients.lightest is None and not is_tried:
        words = " ".join(clients_words([in_worker]))
        yield f'{in_worker}, whose page may not freeze: {run} -m "latency or blocking" {words}'
