"""Profile files: a path or the name of a shipped one in, a validated object out, one clear line for what is wrong.

Device and network profiles share this: both are frozen, refuse unknown fields, and say where their figures come from.
"""

import os
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ValidationInfo

from splitsearch.spaces.errors import UserError, nearest

__all__ = ["Count", "NotNegative", "Positive", "ProfileFile", "ProfilePart", "Text", "load_profile", "shipped_names"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, StringConstraints(min_length=1)]


class ProfilePart(BaseModel):
    """A frozen object of a profile file; unknown fields and numbers in quotes are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProfileFile(ProfilePart):
    """What every profile file says about itself.

    Attributes:
        schema_version: version of the file format; `schema` in the file.
        name: short name, as shown in tables.
        description: what is described, in one sentence.
        source: `measured` on the thing itself, or `estimated` from references and assumptions.
        references: documents that the figures rest on; at least one if they are estimated.
    """

    schema_version: Literal[1] = Field(alias="schema")
    name: Text
    description: Text
    source: Literal["estimated", "measured"]
    references: tuple[Text, ...] = Field(default=(), validate_default=True)

    @field_validator("references")
    @classmethod
    def _estimates_have_references(cls, references: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("source") == "estimated" and not references:
            raise ValueError("at least one reference is needed where the source is 'estimated'")
        return references

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data under the names of the file format."""
        return self.model_dump(mode="json", by_alias=True)


Profile = TypeVar("Profile", bound=ProfileFile)


def shipped_names(package: str) -> tuple[str, ...]:
    """Names of the JSON files inside a data package, without the ending, in alphabetical order."""
    return tuple(sorted(Path(entry.name).stem for entry in files(package).iterdir() if entry.name.endswith(".json")))


def load_profile(model: type[Profile], kind: str, package: str, name_or_path: str) -> Profile:
    """Reads a profile.

    Args:
        model: class of the profile.
        kind: what an error calls it, for example `device profile`.
        package: data package with the shipped files.
        name_or_path: an existing file, else the name of a shipped one with or without `.json`.

    Raises:
        UserError: there is no such file, it is no JSON, or a field is wrong; the line names file, field and value.
    """
    label, content = _read(kind, package, name_or_path)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        # A misspelt field is also a missing one; the misspelling is what the user has to see.
        first = min(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
        raise UserError(f"{kind} {label}: {_explain(first, model)}") from error


def _read(kind: str, package: str, name_or_path: str) -> tuple[str, bytes]:
    if os.path.isfile(name_or_path):
        try:
            return name_or_path, Path(name_or_path).read_bytes()
        except OSError as error:
            raise UserError(f"{kind} {name_or_path}: cannot be read: {error.strerror}") from error
    name, known = name_or_path.removesuffix(".json"), shipped_names(package)
    if name not in known:
        raise UserError(f"{kind} '{name_or_path}' is neither a file nor a shipped name{nearest(name, known)}")
    return f"{name}.json", (files(package) / f"{name}.json").read_bytes()


def _explain(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One line for one validation error."""
    place, kind = detail["loc"], detail["type"]
    field = ".".join(map(str, place))
    if kind == "json_invalid":
        return f"not valid JSON: {detail['ctx']['error']}"
    if not place:
        return f"must hold a JSON object, not {_shorten(detail['input'])}"
    if kind == "extra_forbidden":
        legal = _fields(model, place[:-1])
        return f"unknown field '{field}' = {_shorten(detail['input'])}{nearest(str(place[-1]), legal)}"
    if kind == "missing":
        return f"the field '{field}' is missing"
    wanted = detail["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return f"the field '{field}' is {_shorten(detail['input'])}: {wanted}"


def _fields(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Names that are legal inside an object of the file."""
    for step in place:
        if isinstance(step, str) and step in model.model_fields:  # a number is a place in a list of what we stand at
            model = _object_in(model.model_fields[step].annotation) or model
    return [info.alias or name for name, info in model.model_fields.items()]


def _object_in(annotation: Any) -> type[BaseModel] | None:
    """The class of objects that a field holds, alone, in a list, or as one of several possibilities."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _object_in(inner)) is not None), None)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
