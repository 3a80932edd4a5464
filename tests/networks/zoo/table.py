"""The table of docs/networks.md."""

HEAD = """# Networks that work

Every classifier of torchvision and, of timm, the smallest of each family, as TorchScript files,
scripted and traced: `scripts/zoo` makes this page. Weights are random and images as small as the
network takes. A row passes where the network

- is lowered, and gives PyTorch's logits;
- has a table of layers with all its parameters, and falls apart in the middle into two networks that
  give the same together, the first one also in the engine for frozen layers;
- trains for a step in fp32, with PyTorch's logits, loss and gradient, and for one in bf16, near to
  them;
- is exported, and gives the same logits in PyTorch.

A cut is a place where training can begin. What PyTorch itself can't script or trace is no row that
could pass.
"""


def tally(rows):
    count = {"passes": 0, "fails": 0, "not exported": 0}
    for row in rows:
        count[row["outcome"]] += 1
    tried = count["passes"] + count["fails"]
    names = len({row["name"] for row in rows})
    return (f"{names} networks, {len(rows)} files, of which PyTorch itself can't make "
            f"{count['not exported']}. Of the {tried} others **{count['passes']} pass "
            f"({100 * count['passes'] / max(tried, 1):.1f} %)**.")


def cells(row):
    outcome = {"passes": "passes", "fails": "**fails**",
               "not exported": f"PyTorch can't {row['method']} it"}[row["outcome"]]
    reason = row.get("reason", "").replace("|", "\\|").replace("`", "'")
    if row["outcome"] == "not exported":
        reason = ""
    parameters = f"{row['parameters'] / 1e6:.1f} M" if "parameters" in row else ""
    return [row["name"], row["method"], parameters, row.get("side", ""), row.get("layers", ""),
            row.get("cuts", ""), outcome + (f": {reason}" if reason else "")]


def lines(rows):
    yield "| network | method | parameters | pixels | layers | cuts | outcome |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    for row in rows:
        yield "| " + " | ".join(map(str, cells(row))) + " |"


def write_table(rows, file):
    rows = sorted(rows, key=lambda row: (row["name"].startswith("timm/"), row["name"], row["method"]))
    failing = [row for row in rows if row["outcome"] == "fails"]
    parts = [HEAD, tally(rows) + "\n"]
    if failing:
        parts += ["## What does not pass\n", *lines(failing), ""]
    parts += ["## All\n", *lines(rows), ""]
    file.write_text("\n".join(parts))
