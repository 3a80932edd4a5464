"""A case: a random network, how its file is made, and what is tried with it. The seed says all."""

import importlib.util
import random
import re
import sys
from dataclasses import dataclass

import torch
from endings import classifier
from map_steps import STEPS as MAP
from sequence_steps import NHWC, TOKENS, VECTOR
from writer import Form, Writer, sizes_after, source

STEPS = {"map": MAP, "nhwc": NHWC, "tokens": TOKENS, "vector": VECTOR}
SIZE = 14


@dataclass
class Case:
    seed: int
    steps: list
    ending: object
    gives: str  # see endings.classifier
    form: Form  # of the features
    method: str  # script or trace
    mode: str  # the file's: eval or train
    storage: str  # the file's weights: float, half, bfloat16 or double

    def text(self):
        text = source(self.steps, self.ending).replace("HARD", "True")
        return text.replace("NORM0", "self.training").replace("NORM1", "False").replace("NORM2", "True")

    def reference_text(self):
        """Its modes follow from the module's, and from `norms` for functional batch-norms."""
        text = source(self.steps, self.ending).replace("HARD", "self.training")
        return re.sub("NORM[012]", "self.norms", text).replace(
            "super().__init__()", "super().__init__()\n        self.norms = False")

    def refusable(self):
        return any(step.refusable for step in self.steps)

    def bakes_in(self):
        """A trace holds what the example's pixels were."""
        return any(step.bakes_in for step in self.steps)

    def jumps(self):
        """It rounds to few bits, so that a last bit may decide over more."""
        return re.search(r"\.(bfloat16|half|round|long)\(\)", self.text()) is not None

    def mixes_axes(self):
        """No last layer or norm tells where the channels are."""
        return re.search(r"view\(|fold\(|movedim|einsum|stack|reshape\(n, t, c\)",
                         self.text()) is not None

    def trains_otherwise(self):
        return any(step.trains_otherwise for step in self.steps)

    def leaves_no_trace(self):
        return any(step.leaves_no_trace for step in self.steps)


def apply(function, writer):
    writer.step.name = function.__name__
    kind = function(writer) or writer.form.kind
    writer.step.form = Form(kind, sizes_after(writer.step, writer.form, writer.saved))
    return writer.step


def draw(seed):
    rng = random.Random(seed)
    form, steps, saved, count = Form("map", (3, SIZE, SIZE)), [], {}, 0
    wanted = rng.randint(2, 12)
    # An ordinary layer first: what comes before the first one is not trained.
    functions = [next(f for f in MAP if f.__name__ == "convolution")]
    while len(steps) < wanted:
        table = STEPS[form.kind]
        function = functions.pop() if functions else rng.choices(*zip(*table.items()))[0]
        before = dict(saved)
        writer = Writer(rng, form, saved, count)
        count += 50
        try:
            with torch.random.fork_rng(devices=[]):
                step = apply(function, writer)
        except Exception:  # whatever PyTorch says to a step that does not fit
            saved = before
            if not steps:
                functions = [function]
            continue
        if not all(hasattr(step, "form") and size > 0 for size in step.form.sizes):
            continue
        steps.append(step)
        form = step.form
    if form.kind != "vector" and rng.random() < 0.75:  # most networks end in a classifier
        name = {"map": "to_vector", "nhwc": "nhwc_to_vector", "tokens": "tokens_to_vector"}[form.kind]
        function = next(f for f in STEPS[form.kind] if f.__name__ == name)
        for _ in range(10):
            try:
                step = apply(function, Writer(rng, form, saved, count))
            except Exception:
                continue
            steps.append(step)
            form = step.form
            break
    writer = Writer(rng, form, saved, count + 50)
    gives = classifier(writer)
    case = Case(seed, steps, writer.step, gives, form, rng.choice(["script", "trace"]),
                "train" if rng.random() < 0.3 else "eval",
                rng.choices(["float", "half", "bfloat16", "double"], weights=[12, 1, 1, 1])[0])
    if case.method == "trace" and case.leaves_no_trace():
        case.mode = "eval"  # a trace in train mode is another network
    return case


def build(text, seed, folder):
    """The network with random weights, none of them trivial, in eval mode."""
    file = folder / f"network_{abs(hash(text))}.py"  # scripting reads the source
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    torch.manual_seed(seed)
    network = module.Network()
    for part in network.modules():
        if getattr(part, "running_mean", None) is not None:
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
        if "Norm" in type(part).__name__ and getattr(part, "weight", None) is not None:
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            if getattr(part, "bias", None) is not None:
                torch.nn.init.uniform_(part.bias, -0.3, 0.3)
    return network.eval()
