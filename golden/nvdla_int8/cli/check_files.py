"""The files that ``check`` writes of what it found."""

from dataclasses import dataclass
from pathlib import Path

import click

from nvdla_int8.checkup.checked import Checked
from nvdla_int8.checkup.junit import write_checked_junit
from nvdla_int8.cli.options import report_head
from nvdla_int8.cli.printing import warn
from nvdla_int8.json_files import write_json


@dataclass(frozen=True)
class CheckFiles:
    """Which files are wanted; None for those that are not.

    Attributes
    ----------
    json, junit, html, picture
        JSON, JUnit XML, a page, pictures as PNG.
    experiment
        A folder for the trace of what would tell causes apart.
    """

    json: Path | None
    junit: Path | None
    html: Path | None
    picture: Path | None
    experiment: Path | None = None

    def write(self, checked: Checked) -> None:
        """Write them; BenchError or OSError with the file."""
        if self.json is not None:
            report = report_head(checked.timeline.build.name) | checked.as_dict()
            write_json(report, self.json)
        if self.junit is not None:
            write_checked_junit(checked, self.junit)
        if self.html is not None:
            from nvdla_int8.checkup.page import write_checked  # matplotlib takes a while

            write_checked(checked, self.html)
        if self.picture is not None:
            self._write_picture(checked, self.picture)
        if self.experiment is not None:
            self._write_experiment(checked, self.experiment)

    @staticmethod
    def _write_experiment(checked: Checked, folder: Path) -> None:
        if checked.experiment is None:
            warn(f"{folder}: there are no causes that an experiment would tell apart, none is written")
            return
        for path in checked.experiment.write(folder)[:1]:
            click.echo(f"experiment: {path}")

    @staticmethod
    def _write_picture(checked: Checked, path: Path) -> None:
        if checked.output is None:
            warn(f"{path}: no layer departs, there is no picture to draw")
            return
        from nvdla_int8.checkup.pictures import save_picture

        save_picture(checked.output, path)
