"""A report as JUnit XML, which CI services show: a test case a law, and one for what no single law can say."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from .. import spec
from .report import Report, Result, failure_text, write_whole

# What XML 1.0 cannot hold, not even escaped: a report quotes what somebody's code said.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SUMMARY = "summary"
KINDS = {"fail": "failure", "xpass": "failure", "error": "error", "pass": ""}


def write(report: Report, path: Path) -> None:
    """Write the report as JUnit XML, whole or not at all."""
    write_whole(path, as_xml(report))


def as_xml(report: Report) -> str:
    """The document: one suite, whose counts are those of its cases."""
    suite = ET.Element("testsuite", name=_text(f"refaudio: {report.adapter.name}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in (("spec", spec.VERSION), ("profile", report.profile), ("device", report.device)):
        ET.SubElement(properties, "property", name=name, value=_text(value))
    for result in report.results:
        _add(suite, result)
    _add_summary(suite, report)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("time", f"{sum(result.seconds for result in report.results):.3f}")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _text(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _add(suite: ET.Element, result: Result) -> None:
    """One law: what is neither red nor green is skipped, with its reason."""
    case = _case(suite, f"refaudio.{result.id.split('-')[0]}", result.id, result.seconds)
    kind = KINDS.get(result.status, "skipped")
    if kind == "skipped":
        reason = f"{result.cell}: {result.reason}" if result.reason else result.cell
        ET.SubElement(case, kind, message=_text(reason))
    elif kind:
        says = result.mutant[0] if result.mutant else result.message or result.reason
        if result.status == "xpass":
            says = f"passes again ({result.reason}): take it out of the expected failures"
        element = ET.SubElement(case, kind, message=_text(says), type=result.status)
        element.text = _text(failure_text(result))


def _add_summary(suite: ET.Element, report: Report) -> None:
    """Claims that were lost, and that nothing was checked at all, are red as well."""
    case = _case(suite, "refaudio", SUMMARY, 0.0)
    if report.lost or report.exit_code == 2:
        lines = [*report.lost, report.summary]
        element = ET.SubElement(
            case, "failure", message=_text(lines[0]), type="lost" if report.lost else "empty"
        )
        element.text = _text("\n".join(lines))


def _case(suite: ET.Element, room: str, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=room, name=name, time=f"{seconds:.3f}")
