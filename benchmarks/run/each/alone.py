"""pytest-xdist's scheduling where no machine waits for another, nor takes over what another has left."""

from collections.abc import Callable, Sequence

from xdist.workermanage import WorkerController


class Alone:
    """How many tests each machine has before it; what to begin with, it was told when it was ready.

    pytest-xdist's own ``each`` begins when all have collected, and ends them all where one is lost before that.
    """

    collection_is_completed = True

    def __init__(self, through: Callable[[WorkerController], None]) -> None:
        """Call *through* for each test that a machine is through with, when all that it sent of it is here."""
        self._through = through
        self._left: dict[WorkerController, int | None] = {}  # None until it has collected

    @property
    def nodes(self) -> list[WorkerController]:
        """The machines that go on."""
        return [*self._left]

    @property
    def tests_finished(self) -> bool:
        """Whether no machine has anything left: pytest-xdist then waits until all have ended."""
        return bool(self._left) and all(left == 0 for left in self._left.values())

    @property
    def has_pending(self) -> bool:
        """Whether a machine has something left."""
        return any(self._left.values())

    def add_node(self, node: WorkerController) -> None:
        """Take in a machine."""
        self._left[node] = None

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Note how much a machine has before it."""
        self._left[node] = len(collection)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Note that a machine has gone on."""
        self._through(node)
        if left := self._left.get(node):
            self._left[node] = left - 1

    def remove_node(self, node: WorkerController) -> str | None:
        """Let go of a machine; what it was at nobody repeats."""
        del self._left[node]  # a KeyError tells pytest-xdist that it never was ready
        return None

    def schedule(self) -> None:
        """Nothing is left to be handed out."""

    def mark_test_pending(self, item: str) -> None:
        """Nothing is measured a second time."""
        raise NotImplementedError

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:
        """Nothing is taken from a machine."""
        raise NotImplementedError
