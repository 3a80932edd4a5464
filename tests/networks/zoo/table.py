"""The table of docs/networks.md."""

from collections import Counter

HEAD = """# Networks that work

Every classifier of torchvision and, of timm, the smallest of each family, as TorchScript files,
scripted and traced: `scripts/zoo` makes this page. Weights are random and images as small as the
network takes. A row passes where the network

- is lowered, and gives PyTorch's logits;
- has a table of layers with all its parameters, and falls apart in the middle into two networks that
  give the same together (within 1e-4, and 1e-3 where the engine for frozen layers computes the first);
- trains for a step in fp32, with PyTorch's logits, loss and gradient, and for one in bf16, near to
  them;
- is exported, and gives the same logits in PyTorch.

A cut is a place where training can begin. What PyTorch itself can't script or trace is no row that
could pass.
"""


def tally(rows, planned):
    count = Counter(row["outcome"] for row in rows)
    tried = count["passes"] + count["fails"]
    networks = len({row["name"] for row in rows})
    of = "" if networks == planned else f" of {planned} so far"
    return (f"{networks} networks{of}, {len(rows)} files, of which PyTorch itself can't make "
            f"{count['not exported']}. Of the {tried} others **{count['passes']} pass "
            f"({100 * count['passes'] / max(tried, 1):.1f} %)**.")


def cells(row):
    outcome = {"passes": "passes", "fails": "**fails**",
               "not exported": f"PyTorch can't {row['method']} it"}[row["outcome"]]
    reason = row.get("reason", "").replace("|", "\\|").replace("`", "'")
    parameters = f"{row['parameters'] / 1e6:.1f} M" if "parameters" in row else ""
    return [row["name"], row["method"], parameters, row.get("side", ""), row.get("layers", ""),
            row.get("cuts", ""), outcome + (f": {reason}" if reason else "")]


def lines(rows):
    yield "| network | method | parameters | pixels | layers | cuts | outcome |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    for row in rows:
        yield "| " + " | ".join(map(str, cells(row))) + " |"


def write_table(rows, planned, file):
    """`planned`: how many networks the whole table has."""
    rows = sorted(rows, key=lambda row: (row["name"].startswith("timm/"), row["name"], row["method"]))
    failing = [row for row in rows if row["outcome"] == "fails"]
    parts = [HEAD, tally(rows, planned) + "\n"]
    if failing:
        parts += ["## What does not pass\n", *lines(failing), ""]
    parts += ["## All\n", *lines(rows), ""]
    file.write_text("\n".join(parts))
