"""The recipes of docs/workers.md: the manifest is a Job, and every command in them takes the flags that it is given."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from splitsearch.searcher.cli.app import app

TEXT = (Path(__file__).parents[2] / "docs" / "workers.md").read_text(encoding="utf-8")
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
Quantity = Annotated[str, Field(pattern=r"^[0-9.]+([EPTGMk]i?|m)?$")]


class Part(BaseModel):
    """Fields that Kubernetes does not know are refused, as its API server does with strict validation."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SecretKey(Part):
    name: Name
    key: str


class ValueFrom(Part):
    secretKeyRef: SecretKey


class Variable(Part):
    name: Annotated[str, Field(pattern=r"^[A-Z_]+$")]
    valueFrom: ValueFrom


class Resources(Part):
    limits: dict[str, Quantity]


class Mount(Part):
    name: Name
    mountPath: Annotated[str, Field(pattern="^/")]
    readOnly: bool = False


class Container(Part):
    name: Name
    image: str
    args: list[str]
    env: list[Variable]
    resources: Resources
    volumeMounts: list[Mount]


class Claim(Part):
    claimName: Name


class Volume(Part):
    name: Name
    emptyDir: dict[str, str] | None = None
    persistentVolumeClaim: Claim | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "Volume":
        assert (self.emptyDir is None) != (self.persistentVolumeClaim is None)
        return self


class PodSpec(Part):
    restartPolicy: Literal["OnFailure", "Never"]  # a Job takes no other
    terminationGracePeriodSeconds: int
    containers: Annotated[list[Container], Field(min_length=1)]
    volumes: list[Volume]

    @model_validator(mode="after")
    def _mounts_exist(self) -> "PodSpec":
        mounted = {mount.name for container in self.containers for mount in container.volumeMounts}
        assert mounted == {volume.name for volume in self.volumes}
        return self


class Metadata(Part):
    name: Name | None = None
    labels: dict[str, str] = {}


class Template(Part):
    metadata: Metadata
    spec: PodSpec


class JobSpec(Part):
    completions: Annotated[int, Field(ge=1)]
    parallelism: Annotated[int, Field(ge=1)]
    completionMode: Literal["Indexed", "NonIndexed"]
    backoffLimit: Annotated[int, Field(ge=0)]
    template: Template


class Job(Part):
    apiVersion: Literal["batch/v1"]
    kind: Literal["Job"]
    metadata: Metadata
    spec: JobSpec


def flags_of(command: str) -> set[str]:
    group = typer.main.get_command(app)
    return {flag for parameter in group.commands[command].params for flag in parameter.opts}  # type: ignore[attr-defined]


def test_the_manifest_is_a_job() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    job = Job.model_validate(yaml.safe_load(text))
    (container,) = job.spec.template.spec.containers
    flags = {word for word in container.args if word.startswith("--")}
    assert flags <= flags_of(container.args[0])


def test_every_flag_of_the_recipes_exists() -> None:
    blocks = re.findall(r"```(?:bash)?\n(.*?)```", TEXT, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    commands = [found for line in lines if (found := re.search(r"splitsearch (run|worker)\b(.*)", line))]
    assert len(commands) >= 5
    for found in commands:
        assert set(re.findall(r"(?<=\s)--[a-z-]+", found[2])) <= flags_of(found[1]), found[0]
