"""A report as JUnit's XML, which CI systems read. What a server sent is escaped.

::

    Path("junit.xml").write_bytes(junit_xml(report))
"""

from xml.etree import ElementTree

from sockproto.check.causes import first_causes
from sockproto.check.reports import failure_lines
from sockproto.check.verdict import Report, Verdict
from sockproto.core.text import escape


def junit_xml(report: Report) -> bytes:
    """Return it as JUnit's XML.

    An open case counts as passed, and says what the server does. One that was to be judged and was not is an
    error: a CI system must not take it for one that may be left out.
    """
    unjudged = sum(bool(result.unjudged) for result in report.results)
    suite = ElementTree.Element(
        "testsuite",
        name=escape(f"sockproto check {report.protocol} {report.target}"),
        tests=str(len(report.results)),
        failures=str(report.count(Verdict.FAIL)),
        errors=str(unjudged),
        skipped=str(report.count(Verdict.SKIP) - unjudged),
        time=f"{report.seconds:.3f}",
    )
    _properties(suite, report)
    for result in report.results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=escape(f"{report.protocol}.{result.case.group}"),
            name=escape(result.case.identifier),
            time=f"{result.seconds:.3f}",
        )
        if result.verdict is Verdict.FAIL:
            failure = ElementTree.SubElement(case, "failure", message=escape(result.reason))
            failure.text = escape("\n".join(failure_lines(result)[1:]), keep="\n")
        elif result.unjudged:
            message = escape(f"not judged {result.unjudged}: {result.reason}")
            ElementTree.SubElement(case, "error", message=message)
        elif result.verdict is Verdict.SKIP:
            ElementTree.SubElement(case, "skipped", message=escape(result.reason))
        elif result.verdict is Verdict.OPEN:
            ElementTree.SubElement(case, "system-out").text = escape(f"open: {result.reason}")
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return bytes(ElementTree.tostring(suites, "utf-8", xml_declaration=True))


def _properties(suite: ElementTree.Element, report: Report) -> None:
    """Say of what and with what the report was made, and what to mend first."""
    told = {"label": report.label, "version": report.version, "command": report.command, **report.known}
    told |= {f"to mend {number}": cause.sentence for number, cause in enumerate(first_causes(report), 1)}
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in {"headline": report.headline, **told}.items():
        if value:
            ElementTree.SubElement(properties, "property", name=escape(name), value=escape(value))
