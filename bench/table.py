"""Results as Markdown: medians, ratios, and whether each target was reached."""

import statistics
from dataclasses import dataclass

from programs import PEERS
from rows import GROWTH_TARGET, MEMORY_TARGETS, PREFIX_TARGETS, ROWS

PREFIX_TITLES = {
    "tl": "tl's prefix, bf16",
    "benchmark_app": "OpenVINO's benchmark_app, bf16",
    "eager bf16": "PyTorch eager, bf16, channels-last",
    "eager bf16, tuned allocator": "the same with a tuned allocator",
    "eager fp32": "PyTorch eager, fp32",
}


@dataclass
class Ratio:
    """How tl does against a peer: in speed, or in what it takes of something."""

    value: float
    target: float | None
    less_is_better: bool = False

    @property
    def is_reached(self):
        return self.value <= self.target if self.less_is_better else self.value >= self.target

    def cells(self):
        bound, unit = ("at most", "as much") if self.less_is_better else ("at least", "as fast")
        text = f"{self.value:.2f} × {unit}"
        if self.target is None:
            return [text, "", ""]
        return [text, f"{bound} {self.target:g} ×", "yes" if self.is_reached else "no"]


def median(results, key, name):
    return statistics.median(result[name] for result in results[key])


def spread(results, key, name):
    values = [result[name] for result in results[key]]
    text = f"{statistics.median(values):.1f}"
    return text if len(values) == 1 else f"{text} ({min(values):.1f} to {max(values):.1f})"


def measured_rows(results):
    return [row for row in ROWS if ("tl-train", row) in results]


def keys_of(row):
    """Where the results of a training row are, by program."""
    return {"tl-train": ("tl-train", row), **{name: (name, ROWS[row].work) for name in PEERS}}


def prefix_lines(results):
    """[(cells, ratio)], a line each; so do the functions below."""
    if ("tl", "prefix") not in results:
        return []
    own = median(results, ("tl", "prefix"), "images_per_second")
    lines = []
    for engine, title in PREFIX_TITLES.items():
        key = (engine, "prefix")
        ratio = None if engine == "tl" else Ratio(
            own / median(results, key, "images_per_second"), PREFIX_TARGETS.get(engine))
        lines.append(([title, str(results[key][0]["batch"]),
                       spread(results, key, "images_per_second")], ratio))
    return lines


def training_lines(results, cells, ratio):
    """Of each row that was measured; a title stands in its first line, which is tl-train's."""
    lines = []
    for row in measured_rows(results):
        (_, own), *peers = keys_of(row).items()
        lines.append(([ROWS[row].title, "tl-train", *cells(own)], None))
        lines += [(["", peer, *cells(key)], ratio(row, peer, own, key)) for peer, key in peers]
    return lines


def time_lines(results):
    return training_lines(
        results,
        lambda key: [spread(results, key, "seconds"), f"{median(results, key, 'accuracy'):.1f}"],
        lambda row, peer, own, other: Ratio(
            median(results, other, "seconds") / median(results, own, "seconds"),
            ROWS[row].targets.get(peer)))


def memory_lines(results):
    return training_lines(
        results,
        lambda key: [spread(results, key, "memory")],
        lambda _, peer, own, other: Ratio(
            median(results, own, "memory") / median(results, other, "memory"),
            MEMORY_TARGETS.get(peer), less_is_better=True))


def growth_lines(results):
    if ("tl-train", "growth") not in results:
        return []
    once, tenfold = ("tl-train", "views"), ("tl-train", "growth")
    return [([title, spread(results, once, name), spread(results, tenfold, name)],
             Ratio(median(results, tenfold, name) / median(results, once, name),
                   GROWTH_TARGET, less_is_better=True))
            for title, name in (("wall time, s", "seconds"), ("peak memory, MB", "memory"))]


TABLES = (  # title, columns, lines
    ("The frozen network alone", ["engine", "batch", "images/s", "tl against it"], prefix_lines),
    ("Time", ["trained", "program", "wall time, s", "best val accuracy, %", "tl-train against it"],
     time_lines),
    ("Memory", ["trained", "program", "peak, MB", "tl-train against it"], memory_lines),
    ("Ten times the images: " + ROWS["views"].title,
     ["tl-train's", "once", "ten times", "ten times against once"], growth_lines),
)


def markdown_table(columns, lines):
    head = [*columns, "target", "reached"]
    rows = [head, ["---"] * len(head)]
    rows += [cells + (ratio.cells() if ratio else ["", "", ""]) for cells, ratio in lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def tables(results):
    """Every table that there are results for, under its heading."""
    texts, ratios = [], []
    for title, columns, make_lines in TABLES:
        lines = make_lines(results)
        if lines:
            texts.append(f"## {title}\n\n{markdown_table(columns, lines)}")
            ratios += [ratio for _, ratio in lines if ratio and ratio.target is not None]
    reached = sum(ratio.is_reached for ratio in ratios)
    return f"Targets reached: {reached} of {len(ratios)}.\n\n" + "\n\n".join(texts)
