"""A captured step trains as an eager one does; a stand-in records it, as no GPU is here."""

import pytest
import torch
from small_trainings import job, some_data, trainer

import models.training
from models.cifar100 import hold_out
from models.steps import CapturedStep
from models.training import Trainer


class Calls:
    """Records a step by keeping the function: as with a graph, nothing runs before the first replay."""

    def __init__(self):
        self.warm_ups = 0

    def warm_up(self, run):
        for _ in range(3):
            self.warm_ups += 1
            run()

    def record(self, run):
        outcome = torch.zeros(2, dtype=torch.float64)
        return lambda: outcome.copy_(run()), outcome


class Broken(Calls):
    """Fails as a capture does, after so many sizes."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def record(self, run):
        if self.after == 0:
            raise RuntimeError("operation not permitted when stream is capturing\nand more")
        self.after -= 1
        return super().record(run)


@pytest.fixture(autouse=True)
def plain_arithmetic(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(models.training, "_has_bfloat16", lambda _device: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # the steps that are compared are made here


def captured(folder, recorder, **changes):
    started = trainer(folder, **changes)
    started._step = CapturedStep(started._step, recorder)
    return started


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def folders(tmp_path, *names):
    for name in names:
        (tmp_path / name).mkdir()
    return [tmp_path / name for name in names]


GENTLE = {
    "epochs": 2,
    "peak_learning_rate": 0.05,
    "small_sizes": (20,),
    "growth": 0.5,
}  # one epoch of each of two sizes


def test_a_captured_training_ends_where_an_eager_one_ends(tmp_path):
    here, there = folders(tmp_path, "eager", "captured")
    eager, recorder = trainer(here, **GENTLE), Calls()
    replayed = captured(there, recorder, **GENTLE)
    torch.testing.assert_close(weights(replayed.run()), weights(eager.run()), rtol=1e-4, atol=1e-5)
    assert recorder.warm_ups == 6  # three for each size
    assert [line["image_size"] for line in replayed.log] == [20, 32]
    for line, other in zip(replayed.log, eager.log, strict=True):
        assert line["loss"] == pytest.approx(other["loss"], abs=2e-4)
        assert (line["train_accuracy"], line["learning_rate"]) == (other["train_accuracy"], other["learning_rate"])
    assert replayed.facts()["replayed"]
    assert "replayed" not in eager.facts()


def batch(size=16):
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(size, 3, 32, 32, generator=generator).to(memory_format=torch.channels_last)
    return images, torch.randint(0, 100, (size,), generator=generator)


def test_warming_up_leaves_no_trace(tmp_path):
    started = captured(tmp_path, Calls())
    before = weights(started.model)
    step = started._step
    step._fill(*batch(), 0.1)
    step._capture(20)
    assert torch.equal(weights(started.model), before)
    momenta = [state["momentum_buffer"] for state in started.optimizer.state.values()]
    assert len(momenta) == len([*started.model.parameters()])
    assert not any(momentum.any() for momentum in momenta)


def test_weights_momenta_and_inputs_keep_their_addresses(tmp_path):
    started = captured(tmp_path, Calls())
    step, (images, targets) = started._step, batch()
    step.take(images, targets, 0.1, 20)

    def addresses():
        return [value.data_ptr() for value in [*step._state(), *step._inputs]]

    before, rate = addresses(), started.optimizer.param_groups[0]["lr"]
    for size in (20, 24, 32):
        step.take(images.flip(0), targets.flip(0), 0.2, size)
    assert addresses() == before
    assert all(group["lr"] is rate for group in started.optimizer.param_groups)
    assert rate.item() == pytest.approx(0.2)


def test_each_step_has_its_own_images_and_rate(tmp_path):
    here, there = folders(tmp_path, "eager", "captured")
    eager, replayed = trainer(here), captured(there, Calls())
    images, targets = batch()
    for rate, size in ((0.1, 20), (0.0, 32), (0.02, 20)):
        images, targets = images.roll(1, 0) * 0.9, targets.roll(2, 0)
        outcomes = [one._train_step(images, targets, rate, size).tolist() for one in (eager, replayed)]
        assert outcomes[1] == pytest.approx(outcomes[0], rel=1e-4)
    torch.testing.assert_close(weights(replayed.model), weights(eager.model), rtol=1e-4, atol=1e-5)


def test_a_resumed_captured_training_ends_where_an_unbroken_one_ends(tmp_path, monkeypatch):
    whole, broken = folders(tmp_path, "whole", "broken")
    stopped = captured(broken, Calls(), **GENTLE)
    monkeypatch.setattr(stopped, "_write_log", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    resumed = captured(broken, Calls(), **GENTLE)
    assert resumed.epoch == 1
    assert torch.equal(weights(resumed.run()), weights(captured(whole, Calls(), **GENTLE).run()))


@pytest.mark.parametrize("after", [0, 1])
def test_what_cannot_be_captured_is_told_and_trained_eagerly(tmp_path, capsys, after):
    here, there = folders(tmp_path, "eager", "broken")
    eager, broken = trainer(here, **GENTLE), captured(there, Broken(after), **GENTLE)
    torch.testing.assert_close(weights(broken.run()), weights(eager.run()), rtol=1e-4, atol=1e-5)
    told = [line for line in capsys.readouterr().out.splitlines() if "CUDA graph" in line]
    reason = "RuntimeError: operation not permitted when stream is capturing"
    assert told == [f"no CUDA graph of a step at {32 if after else 20} pixels ({reason}): eager steps"]
    assert "replayed" not in broken.facts()


def test_a_device_is_not_asked_after_every_step(tmp_path, monkeypatch):
    """A loss that is no number is then told at the end of the epoch."""
    started = Trainer(job(tmp_path), *hold_out(some_data(), 0.1))
    with torch.no_grad():
        started.model.head.bias.fill_(float("nan"))
    with pytest.raises(models.training.TrainingError, match="the loss is nan in step 0"):
        started.run()
    # The device that the loop sees; the tensors stay where they are.
    monkeypatch.setattr(started, "device", Elsewhere())
    monkeypatch.setattr(torch, "zeros", lambda *args, device, zeros=torch.zeros, **options: zeros(*args, **options))
    with pytest.raises(models.training.TrainingError, match="resnet8 epoch 1/3: the loss is nan over the epoch"):
        started.run()


class Elsewhere:
    type = "elsewhere"
