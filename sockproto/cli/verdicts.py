"""What ``sockproto check`` shows and writes: verdicts as they come, progress, reports in files.

What was judged took its time, and is not lost if something can't be written::

    shown = Verdicts(total=len(judged), form="text")
    report = run(context, judged, shown.heard)
    shown.end(report)
"""

import contextlib
from collections.abc import Iterator

from sockproto.check.jsonlines import json_case, json_report
from sockproto.check.registry import Judged
from sockproto.check.reports import report_lines, text_lines, verdict_line
from sockproto.check.verdict import Report, Result, Verdict
from sockproto.cli.console import Console, ProgressLine, at_exit
from sockproto.errors import WriteFailed
from sockproto.rawhttp.saving import WholeFile


class Verdicts:
    """Shows results as they come, and on a terminal which case is run.

    Args:
        total: How many cases there are.
        form: ``text`` or ``json``: in which form results are shown as they come; empty if they are not, and
            a report is shown at the end.
        strict: Whether what is left open is shown as a failure.
        kept: Whether the report is written to a file too: then nobody need read what is shown.
    """

    def __init__(self, total: int, form: str, strict: bool = False, kept: bool = False) -> None:
        self._line, self._total = ProgressLine(), total
        self._done = self._failed = 0
        self._told: set[str] = set()
        self._form, self._strict, self._kept = form, strict, kept
        self._console = Console(1)
        self._unwritable: WriteFailed | None = None

    def begin(self) -> None:
        """Show that the server is there."""
        self._progress("it is asked what it says")

    def heard(self, judged: Judged, result: Result | None) -> None:
        """Take that a case begins, or how it ended.

        Raises:
            WriteFailed: Whoever reads what is shown is gone, and nobody else wants to know.
        """
        if result is None:
            self._progress(judged.identifier)
            return
        result = result.strict() if self._strict else result
        self._done += 1
        self._failed += result.verdict is Verdict.FAIL
        self._told.add(judged.identifier)
        if self._form == "json":
            self._print([json_case(result)])
        elif self._form == "text" and result.verdict is not Verdict.SKIP:
            self._print([verdict_line(result)])

    def clear(self) -> None:
        """Take the line away that says which case is run."""
        self._line.clear()

    def end(self, report: Report, whole: bytes | None = None) -> None:
        """Show the end of the report; all of it on standard error if standard output can't be written.

        Args:
            report: What was found.
            whole: What is printed instead, if results were not shown as they came.

        Raises:
            WriteFailed: Standard output can't be written.
        """
        self.clear()
        self._print(self._rest(report) if whole is None else [whole.decode()])
        if self._unwritable is not None:
            if not _is_gone(self._unwritable):
                with contextlib.suppress(WriteFailed):
                    for line in text_lines(report):
                        Console(2).line(_encoded(line))
            raise self._unwritable

    def _rest(self, report: Report) -> list[str]:
        """Return the lines that are still to be shown."""
        if self._form == "text":
            return report_lines(report)
        untold = [result for result in report.results if result.case.identifier not in self._told]
        return [*map(json_case, untold), json_report(report)]

    def _print(self, lines: list[str]) -> None:
        if self._console.is_terminal:  # the line that says which case is run is on the same one, mostly
            self._line.clear()
        try:
            for line in lines if self._unwritable is None else ():
                self._console.line(_encoded(line))
        except WriteFailed as error:
            self._unwritable = error
            if _is_gone(error) and not self._kept:
                raise

    def _progress(self, what: str) -> None:
        failed = f", {self._failed} fail" if self._failed else ""
        line = f"{self._done} of {self._total}{failed}: {what}"
        self._line.show(line[:79])


class ReportFile:
    """A file for a report: it is there, whole, when the report is, and until then as it was.

    Args:
        path: Its path.

    Raises:
        WriteFailed: It can't be written: better known before the check than after it.
    """

    def __init__(self, path: str) -> None:
        self._path, self._writing = path, contextlib.ExitStack()
        with self._failing():
            self._file = self._writing.enter_context(WholeFile(path))
        at_exit(self.drop)

    def write(self, data: bytes) -> None:
        """Write the report.

        Raises:
            WriteFailed: It can't be written.
        """
        with self._failing(), self._writing:
            self._file.write(data)

    def drop(self) -> None:
        """Leave nothing behind, if the report was not written."""
        with contextlib.suppress(_Dropped), self._writing:
            raise _Dropped

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, WriteFailed) as error:
            cause = error.__cause__ if isinstance(error, WriteFailed) else error
            reason = getattr(cause, "strerror", None) or cause or error
            raise WriteFailed(f"can't write {self._path!r}: {reason}") from error


class _Dropped(Exception):
    """A report is not written."""


def _is_gone(error: WriteFailed) -> bool:
    """Tell whether standard output failed because its reader has had enough, as ``head`` has."""
    return isinstance(error.__cause__, BrokenPipeError)


def _encoded(line: str) -> bytes:
    return line.encode("utf-8", "backslashreplace")
