"""README.md's table of keys is the schema's."""

import json
import shutil
import subprocess

from kit import ROOT

SCRIPT, SCHEMA = "scripts/config_reference", "configs/experiment.schema.json"


def reference(root, *arguments):
    return subprocess.run([root / SCRIPT, *arguments], capture_output=True, text=True, timeout=60)


def test_the_readme_has_every_key_as_the_schema_has_it():
    checked = reference(ROOT, "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_key_that_is_new_or_changed_is_noticed_and_written(tmp_path):
    for file in (SCRIPT, SCHEMA, "README.md"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    schema = json.loads((tmp_path / SCHEMA).read_text())
    keys = schema["properties"]["head"]["properties"]
    keys["dropout"]["default"] = 0.25
    last = f"| `head.{list(keys)[-1]}` |"
    keys["bias"] = {"description": "Not there yet.", "type": "boolean", "default": True}
    (tmp_path / SCHEMA).write_text(json.dumps(schema))

    checked = reference(tmp_path, "--check")
    assert checked.returncode == 1 and "run scripts/config_reference" in checked.stderr
    before = (tmp_path / "README.md").read_text()
    assert reference(tmp_path).returncode == 0
    after = (tmp_path / "README.md").read_text()
    assert "| `head.bias` | `true` | Not there yet. |" in after
    expected = before.replace("| `head.dropout` | `0.2` |", "| `head.dropout` | `0.25` |")
    row = next(line for line in expected.splitlines() if line.startswith(last))
    assert after == expected.replace(row, row + "\n| `head.bias` | `true` | Not there yet. |")
    assert reference(tmp_path, "--check").returncode == 0
