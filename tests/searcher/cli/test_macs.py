"""`splitsearch macs`."""

import json
from typing import Any


def test_table_and_json_tell_the_same(command: Any) -> None:
    done = command("macs", "--backbone", "resnet18", "--image-size", "64", "--cut", "layer2", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    text = command("macs", "--backbone", "resnet18", "--image-size", "64", "--cut", "layer2").stdout
    assert f"{document['totals']['head_macs']:,} MACs" in text
    assert "Not counted: BatchNorm2d x 20, ReLU x 17, add x 8" in text
    assert "layer4.1.conv2" in text
    assert "no rule knows" not in text


def test_the_view_is_a_choice(command: Any) -> None:
    text = command("macs", "--backbone", "resnet18", "--image-size", "64", "--view", "fvcore").stdout
    assert "batch_norm" in text
    assert "aten::max_pool2d x 1" in text


def test_what_may_multiply_is_pointed_out(command: Any, workplace: Any) -> None:
    code = (
        "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(192, 10)\n\n"
        "    def forward(self, x):\n        return self.fc(torch.fft.fft(x).real.flatten(1))\n\n\n"
        "def make():\n    return Net()\n"
    )
    (workplace / "fourier.py").write_text(code, encoding="utf-8")
    done = command("macs", "--backbone", "fourier.py:make", "--image-size", "8")
    assert "no rule knows how much: aten::fft_fft" in done.stdout, done.stderr


def test_wrong_input_is_one_line(command: Any) -> None:
    for arguments, words in ((("--view", "x"), "unknown view 'x'"), (("--cut", "layer9"), "no cut 'layer9'")):
        done = command("macs", "--backbone", "resnet18", "--image-size", "64", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr.splitlines()[-1]
    assert "--backbone is missing" in command("macs").stderr
