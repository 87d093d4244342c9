"""Networks that are only timed: torchvision's definitions with seeded, untrained weights, as ONNX.

    python -m models.networks DIR [NAME …]

How long an inference takes does not depend on what was learnt; what it answers does, so nobody is told its accuracy.
Inputs are [batch, 3, 224, 224], outputs [batch, 1000]. Needs torch, torchvision and onnxscript.
"""

import argparse
import sys
import warnings
from pathlib import Path

NETWORKS = {
    "mobilenet-v3-small": "mobilenet_v3_small",
    "mobilenet-v2": "mobilenet_v2",
    "efficientnet-b0": "efficientnet_b0",
    "resnet18": "resnet18",
    "resnet50": "resnet50",
}
SEED = 0


def write(name: str, file: Path) -> None:
    """Write a network of the list as ONNX, with a free batch."""
    import torch
    import torchvision

    torch.manual_seed(SEED)
    network = torchvision.models.get_model(NETWORKS[name], weights=None).eval()
    batch = torch.export.Dim("batch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, 224, 224),),
            file,
            input_names=["input"],
            output_names=["logits"],
            opset_version=18,  # as in models.export
            dynamic_shapes=({0: batch},),
            dynamo=True,
            verbose=False,
            external_data=False,
        )


def main() -> None:
    """Write the networks asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {', '.join(NETWORKS)}")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in NETWORKS]:
        sys.exit(f"unknown network {unknown[0]}: choose from {', '.join(NETWORKS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or NETWORKS:
        file = options.folder / f"{name}.onnx"
        write(name, file)
        print(f"{file}: {file.stat().st_size:,} bytes, untrained, seed {SEED}")


if __name__ == "__main__":
    main()
