"""What cmake --install leaves: programs and a library that need nothing of the checkout."""

import json
import os
import shutil
import subprocess

import pytest
from kit import BIN, ROOT, SANITIZED, run

EXAMPLE = ROOT / "examples" / "classify"

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer's library is no user's")


def without_checkout():
    """What puts an empty folder in the checkout's place, as the beginning of a command, if one may."""
    words = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c",
             f"mount -t tmpfs none '{ROOT}' && exec \"$@\"", "sh"]
    able = shutil.which(words[0]) and \
        subprocess.run([*words, "true"], capture_output=True).returncode == 0
    return words if able else []


WITHOUT_CHECKOUT = without_checkout()


def output_of(*command, cwd=None):
    done = subprocess.run([*WITHOUT_CHECKOUT, *map(str, command)], cwd=cwd, text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Moved after the installation; removed at the end, since LibTorch is large."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", BIN.parent, "--prefix", folder / "first"], check=True,
                   stdout=subprocess.DEVNULL)
    (folder / "first").rename(folder / "prefix")
    yield folder / "prefix"
    shutil.rmtree(folder)


def test_nothing_refers_to_the_checkout(prefix):
    for file in (prefix / "lib" / "cmake").rglob("*.cmake"):
        assert str(ROOT) not in file.read_text(), file
    for file in [*(prefix / "bin").iterdir(), *prefix.rglob("lib/**/*.so*")]:
        libraries = output_of("ldd", file)
        assert str(ROOT) not in libraries and "not found" not in libraries, libraries


def test_programs_run_as_those_of_the_build(prefix, finished, data):
    arguments = [finished[0] / "model.pt", data, "--json", "--threads", "1"]
    expected = run("tl-predict", *arguments[:-2]).stdout
    assert json.loads(output_of(prefix / "bin" / "tl-predict", *arguments)) == json.loads(expected)


def test_find_package_alone_builds_the_program_of_the_readme(prefix, tmp_path, finished, data):
    source = shutil.copytree(EXAMPLE, tmp_path / "source")
    output_of("cmake", "-G", "Ninja", "-S", source, "-B", tmp_path / "build",
              f"-DCMAKE_PREFIX_PATH={prefix}")
    output_of("cmake", "--build", tmp_path / "build")
    images = sorted((data / "red").iterdir())
    said = output_of(tmp_path / "build" / "classify", finished[0] / "model.pt", *images)
    expected = json.loads(run("tl-predict", finished[0], *images, "--json").stdout)["images"]
    assert [line.split(": ")[1].split(",")[0] for line in said.splitlines()] == \
        [image["predictions"][0]["class"] for image in expected]


def test_the_readme_shows_the_example():
    readme = (ROOT / "README.md").read_text()
    for file in EXAMPLE.iterdir():
        assert file.read_text() in readme, file
