"""Train the character model that chapter 5.1 loads: python tools/train_character_model.py

About 12 minutes of one core. Ctrl-C it whenever you like: called again, it goes on where it was. It reads the code
corpus (scikit-learn's source, `rnncourse.data.text.code`), and writes the weights, and nothing else, to
rnncourse/data/character_model.pt. Another scikit-learn, processor or torch gives slightly other weights;
tests/data/test_character_model.py scores them.
"""

import math
import os
from pathlib import Path

import torch
from tqdm import tqdm

from rnncourse import training
from rnncourse.data import text
from rnncourse.pytorch import language

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "rnncourse" / "data" / "character_model.pt"
CHECKPOINT = ROOT / ".build" / "character_model.checkpoint"
READERS, T, STEPS, RATE = 16, 128, 9_200, 0.006


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    corpus = text.code()
    train = language.side_by_side(text.ASCII.encode(corpus.train), READERS)
    validation = language.side_by_side(text.ASCII.encode(corpus.validation), 50)[:1100]

    model = language.LanguageModel("LSTM", k=len(text.ASCII), m=32, n=256)
    with torch.no_grad():
        model.cell.bias_ih_l0[256:512] = 1.0  # forget gates that start nearly open: memory first
    CHECKPOINT.parent.mkdir(exist_ok=True)
    history = training.fit(
        model,
        torch.optim.Adam(model.parameters()),
        language.walk(model, train, T),
        lambda: language.surprise(model, validation)[99:].mean(),
        STEPS,
        rate=lambda step: RATE * (1 - 0.98 * step / STEPS),
        every=400,
        path=CHECKPOINT,
    )
    for step, seconds, loss, bits in history:
        tqdm.write(f"step {step:6}  {seconds:4.0f} s  training {loss / math.log(2):.3f}  validation {bits:.3f} bits")
    if history and history[-1][0] == STEPS:
        training.save(TARGET, model.state_dict())
        os.remove(CHECKPOINT)
        print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
