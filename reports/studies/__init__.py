"""The kinds of results that a report can tell of, each a module here with `tell(source) -> Told`."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from circuits.errors import InputError
from reports.model import Document
from reports.record import Source

# what study.yaml says under `study`, or what `read_source` calls it -> the module that tells of it
KINDS = {"iso-capacity": "reports.studies.iso_capacity", "iso-area": "reports.studies.iso_area",
         "scaling": "reports.studies.scaling", "batch": "reports.studies.batch",
         "sensitivity": "reports.studies.sensitivity", "explore": "reports.studies.explore",
         "reproduce": "reports.studies.reproduce",
         "method-run": "reports.studies.method_run", "method-study": "reports.studies.method_study",
         "latency-fit": "reports.studies.latency_fit",
         "latency-profile": "reports.studies.latency_profile",
         "balance-profile": "reports.studies.balance_profile",
         "balance-job": "reports.studies.balance_job",
         "balance-recommend": "reports.studies.balance_recommend"}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A result as a document, and its figures: of each its files (SVG by name), none where it has nothing to show."""

    document: Document
    drawn: Mapping[str, Mapping[str, bytes]]

    @property
    def figures(self) -> dict[str, bytes]:
        """Return every SVG by its file name."""
        return {name: content for part in self.drawn.values() for name, content in part.items()}


def tell(source: Source) -> Told:
    """Return what the module of a result's kind tells of it.

    Raises:
        InputError: for a kind that none tells of, or tables that are missing, cut short or foreign.
    """
    if source.kind not in KINDS:
        raise InputError(
            f"{source.folder / 'study.yaml'}: no report is known of a study {source.kind[:40]!r}; known are "
            f"{', '.join(KINDS)}"
        )
    return import_module(KINDS[source.kind]).tell(source)
