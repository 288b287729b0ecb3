"""What the YAML parser complains about, in the words of somebody who writes a lab and not a parser."""

from __future__ import annotations

from yaml import MarkedYAMLError, YAMLError

from orchestrator.spec.text import Flaw

# The messages are those of libyaml and of PyYAML's own parser; the most specific parts come first.
_NEVER_ENDS = "the quoted text that begins on line {line} never ends"
_NOT_PART = "this is no `key: value` of what begins on line {line}"
_OUTDENTED = "mend the indentation or the quotes"
_NO_ESCAPE = "there is no such escape in double quotes"
_BACKSLASH = "double the backslash, or use single quotes"
_NO_VALUE = "a value is missing here"
_ANNOUNCED = "write it, or remove what announces it"
_WORDS: tuple[tuple[str, str, str], ...] = (
    ("found unexpected end of stream", _NEVER_ENDS, "close its quotes"),
    ("found unexpected document indicator", _NEVER_ENDS, "close its quotes"),
    ("mapping values are not allowed", "this colon is in the wrong place", "quote the text, or mend the indentation"),
    ("sequence entries are not allowed", "a list can't begin here", "begin it on a line of its own"),
    ("',' or ']'", "the list that begins on line {line} lacks a comma or its ]", "write [a, b]"),
    ("',' or '}'", "the mapping that begins on line {line} lacks a comma or its }}", "write {{a: 1, b: 2}}"),
    (
        "'-' indicator",
        "this line does not go on with the list of line {line}",
        "begin it with -, or mend its indentation",
    ),
    ("expected <block end>", _NOT_PART, _OUTDENTED),
    ("did not find expected key", _NOT_PART, _OUTDENTED),
    ("could not find expected ':'", "a key without a colon begins on line {line}", "write `key: value`"),
    ("cannot start any token", "no value can begin with this character", "quote the value"),
    ("did not find expected node content", _NO_VALUE, _ANNOUNCED),
    ("expected the node content", _NO_VALUE, _ANNOUNCED),
    ("scape c", _NO_ESCAPE, _BACKSLASH),
    ("hexadecimal number", _NO_ESCAPE, _BACKSLASH),
    ("<document start>", "something follows the end of the definition", "mend the quotes or the indentation above it"),
    ("incompatible YAML document", "this version of YAML is not known here", "remove the line that begins with %YAML"),
    ("tab", "a tab is in the way here", "YAML wants spaces"),
)
"""Part of a message, what to say (`line` is where its context began), what to do."""


def flaw_of(error: YAMLError, lines: int) -> Flaw:
    """Where the parser stopped, what is wrong there and what to do; the text has `lines` lines."""
    if not isinstance(error, MarkedYAMLError):
        return Flaw(1, 1, f"this is not YAML: {error}", "")
    problem, mark = error.problem or "", error.problem_mark or error.context_mark
    began = error.context_mark or mark
    # What is never closed is noticed at the end of the file; it is mended where it begins.
    if mark and began and (mark.line >= lines or "unexpected end of stream" in problem):
        mark = began
    place = (max(1, min(mark.line + 1, lines)), mark.column + 1) if mark else (1, 1)
    for phrase, what, fix in _WORDS:
        if phrase in problem:
            return Flaw(*place, what.format(line=began.line + 1 if began else 1), fix.format())
    return Flaw(*place, f"this is not YAML: {problem}", "")
