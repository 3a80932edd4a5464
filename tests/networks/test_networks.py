"""Every kind of classifier file loads, lowers, can be cut, and is saved as plain TorchScript."""

import pytest
import torch
from conftest import build, difference, normalised, random_images, run_probe, to_torchscript

NETWORKS = [
    ("resnet18", "script"), ("resnet18", "trace"),
    ("resnet50", "script"), ("resnet50", "trace"),
    ("vgg16", "script"), ("vgg16", "trace"),
    ("mobilenet_v2", "script"), ("mobilenet_v2", "trace"),
    ("mobilenet_v3_small", "script"), ("mobilenet_v3_small", "trace"),
    ("squeezenet1_1", "script"), ("squeezenet1_1", "trace"),
    ("densenet121", "script"), ("densenet121", "trace"),
    ("shufflenet_v2_x1_0", "script"), ("shufflenet_v2_x1_0", "trace"),
    ("efficientnet_lite0", "trace"),
    ("timm/convnext_atto", "script"), ("timm/convnext_atto", "trace"),
    ("timm/vit_tiny_patch16_224", "script"), ("timm/vit_tiny_patch16_224", "trace"),
    ("swin_t", "script"), ("swin_t", "trace"),
]
SIZES = {"timm/vit_tiny_patch16_224": 224, "vgg16": 64}


@pytest.mark.parametrize("name, method", NETWORKS)
def test_network(name, method, tmp_path):
    size = SIZES.get(name, 96)
    eager = build(name)
    file = tmp_path / "network.pt"
    to_torchscript(eager, method, size).save(str(file))
    images = random_images(3, size)
    torch.save({"images": images}, tmp_path / "images.pkl", _use_new_zipfile_serialization=True)
    facts = run_probe("cuts", file, tmp_path / "images.pkl", tmp_path / "out.pkl")
    results = torch.load(tmp_path / "out.pkl", weights_only=False)

    with torch.no_grad():
        expected = eager(normalised(images))
    assert facts["classifier"] and facts["outputs"] == 1000
    assert facts["parameters"] == sum(p.numel() for p in eager.parameters())
    assert difference(results["logits"], expected) < 1e-5
    assert "without_gradient" not in facts
    for key in results:
        if key.startswith("k") or key == "again":
            assert difference(results[key], results["whole"]) < 1e-5, key

    plain = torch.jit.load(str(tmp_path / "out.pkl.model.pt"))
    with torch.no_grad():
        from_python = plain(images.permute(0, 3, 1, 2).float() / 255)
    assert difference(from_python, results["whole"]) < 1e-5
