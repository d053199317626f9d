"""What `splitsearch train` prints: a few lines for people, one document for programs."""

from typing import Any

import typer

from splitsearch.searcher.cli.tables import print_json

__all__ = ["print_training"]


def print_training(document: dict[str, Any], *, json: bool) -> None:
    """What a full training came to, and where its weights are."""
    if json:
        print_json(document)
        return
    settings, best, before = document["settings"], document["best"], document["exported"]
    typer.echo(
        f"Trial {document['trial']} of {document['backbone']}, {settings['trainer']}: {settings['epochs']} epochs of "
        f"{document['training_images']} images in {document['seconds']:.0f} s"
    )
    typer.echo(
        f"Validation accuracy {best['accuracy']:.4f} (95 %: {best['low']:.4f} to {best['high']:.4f}) after epoch "
        f"{best['epoch']}, the best on these {document['validation_images']} images; as exported "
        f"{before['accuracy']:.4f}, teacher {document['teacher_accuracy']:.4f}"
    )
    if document["refreshed"]:
        typer.echo(f"The weights are in {document['export']}; epochs and checkpoints in {document['training']}")
    else:
        typer.echo(f"The exported weights were better and stay; the trained ones are in {document['export']}")
