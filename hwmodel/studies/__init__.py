"""Questions people publish answers to: caches times streams, swept, stored, and reported."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwmodel.studies.questions import Results


def ask(study: str, *, store: Path | str | None = None, jobs: int = 1, engine: str = "processes",
        output: Path | str | None = None, **values: Any) -> "Results":  # fmt: skip
    """Run a study: what `hwmodel study` does, from Python.

    Args:
        study: iso-capacity, iso-area, scaling, batch, sensitivity or explore.
        store: folder where each answer is kept; None takes HWMODEL_STORE, else the user's cache folder.
        jobs: processes at work. Above one, a script that calls this must guard its own start by `__name__`.
        engine: processes or ray.
        output: folder for the tables and the report; None writes neither.
        **values: the study's own, as its study.yaml has them: networks=["vgg16"], capacities=["1MiB", "4MiB"].

    Returns:
        Results: `results` (a row a scenario), `summary` (the rows that answer), `caches`, `traffic`, `made`.

    Raises:
        InputError: for values that cannot be used.
    """
    from hwmodel.studies.folder import run_into
    from hwmodel.studies.questions import run
    from hwmodel.studies.runner import Runner
    from hwmodel.studies.spec import make_spec
    from hwmodel.studies.store import Store, default_folder

    spec = make_spec({"study": study} | values)

    def found() -> "Results":
        with Store(Path(store) if store else default_folder()) as kept:
            return run(spec, Runner(kept, jobs, engine=engine))

    return found() if output is None else run_into(Path(output), found)[0]
