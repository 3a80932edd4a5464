"""A random network as the text of a Python module, step by step."""

from dataclasses import dataclass, field

import torch
import torch.nn as nn
import torch.nn.functional as F

# Of the value that the next step gets, without the batch: N x C x H x W, N x H x W x C, N x T x C or
# N x C.
KINDS = ("map", "nhwc", "tokens", "vector")


@dataclass
class Form:
    kind: str
    sizes: tuple

    @property
    def channels(self):
        return self.sizes[0] if self.kind == "map" else self.sizes[-1]


@dataclass
class Step:
    """Lines of __init__ and of forward, which change x, and what they make of its form."""
    name: str
    init: list = field(default_factory=list)
    lines: list = field(default_factory=list)
    form: Form = None
    refusable: bool = False  # PyTorch runs it, and a refusal that names the operation is right
    trains_otherwise: bool = False  # it does something else in training mode
    bakes_in: bool = False  # a trace holds what the example's pixels were
    leaves_no_trace: bool = False  # and a trace in eval mode does not show that it would


class Writer:
    """Collects one step; names are unique in the whole network."""

    def __init__(self, rng, form, saved, count):
        self.rng, self.form, self.saved = rng, form, saved
        self.step = Step("")
        self.count = count

    def name(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def module(self, expression):
        name = self.name("m")
        self.step.init.append(f"self.{name} = {expression}")
        return f"self.{name}"

    def parameter(self, expression, requires_grad=True):
        grad = "" if requires_grad else ", requires_grad=False"
        return self.module(f"nn.Parameter({expression}{grad})")

    def buffer(self, expression):
        name = self.name("b")
        self.step.init.append(f'self.register_buffer("{name}", {expression})')
        return f"self.{name}"

    def line(self, text):
        self.step.lines.append(text)

    def pick(self, *choices):
        return self.rng.choice(choices)

    def chance(self, probability):
        return self.rng.random() < probability


def sizes_after(step, form, saved):
    """Runs the step alone; raises what PyTorch raises."""
    scope = {"torch": torch, "nn": nn, "F": F, "self": nn.Module().eval(),
             "x": torch.rand(2, *form.sizes)}
    scope |= {name: torch.rand(2, *f.sizes) for name, f in saved.items()}
    with torch.no_grad():
        exec("\n".join(step.init + step.lines), scope)
    x = scope["x"]
    if x.dtype != torch.float32 or x.dim() < 2 or x.shape[0] != 2 or not 0 < x[0].numel() <= 8192:
        raise ValueError("no form for the next step")
    return tuple(x.shape[1:])


HEADER = '''import torch
import torch.nn as nn
import torch.nn.functional as F


class Network(nn.Module):
    def __init__(self):
        super().__init__()
'''


def source(steps, ending):
    """The whole module. `features` is all in front of the classifier. HARD stands for a training
    mode that is written into forward, NORM for the mode of a functional batch-norm."""
    def block(lines):
        return "".join(f"        {line}\n" for line in lines)

    init = [line for step in [*steps, ending] for line in step.init]
    body = [line for step in steps for line in step.lines]
    return (HEADER + block(init) +
            "\n    def features(self, x):\n" + block([*body, "return x"]) +
            "\n    def forward(self, x):\n" + block(["x = self.features(x)", *ending.lines,
                                                     "return x"]))
