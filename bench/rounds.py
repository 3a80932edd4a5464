"""What is measured in which order: in rounds, so that a machine's moods meet everyone alike."""

import sys
import tempfile
from functools import partial
from pathlib import Path

from engines import ENGINES
from programs import PEERS, measure_peer, measure_tl
from rows import CHAINS, ROWS


def sandwich(own, peers):
    """tl first and last, so that a machine that gets slower, or faster, favours nobody."""
    return own + peers + own if peers else own


def training_group(work, args):
    """tl-train on the rows of a work, and each peer once for all of them."""
    rows = [row for row in args.rows if row in ROWS and ROWS[row].work == work]
    if not rows:
        return []
    chains = [[(("tl-train", row), partial(measure_tl, row, args.data)) for row in chain
               if row in rows] for chain in CHAINS]
    return sandwich(chains, [[((name, work), partial(measure_peer, name, work))]
                             for name in PEERS])


def prefix_group():
    own, *peers = [[((name, "prefix"), measure)] for name, measure in ENGINES.items()]
    return sandwich([own], peers)


def plan(args):
    """Chains of (key, measurement), one after the other; a chain's measurements share a folder."""
    chains = prefix_group() if "prefix" in args.rows else []
    for work in ("head", "tail", "full"):
        chains += training_group(work, args)
    if "growth" in args.rows:
        chains.append([(("tl-train", "growth"), partial(measure_tl, "views", args.tenfold))])
    return chains


def describe(result):
    if "seconds" in result:
        return f"{result['seconds']:.1f} s, {result['memory']:.0f} MB"
    return f"{result['images_per_second']:.1f} images/s"


def measure_chain(chain, args, number, results):
    with tempfile.TemporaryDirectory() as folder:
        for key, measure in chain:
            result = measure(args, number, Path(folder))
            results.setdefault(key, []).append(result)
            print(f"round {number} of {args.rounds}, {key[1]}, {key[0]}: {describe(result)}",
                  file=sys.stderr)


def measure_rounds(args):
    """{(program, work or row): [results]} after each round, so that none is lost."""
    results = {}
    for number in range(1, args.rounds + 1):
        for chain in plan(args):
            measure_chain(chain, args, number, results)
        yield results
