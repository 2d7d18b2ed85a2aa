"""The digest of weights: the same for a copy, another one after any change that training makes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pairforge import demo
from pairforge.generator.weights import PIECE_BYTES, weights_digest


def safetensors(file: Path, **tensors: np.ndarray) -> Path:
    """A file in the format of safetensors, written by hand."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        begin, data = len(data), data + tensor.tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text("{}")
    numbers = np.random.default_rng(0)
    tensors = {name: numbers.normal(size=(400, 400)).astype(np.float32) for name in "abc"}
    safetensors(made / "model.safetensors", norm=np.ones(4, np.float32), **tensors)
    return made


def test_a_copy_under_another_name_is_the_same_model(folder: Path, tmp_path: Path):
    copy = shutil.copytree(folder, tmp_path / "hf")
    (copy / "README.md").write_text("a card")
    assert weights_digest(copy) == weights_digest(folder)
    assert len(weights_digest(folder)) == 32


@pytest.mark.parametrize("tensor", ["norm", "a", "b", "c"])
def test_a_small_step_of_any_one_tensor_is_another_model(folder: Path, tensor: str):
    """Also where training rounds most of its numbers back to what they were, as 16 bits do."""
    before = weights_digest(folder)
    file = folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    length = int.from_bytes(data[:8], "little")
    begin, end = json.loads(data[8 : 8 + length])[tensor]["data_offsets"]
    for at in range(8 + length + begin, 8 + length + end, 4 * 1000):  # one number in a thousand
        data[at] ^= 1
    file.write_bytes(data)
    assert weights_digest(folder) != before


def test_the_config_the_names_and_other_formats_count(folder: Path):
    seen = {weights_digest(folder)}
    (folder / "config.json").write_text('{"rope_theta": 1}')
    seen.add(weights_digest(folder))
    (folder / "pytorch_model.bin").write_bytes(bytes(3 * PIECE_BYTES))
    seen.add(weights_digest(folder))
    data = bytearray(3 * PIECE_BYTES)
    data[-1] = 1
    (folder / "pytorch_model.bin").write_bytes(data)
    seen.add(weights_digest(folder))
    assert len(seen) == 4


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, (5).to_bytes(8, "little") + b"[1,2]" + b"x" * 50])
def test_a_broken_file_has_a_digest_too(tmp_path: Path, content: bytes):
    (tmp_path / "model.safetensors").write_bytes(content)
    assert weights_digest(tmp_path)


def test_a_folder_without_weights_has_none(tmp_path: Path):
    assert weights_digest(tmp_path) == ""


def test_the_bundled_model_has_one():
    assert weights_digest(demo.resolve("pairforge:nano"))
