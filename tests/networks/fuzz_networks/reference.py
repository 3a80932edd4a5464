"""What PyTorch makes of a case, and what the library did: the verdict."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from case import SIZE, build

IMAGES, CLASSES = 4, 3
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
TYPES = {"float": torch.float32, "half": torch.float16, "bfloat16": torch.bfloat16,
         "double": torch.float64}


class Finding(Exception):
    """The library is wrong."""


def input_data(seed):
    """Images of different brightness: of noise alone, any two have the same mean and spread, and a
    network that mixes them seems not to."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(0, 256, (IMAGES, SIZE, SIZE, 3), generator=generator)
    return {"images": (noise // torch.tensor([1, 3, 2, 1]).view(-1, 1, 1, 1)).to(torch.uint8),
            "direction": torch.randn(IMAGES, CLASSES, generator=generator)}


def network_input(images):
    return (images.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD


def pooled(features, form):
    if features.dim() == 2:
        return features
    return features.mean({"map": (2, 3), "nhwc": (1, 2), "tokens": (1,)}[form.kind])


def write_network(case, network, file):
    """As TorchScript in the case's mode and type."""
    network = copy.deepcopy(network).train(case.mode == "train")
    before = copy.deepcopy(network.state_dict())
    if case.method == "script":
        scripted = torch.jit.script(network)
    else:
        scripted = torch.jit.trace(network, torch.rand(2, 3, SIZE, SIZE), check_trace=False)
    scripted.load_state_dict(before)  # a trace in train mode moves running statistics
    scripted.to(TYPES[case.storage]).save(str(file))
    if case.storage == "float":
        torch.jit.load(str(file))(torch.rand(IMAGES, 3, SIZE, SIZE))  # or PyTorch can't run it


def off(a, b):
    """Largest difference, relative to the largest value."""
    if a.shape != b.shape or not torch.isfinite(a).all():
        return float("inf")
    return (a - b).abs().max().item() / max(b.abs().max().item(), a.abs().max().item(), 1e-6)


class Reference:
    """The eager network with the weights that the file holds, in fp32."""

    def __init__(self, case, folder, data):
        self.case, self.data = case, data
        self.file_network = build(case.text(), case.seed, folder)
        self.network = build(case.reference_text(), case.seed, folder)
        if case.storage != "double":
            self.network.to(TYPES[case.storage]).float()
        self.x = network_input(data["images"])
        signs = torch.randint(0, 2, self.x.shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
        self.nudged_x = self.x * (1 + 1e-6 * signs)  # about as much as rounding does
        with torch.no_grad():
            self.output = self.network(self.x.clone())
            self.nudged = self.network(self.nudged_x.clone())
            self.alone = self.network(self.x[:1].clone())
        self.tolerance = 1e-2 if case.jumps() else 1e-3
        self.rows_are_independent = off(self.alone, self.output[:1]) < 1e-3

    def is_sound(self):
        """Not where rounding decides, as over the mean of an instance norm, which is 0."""
        return (bool(torch.isfinite(self.output).all()) and self.output.abs().max().item() < 1e4 and
                off(self.nudged, self.output) < self.tolerance / 5)

    def with_head(self, network, x, head, has_classifier):
        # In training mode the classifier's lines must not run twice, nor those of the features.
        features = (network.features if has_classifier else network)(x.clone())
        return F.linear(pooled(features, self.case.form), *head)

    def trained(self, x, head, has_classifier, frozen, norms):
        """Logits, gradients and buffers of one step in training mode."""
        head = [tensor.detach().clone().requires_grad_() for tensor in head]
        network = copy.deepcopy(self.network).train()
        network.norms = norms
        for name, module in network.named_modules():
            statistic = f"{name}.running_mean"
            if isinstance(module, NORMS) and (not norms or statistic in frozen):
                module.train(False)
        for name, parameter in network.named_parameters():
            if parameter.is_floating_point() and name in frozen:
                parameter.requires_grad = False
        # LibTorch's gradient of group_norm in channels-last memory crashes where its input needs
        # none, as behind a frozen layer.
        x = x.clone().requires_grad_() * 1
        logits = self.with_head(network, x, head, has_classifier)
        (logits * self.data["direction"]).sum().backward()
        return logits.detach(), head, network


def near(ours, theirs, tolerance, what):
    error = off(ours, theirs)
    if not error < tolerance:
        raise Finding(f"{what}: off by {error:.2g}")


def is_distribution(rows):
    return bool(rows.dim() == 2 and (rows >= 0).all() and (rows.sum(1) - 1).abs().max() < 1e-4)


def check_output(reference, results, facts):
    gives, expected, ours = reference.case.gives, reference.output, results["output"]
    tolerance = reference.tolerance
    if expected.dim() == 2 and expected.shape[1] == 1:  # a yes, though it be meant as a feature
        yes = expected if gives == "sigmoid" else expected.sigmoid()
        near(ours.softmax(1)[:, 1:], yes, tolerance, "probability of a yes")
    elif gives in ("probabilities", "log_probabilities"):
        expected = expected if gives == "probabilities" else expected.exp()
        near(ours.softmax(1), expected, tolerance, "probabilities from the softmax of the output")
    elif gives == "sigmoid":
        near(ours.sigmoid(), expected, tolerance, "sigmoids of the output")
    elif is_distribution(expected) and not is_distribution(ours):
        near(ours.softmax(1), expected, tolerance, "probabilities from the softmax of the output")
    else:
        near(ours, expected, tolerance, "output")
    near(results["alone"], ours[:1], tolerance, "an image alone and among others")


def check_training(reference, results, facts, norms):
    case = reference.case
    if case.method == "trace" and case.leaves_no_trace():
        return
    if case.trains_otherwise() and facts["trained_k"] > 0:
        return  # what is frozen stays in evaluation mode, whole
    frozen = {name.removeprefix("backbone.") for name in facts["frozen"]}
    head = [results["head.0.weight"], results["head.0.bias"]]
    try:
        logits, head, network = reference.trained(
            reference.x, head, facts["classifier"], frozen, norms)
        _, _, nudged = reference.trained(
            reference.nudged_x, head, facts["classifier"], frozen, norms)
    except RuntimeError:
        return  # PyTorch itself can't train it: an in-place step too many
    near(results["trained"], logits, 1e-2, f"logits in training mode, k = {facts['trained_k']}")
    for name, tensor in (("weight", head[0]), ("bias", head[1])):
        near(results[f"grad.head.0.{name}"], tensor.grad, 3e-2, f"gradient of the head's {name}")
    largest = max((p.grad.norm().item() for p in network.parameters() if p.grad is not None),
                  default=0)
    least = 3e-2 * max(largest, 1)  # what is less may be nothing but rounding
    for (name, parameter), (_, other) in zip(network.named_parameters(), nudged.named_parameters()):
        ours = results.get(f"grad.backbone.{name}")
        if parameter.grad is None or not parameter.is_floating_point():
            if ours is not None and ours.abs().max() > 0:
                raise Finding(f"a gradient for {name}, which PyTorch does not train")
            continue
        scale = parameter.grad.norm().item()
        if ours is None:
            if scale > least:
                raise Finding(f"no gradient for {name}")
            continue
        error = (ours - parameter.grad).norm().item() / max(scale, least)
        unavoidable = (other.grad - parameter.grad).norm().item() / max(scale, least)
        if not error < 3e-2 + 10 * unavoidable:
            raise Finding(f"gradient of {name}: off by {error:.2g}, k = {facts['trained_k']}")
    for name, buffer in network.named_buffers():
        ours = results.get(f"state.backbone.{name}")
        if ours is not None and buffer.is_floating_point():
            near(ours.float(), buffer.float(), 1e-2, f"buffer {name} after a step")


def rounded(network, inputs, output):
    if isinstance(output, torch.Tensor) and output.is_floating_point():
        return output.bfloat16().to(output.dtype)


def rounded_to_bf16(network):
    """Weights, and what each layer gives."""
    network = copy.deepcopy(network)
    for module in network.modules():
        module.register_forward_hook(rounded)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.bfloat16().to(tensor.dtype)
    return network


def check_bf16(reference, results, facts):
    """Near to fp32, by what the head's sums are made of, since they may cancel out, and by what
    rounding changes in PyTorch, since some networks enlarge it."""
    head = [results["head.0.weight"], results["head.0.bias"]]
    whole, case, x = results["whole"], reference.case, reference.x

    def features(network, images):
        return pooled((network.features if facts["classifier"] else network)(images), case.form)

    with torch.no_grad():
        largest = F.linear(features(reference.network, x.clone()).abs(), *(t.abs() for t in head))
        theirs = features(rounded_to_bf16(reference.network), x.bfloat16().to(x.dtype))
        unavoidable = (F.linear(theirs, *head) - whole).abs().max()
        allowed = 0.2 * largest.max() + 4 * unavoidable
    for which in ("bf16", "bf16_engine"):
        error = (results[which] - whole).abs().max()
        if not error < allowed:
            raise Finding(f"{which}: off by {error:.2g}, of {allowed:.2g} allowed")


def names_an_operation(refusal):
    text = refusal["what"] + refusal["where"]
    return "aten::" in text or "prim::" in text


def check_refusal(reference, refusal):
    """True where refusing is right."""
    if refusal["code"] != 4:
        raise Finding(f"{refusal['stage']}: code {refusal['code']}: {refusal['what'][:400]}")
    if not names_an_operation(refusal):
        raise Finding(f"{refusal['stage']}: refused without the operation's name: {refusal['what']}")
    if reference.case.refusable() or not reference.rows_are_independent:
        return
    if "nothing tells which side" in refusal["what"] and reference.case.mixes_axes():
        return
    if "more than one tensor" in refusal["what"] and reference.case.trains_otherwise():
        return  # it ends otherwise in training mode
    raise Finding(f"{refusal['stage']}: refused: {refusal['what']} [{refusal['where']}]")


def judge(reference, results, facts, norms):
    """Returns "same" or "refused"; raises Finding."""
    refusal = facts.get("refused")
    if refusal and "output" not in results:
        check_refusal(reference, refusal)
        return "refused"
    if reference.case.method == "trace" and reference.case.bakes_in():
        return "skipped"
    if not reference.rows_are_independent:
        raise Finding("rows depend on each other, and it was not refused")
    check_output(reference, results, facts)
    if refusal and "whole" not in results:
        check_refusal(reference, refusal)
        return "refused"
    if reference.case.gives == "features" and facts["classifier"]:
        return "same"  # its last layer looks like one, and may be
    head = [results["head.0.weight"], results["head.0.bias"]]
    with torch.no_grad():
        try:
            expected = reference.with_head(reference.network, reference.x, head,
                                           facts["classifier"])
        except RuntimeError as error:
            raise Finding(f"the head is somewhere else: {error}")
    near(results["whole"], expected, reference.tolerance, "logits of the head")
    for what, error in facts["differences"].items():
        if error is None or not error < reference.tolerance:
            raise Finding(f"{what}: off by {error}")
    if refusal:
        check_refusal(reference, refusal)
        return "refused"
    check_training(reference, results, facts, norms)
    check_bf16(reference, results, facts)
    return "same"
