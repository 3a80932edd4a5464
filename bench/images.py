"""The data sets that are measured on: drawn flowers, or a folder, once or ten times as large."""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from backbones import fail

DATA_ERROR = 3


def check_data(folder):
    for split in ("train", "val"):
        if not (folder / split).is_dir():
            fail(DATA_ERROR, f"{folder / split} is no folder",
                 "give a folder with train/ and val/, and a folder a class in each")


def draw_flowers(program, folder):
    for split, per_class, seed in (("train", 80, 1), ("val", 20, 2)):
        subprocess.run([program, folder / split, "--per-class", str(per_class),
                        "--seed", str(seed)], check=True, stdout=sys.stderr)
    return folder


def files_of(folder):
    return [file for split in ("train", "val") for file in sorted((folder / split).glob("*/*"))]


def read_once(folder):
    """Whoever is measured first is not to be the one that waits for the disk."""
    for file in files_of(folder):
        file.read_bytes()


def save_copies(file, times, folder):
    """Each copy has a JPEG quality of its own, so that no two are alike."""
    from PIL import Image

    try:
        image = Image.open(file).convert("RGB")
    except OSError:  # .DS_Store and the like
        return
    folder.mkdir(parents=True, exist_ok=True)
    for copy in range(times):
        image.save(folder / f"{file.name}_{copy}.jpg", quality=90 - copy)


def multiply(folder, times, target):
    """A data set of so many copies of each image."""
    files = files_of(folder)
    folders = [target / file.parent.relative_to(folder) for file in files]
    # Not in this process: its peak memory counts as that of every process that it starts.
    with ProcessPoolExecutor() as pool:
        list(pool.map(save_copies, files, repeat(times), folders))
    return target
