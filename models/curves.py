"""The learning curves of the manifest's trainings, drawn from their logs."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models import manifest
from models.files import replacing
from models.manifest import ModelError, Row

PICTURE = "learning-curves.svg"


def plot(manifest_file: Path) -> Path:
    """Draw the screening and the long trainings side by side into the logs' folder; return the picture's path."""
    logs = manifest_file.parent / "training"
    # One size of text, ids from a fixed seed, no date: the same logs give the same file.
    mpl.rcParams |= {"svg.hashsalt": "learning-curves", "svg.fonttype": "none", "font.size": 9}
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    short, long = figure.subplots(1, 2)
    screened = [*manifest.candidates(manifest_file).items()]
    trained = _trained(manifest_file)
    if not (screened and trained):
        raise ModelError(f"{manifest_file}: nothing to draw before a screening and a training; run `train_models.py`")
    for name, row in screened:
        _curve(short, logs / f"{name}.screening.jsonl", "held_out", label=f"{name}, {row['held_out']['top1']:.1f} %")
    for index, (name, row) in enumerate(trained):
        colour, label = f"C{index}", f"{name}, test {row['test']['top1']:.2f} %"
        _curve(long, logs / f"{name}.jsonl", "held_out", label=label, color=colour)
        _curve(long, logs / f"{name}.jsonl", "train_accuracy", color=colour, linestyle=":")
    _label(short, f"Screening: top-1 on {_images(screened, 'screening')} held-out images")
    _label(long, f"Training: top-1 on {_images(trained, 'training')} held-out images; dotted: on those trained on")
    path = logs / PICTURE
    with replacing(path) as partial:
        figure.savefig(partial, format="svg", metadata={"Date": None})
    return path


def _trained(manifest_file: Path) -> list[tuple[str, Row]]:
    rows = manifest.rows(manifest_file)
    return [(name, rows[name]) for name in manifest.chosen(manifest_file) if name in rows]


def _images(rows: list[tuple[str, Row]], training: str) -> str:
    """Return how many images were held out; a training on all images, which has no such curve, does not count."""
    return f"{max(row[training]['held_out_images'] for _, row in rows):,}"


def _curve(axes: Axes, log: Path, column: str, **style: Any) -> None:
    if not log.is_file():
        raise ModelError(f"{log} is missing; restore it with `git checkout -- {log.parent}`")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    points = [(line["epoch"], 100 * line[column]) for line in lines if column in line]
    # Without points the curve is still named in the legend, which tells the colour of the dotted one.
    axes.plot([epoch for epoch, _ in points], [value for _, value in points], **style)


def _label(axes: Axes, title: str) -> None:
    axes.set(title=title, xlabel="epoch", ylabel="%", ylim=(0, 100))
    axes.title.set_fontsize(8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper left")
