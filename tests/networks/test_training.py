"""Training held against PyTorch: same weights, same batches, same settings, computed here."""

import copy
import json

import pytest
import torch
from conftest import build, difference, normalised, random_images, run_probe, to_torchscript

CLASSES, BATCH, STEPS, SIZE = 5, 8, 20, 96
# Network, how it is exported, where its classifier is, the k of the partial run, and whether its
# batch norms learn. Those of a MobileNetV2 with random weights make a hundred times of the smallest
# difference in every step: with them, PyTorch's gradients in its two memory layouts differ by 1 %.
NETWORKS = [
    ("resnet18", "script", "fc", 11, "train"),
    ("mobilenet_v2", "trace", "classifier.1", 20, "frozen"),
    ("timm/convnext_atto", "trace", "head.fc", 13, "train"),
]
TOLERANCE = 1e-4


def smooth(network):
    """The network with SiLU for ReLU (not ReLU6): at a ReLU's kink, PyTorch's own gradient of
    ResNet-18's first layer jumps by up to 2 % with the seventh digit of the input; so it moves by
    1e-5."""
    for name, child in network.named_children():
        if isinstance(child, torch.nn.ReLU):
            setattr(network, name, torch.nn.SiLU(inplace=True))
        else:
            smooth(child)
    return network


def data_of(tmp_path):
    images = random_images(BATCH * STEPS, SIZE)
    labels = torch.arange(BATCH * STEPS) % CLASSES
    # A signal to learn, so that losses move.
    images[..., 0] = (images[..., 0].float() * 0.5 + labels.view(-1, 1, 1) * 25).to(torch.uint8)
    torch.save({"images": images, "labels": labels}, tmp_path / "data.pkl")
    return images, labels


def reference_network(eager, classifier, before, frozen, batch_norm):
    """The eager network with our head, frozen where ours is, in training mode elsewhere."""
    network = copy.deepcopy(eager)
    weights = dict(before.named_parameters())
    parent, _, leaf = classifier.rpartition(".")
    head = torch.nn.Linear(weights["head.0.weight"].shape[1], CLASSES)
    head.load_state_dict({"weight": weights["head.0.weight"], "bias": weights["head.0.bias"]})
    setattr(network.get_submodule(parent), leaf, head)
    network.train()
    frozen = {name.removeprefix("backbone.") for name in frozen}
    for name, parameter in network.named_parameters():
        parameter.requires_grad = name not in frozen
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(module, torch.nn.BatchNorm2d) and (
                batch_norm == "frozen" or f"{name}.running_mean" in frozen):
            module.eval()
    return network, head


def groups(network, head):
    head_parameters = list(head.parameters())
    ids = {id(p) for p in head_parameters}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in ids]
    return head_parameters, rest


@pytest.mark.parametrize("what", ["everything", "k", "head"])
@pytest.mark.parametrize("name, method, classifier, k, batch_norm", NETWORKS)
def test_agrees_with_pytorch(name, method, classifier, k, batch_norm, what, tmp_path):
    images, labels = data_of(tmp_path)
    eager = smooth(build(name))
    file = tmp_path / "network.pt"
    to_torchscript(eager, method, SIZE).save(str(file))
    rates = {"lr": 1e-3, "backbone_lr": 1e-4}
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({
        "data": str(tmp_path / "data.pkl"), "batch_size": BATCH, "optimizer": "sgd",
        "batch_norm": batch_norm,
        "k": {"everything": 0, "k": k, "head": -1}[what], **rates}))

    # Logits and gradients of one batch.
    facts = run_probe("gradients", file, spec, tmp_path / "out.pkl")
    ours = torch.load(tmp_path / "out.pkl", weights_only=False)
    before = torch.jit.load(str(tmp_path / "out.pkl.before.pt"))
    network, head = reference_network(eager, classifier, before, facts["frozen"], batch_norm)
    logits = network(normalised(images[:BATCH]))
    torch.nn.functional.cross_entropy(logits, labels[:BATCH]).backward()
    assert difference(ours["logits"], logits.detach()) < TOLERANCE
    compared = 0
    for parameter_name, parameter in network.named_parameters():
        suffix = parameter_name.removeprefix(classifier + ".")
        key = f"grad.head.0.{suffix}" if suffix != parameter_name else f"grad.backbone.{parameter_name}"
        assert (key in ours) == parameter.requires_grad, key
        if parameter.requires_grad:
            error = (ours[key] - parameter.grad).norm() / max(parameter.grad.norm().item(), 1e-6)
            assert error < TOLERANCE, key
            compared += 1
    assert compared == sum(key.startswith("grad.") for key in ours)

    # The losses of twenty steps.
    trained = run_probe("train", file, spec, tmp_path / "trained")
    network, head = reference_network(eager, classifier, before, facts["frozen"], batch_norm)
    head_parameters, rest = groups(network, head)
    parameters = [{"params": head_parameters}]
    if rest:
        parameters.append({"params": rest, "lr": rates["backbone_lr"]})
    optimizer = torch.optim.SGD(parameters, lr=rates["lr"], momentum=0.9)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(normalised(images[batch])), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert trained["losses"] == pytest.approx(losses, rel=TOLERANCE)

    # What is frozen kept every bit; what is not has moved.
    after = torch.jit.load(str(tmp_path / "trained.after.pt"))
    start = {**dict(before.named_parameters()), **dict(before.named_buffers())}
    end = {**dict(after.named_parameters()), **dict(after.named_buffers())}
    frozen = set(facts["frozen"])
    assert all(torch.equal(start[n], end[n]) for n in frozen)
    if batch_norm == "frozen":
        frozen |= {name for name, _ in before.named_buffers()}
        assert all(torch.equal(start[n], end[n]) for n in frozen)
    moved = [n for n in start if n not in frozen and not torch.equal(start[n], end[n])]
    # Without norms that learn, the first layers of a random network see almost no gradient.
    share = 0.9 if batch_norm == "train" else 0.5
    assert len(moved) > share * len(set(start) - frozen)
