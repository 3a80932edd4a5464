"""One network through the library, held against PyTorch: a row of the table."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from exhibit import build, network_input, smallest_side, write
from torch import nn

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "fuzz_networks"))
from reference import off, rounded_to_bf16  # noqa: E402

PROBE = Path(os.environ.get("TL_BIN", HERE.parents[2] / "build" / "bin")) / "network_probe"
STEP_LENGTH = 0.01  # as in visit.cpp
EQUAL, TRAINS_ALIKE, BF16 = 1e-4, 1e-3, 0.05  # relative
ENGINE = 1e-3  # what the library asks of a fast engine, in make_engine.cpp


class Finding(Exception):
    """The library refuses the network, or is wrong."""


def near(ours, theirs, tolerance, what):
    error = off(ours, theirs)
    if not error < tolerance:
        raise Finding(f"{what}: off by {error:.2g}")


def first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:120] if lines else type(error).__name__


def visit(name, methods, folder):
    """A row for each method: the outcome ("passes", "fails", "not exported"), reason and figures."""
    torch.manual_seed(1)
    try:
        network, native = build(name)
        side = smallest_side(network, native)
    except (Exception, SystemExit) as error:
        for method in methods:
            yield {"name": name, "method": method, "outcome": "not exported",
                   "reason": first_line(error)}
        return
    for method in methods:
        row = {"name": name, "method": method, "side": side,
               "parameters": sum(p.numel() for p in network.parameters())}
        row["outcome"], row["reason"] = outcome(network, row, folder)
        yield row


def outcome(network, row, folder):
    try:
        write(network, row["method"], row["side"], folder / "network.pt")
    except Exception as error:  # the compiler raises many kinds
        return "not exported", first_line(error)
    try:
        judge(network, row, folder)
        return "passes", ""
    except Finding as finding:
        return "fails", str(finding)
    except Exception as error:
        return "fails", f"PyTorch: {first_line(error)}"


def judge(network, row, folder):
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (2, row["side"], row["side"], 3), dtype=torch.uint8,
                           generator=generator)
    data = {"images": images, "labels": torch.tensor([1, 3])}
    torch.save(data, folder / "data.pkl")
    facts, results = probe(folder)
    row.update({key: facts[key] for key in ("layers", "cuts") if key in facts})
    if "output" in results:
        with torch.no_grad():
            near(results["output"], network(network_input(images)), ENGINE, "logits")
    if refused := facts.get("refused"):
        where = f" [{refused['where']}]" if refused["where"] else ""
        raise Finding(f"{refused['stage']}: {refused['what']}{where}")
    check_table(facts, row)
    for what, error in facts["differences"].items():
        if error is None or not error < (ENGINE if what == "engine" else EQUAL):
            raise Finding(f"{what}: off by {error}")
    check_export(results, images, folder)
    check_training(network, facts, results, data, folder)


def probe(folder):
    """The facts and the tensors of visit.cpp."""
    arguments = ("visit", "network.pt", "data.pkl", "out.pkl")
    done = subprocess.run([PROBE, *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise Finding(f"died with {done.returncode}: {said[-1][:200] if said else ''}")
    return json.loads(done.stdout), torch.load(folder / "out.pkl", weights_only=False)


def check_table(facts, row):
    if facts["parameters_in_layers"] != facts["parameters"]:
        raise Finding(f"the layers have {facts['parameters_in_layers']} parameters, "
                      f"the network {facts['parameters']}")
    if facts["parameters"] > row["parameters"]:
        raise Finding(f"{facts['parameters']} parameters, PyTorch counts {row['parameters']}")


def check_export(results, images, folder):
    exported = torch.jit.load(str(folder / "out.pkl.model.pt"))
    with torch.no_grad():
        logits = exported(images.permute(0, 3, 1, 2).float() / 255)
    near(logits, results["whole"], EQUAL, "exported network")


def with_head(network, classifier, results):
    """The eager network with the library's head for its classifier, if that is a linear layer."""
    head = nn.Linear(*reversed(results["head.0.weight"].shape))
    head.load_state_dict({key: results[f"head.0.{key}"] for key in ("weight", "bias")})
    network = copy.deepcopy(network)
    try:
        if not isinstance(network.get_submodule(classifier), nn.Linear):
            return None
    except AttributeError:
        return None
    parent, _, leaf = classifier.rpartition(".")
    setattr(network.get_submodule(parent), leaf, head)
    return network


def in_training(network):
    """Batch norms keep their statistics, as the library's do by default."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
    return network


def step(network, x, labels):
    """Of gradient descent. Returns logits, loss and the gradient's norm before it."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    logits = network(x.clone())
    loss = F.cross_entropy(logits, labels)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    norm = sum(g.norm().item() ** 2 for g in gradients if g is not None) ** 0.5
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            if gradient is not None:
                parameter.sub_(gradient, alpha=STEP_LENGTH / norm)
    return logits.detach(), loss.item(), norm


def check_training(network, facts, results, data, folder):
    x = network_input(data["images"])
    reference = with_head(network, facts["classifier"], results)
    if reference is None:  # PyTorch trains the exported network, which normalises by itself
        x = data["images"].permute(0, 3, 1, 2).float() / 255
        reference = torch.jit.load(str(folder / "out.pkl.model.pt"))
        for parameter in reference.parameters():
            parameter.requires_grad = parameter.is_floating_point()
    else:
        in_training(reference)
    logits, loss, norm = step(reference, x, data["labels"])
    near(results["fp32"], logits, TRAINS_ALIKE, "logits in training")
    ours = facts["steps"]["fp32"]
    if not abs(ours["loss"] - loss) < TRAINS_ALIKE * loss:
        raise Finding(f"loss in fp32: {ours['loss']:.4g}, PyTorch's is {loss:.4g}")
    if not abs(ours["gradient"] - norm) < 10 * TRAINS_ALIKE * norm:
        raise Finding(f"gradient in fp32: {ours['gradient']:.4g}, PyTorch's is {norm:.4g}")
    allowed = check_bf16(reference, x, facts, results)
    before, _, _ = step(reference, x, data["labels"])
    with torch.no_grad():
        after = reference.eval()(x.clone())
    # Where the gradient is all rounding, a step in bf16 goes elsewhere, but not farther.
    near(results["after"], after, allowed + off(before, after), "logits after training")


def check_bf16(reference, x, facts, results):
    """After the step in fp32. Some networks enlarge what rounding changes, in PyTorch too. Returns
    how much is allowed."""
    with torch.no_grad():
        logits = reference(x.clone())
        allowed = BF16
        if isinstance(reference, torch.jit.ScriptModule):
            allowed *= 4
        else:
            rounded = rounded_to_bf16(reference)(x.bfloat16().float())
            allowed += 4 * off(rounded, logits)
    near(results["bf16"], logits, allowed, f"logits in bf16, of {allowed:.2g} allowed")
    if facts["steps"]["bf16"]["gradient"] is None:  # JSON has no other word for it
        raise Finding("gradient in bf16: not finite")
    return allowed
