"""What the numbers were measured on."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from programs import BIN

CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")
PACKAGES = ("torch", "torchvision", "openvino", "pillow")


def describe_machine():
    cpu = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines()
               if ":" in line)
    cpu = {key.strip(): value.strip() for key, value in cpu.items()}
    flags = [flag for flag in CPU_FLAGS if flag in cpu.get("flags", "").split()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (f"{cpu.get('model name', platform.machine())} ({', '.join(flags) or 'no AVX'}), "
            f"{len(os.sched_getaffinity(0))} cores, {memory:.1f} GB of memory, "
            f"{platform.freedesktop_os_release()['PRETTY_NAME']}")


def version(package):
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {package}"


def describe_versions():
    tl = subprocess.run([BIN / "tl-train", "--version"], check=True, capture_output=True,
                        text=True).stdout.strip()
    return f"tl {tl}; Python {platform.python_version()}, {', '.join(map(version, PACKAGES))}"


def describe_surroundings():
    return f"""- Machine: {describe_machine()}
- Load average before the first run: {os.getloadavg()[0]:.2f}
- Versions: {describe_versions()}
- Date: {datetime.date.today()}"""
