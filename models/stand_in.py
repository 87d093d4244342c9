"""Stand-ins: one epoch of training for a model whose committed file is absent, kept apart and labelled."""

from pathlib import Path

from models import MODELS, WORK_DIR, manifest
from models.manifest import Artefact, ModelError


def load_or_build(name: str, data_dir: Path | None) -> Artefact:
    """Return the committed file where there is one, else the stand-in of an earlier run, else a new one.

    Building needs torch and CIFAR-100 (see :func:`models.cifar100.load` for *data_dir*) and takes about a minute a
    model. Raises ModelError without torch, DataError without data.
    """
    if not manifest.is_absent(name):
        return manifest.load(name)
    if manifest.is_absent(name, manifest.STAND_INS):
        _build(name, data_dir)
    return manifest.load(name, manifest.STAND_INS)


def _build(name: str, data_dir: Path | None) -> None:
    if name not in MODELS:
        base = name.partition(".")[0]
        raise ModelError(f"{name}: stand-ins are float32; make it with `tox run -e train -- export {base}`")
    try:
        from models.build import Data, Workshop, train
        from models.files import ExportError
        from models.training import Recipe, TrainingError
    except ImportError as error:  # the measuring environment leaves torch out
        raise ModelError(f"{name}: --build-models needs torch ({error}); run `tox run -e bench-build`") from error
    workshop = Workshop(manifest.STAND_INS.parent / "work", manifest.STAND_INS)
    try:
        train(MODELS[name], Recipe(epochs=1), Data.load(data_dir, WORK_DIR), workshop)
    except (TrainingError, ExportError) as error:
        raise ModelError(f"{name}: the stand-in was not made: {error}") from error
