"""The rows of the table: what is trained, how tl-train is told, and what it is meant to reach."""

from dataclasses import dataclass

LAST_BEFORE_TAIL = "_blocks.12._project_conv"  # of EfficientNet-Lite0's 16 blocks, 3 are trained


@dataclass(frozen=True)
class Row:
    title: str
    work: str  # what the PyTorch programs train
    freeze: str
    views: str | int
    targets: dict  # program: how many times as fast tl-train has to be
    lr: float = 1e-3


ROWS = {
    "fresh": Row("head alone, fresh augmentation every epoch", "head", "all", "epoch",
                 {"tuned": 5, "tutorial": 22}),
    "views": Row("head alone, 4 views an image", "head", "all", 4, {"tuned": 10, "tutorial": 45}),
    "again": Row("head alone again, another learning rate", "head", "all", 4,
                 {"tuned": 25, "tutorial": 100}, lr=2e-3),
    "tail": Row("last three blocks and head, 4 views an image", "tail", LAST_BEFORE_TAIL, 4,
                {"tuned": 4}),
    "full": Row("everything", "full", "none", "epoch", {"tuned": 1.5, "tutorial": 4}),
}
# Rows that run one after the other on the same kept features; the first finds none.
CHAINS = (("fresh",), ("views", "again"), ("tail",), ("full",))
PREFIX_TARGETS = {  # engine: how many times as many images a second
    "benchmark_app": 0.95, "eager bf16": 4, "eager fp32": 10,
}
MEMORY_TARGETS = {"tuned": 1}  # program: how many times as much memory at most
GROWTH_TARGET = 10  # times as much of each at most, with ten times the images

ROW_NAMES = ("prefix", *ROWS, "growth")
NEEDS = {"again": "views", "growth": "views"}  # what goes before it, or what it is held against


def with_needs(names):
    """The names of rows and of those that they build on, in the order of the table."""
    return [name for name in ROW_NAMES
            if name in names or name in {NEEDS.get(other) for other in names}]
