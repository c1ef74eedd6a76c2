"""`python -m models.training STAGE`, or `all`. In order: text, speech, train, export, lm."""

from __future__ import annotations

import typer

from . import stages

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@app.command()
def text(count: int = stages.SENTENCES) -> None:
    """Write the sentences."""
    stages.make_text(count=count)


@app.command()
def speech(processes: int = 2) -> None:
    """Speak them: about eight minutes on two cores."""
    stages.make_speech(processes=processes)


@app.command()
def train(steps: int = stages.STEPS, decay: int = stages.DECAY, workers: int = 2) -> None:
    """Train, or go on training, up to a number of steps."""
    stages.train(steps=steps, decay=decay, workers=workers)


@app.command()
def lm(count: int = stages.LM_SENTENCES) -> None:
    """Count the language model."""
    stages.make_language_model(count=count)


@app.command()
def export() -> None:
    """Write models/bundled from the last checkpoint."""
    stages.export()


@app.command("all")
def everything() -> None:
    """All stages, one after the other."""
    stages.make_text()
    stages.make_speech()
    stages.train()
    stages.export()
    stages.make_language_model()


if __name__ == "__main__":
    app()
