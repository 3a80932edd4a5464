"""bench/RESULTS.md: the tables, how they came about, and on what."""

import sys

from rows import ROW_NAMES
from table import tables


def count_images(results):
    """How many images were trained and judged on; every program has to take the same."""
    counts = {key[0]: result["images"] for key, (result, *_) in results.items()
              if "images" in result and key[1] != "growth"}
    if any(count != counts["tl-train"] for count in counts.values()):
        print(f"warning: not the same images were used: {counts}", file=sys.stderr)
    return counts.get("tl-train")


def describe_data(args, results):
    count = count_images(results)
    if not count:
        return ""
    return (f"- Data: `{args.data.name}`{', drawn by tl-draw-flowers' if args.drawn else ''}, "
            f"{count['train']} training and {count['val']} validation images\n")


def command(args):
    words = [f"scripts/bench --epochs {args.epochs} --rounds {args.rounds} "
             f"--threads {args.threads}"]
    if not args.drawn:
        words.append(f"--data path/to/{args.data.name}")
    if len(args.rows) < len(ROW_NAMES):
        words.append(f"--rows {' '.join(args.rows)}")
    return " ".join(words)


def write(args, rounds, results, surroundings, has_picture):
    picture = "![Wall time of whole runs](results.svg)\n\n" if has_picture else ""
    return f"""# tl beside its peers

EfficientNet-Lite0 at 224 pixels, fine-tuned by `tl-train`, by PyTorch tuned for the CPU
(`bench/tuned.py`) and by PyTorch as its tutorials do it (`bench/tutorial.py`, fp32). Made by
`scripts/bench`; [README.md](README.md) says what is compared.

{picture}{tables(results)}

## How it was measured

- Medians of the rounds (lowest to highest; rounds: {rounds}). In a round each peer runs once on a
  work, and tl before and after them, with the round's number as the seed. Ratios are those of the
  medians.
- Wall time is that of the whole process: start, check of the data, training, validation after
  every epoch, saving, and for `tl-train` its last evaluation and report as well.
- All have the same weights, augmentation, batches of 32, Adam, learning rates and number of threads
  and of workers; batch norms keep their statistics. With "4 views" tl-train keeps to four
  augmentations of each image; the PyTorch programs augment afresh every epoch, and so one run of
  theirs stands in all rows of the same work. "Again" follows directly on the row above it and finds
  the features that it kept; all other rows begin with an empty folder of features.
- Peak memory is that of a process and its workers together, shared pages counted once, looked at
  twice a second; at least the largest resident size of any one of them, which is all there is to
  know of a process without workers.
- The frozen network alone ends before the classifier. benchmark_app runs with its throughput hint
  and the batch that it is fastest with, eager PyTorch with the batch of the training and, but for
  one line, with the allocator as it comes.
- Ten times the images are all images in ten copies, each of another JPEG quality.
- timm's and torchvision's own training scripts are in no package, so they are not among the peers.

{describe_data(args, results)}- Epochs: {args.epochs}; threads: {args.threads}
{surroundings}

Once more: `{command(args)}`
"""
