"""Stand-ins: one epoch of training for a model whose committed file is absent, kept apart and labelled."""

from pathlib import Path

from models import MODELS, manifest
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
    try:
        from models.build import Data, Workshop, export, train
        from models.training import Recipe
    except ImportError as error:  # the measuring environment leaves torch out
        raise ModelError(f"{name}: --build-models needs torch ({error}); run `tox run -e bench-build`") from error
    base, _, precision = name.partition(".")
    workshop = Workshop(manifest.STAND_INS.parent / "work", manifest.STAND_INS)
    data = Data.load(data_dir, workshop.work_dir)
    if manifest.is_absent(base, manifest.STAND_INS):
        train(MODELS[base], Recipe(epochs=1), data, workshop)
    if precision:
        export(base, data, workshop)
