"""Changes: a passage of the reference is found whatever its indentation, and must be there exactly once."""

import pytest

from orchestrator.spec.changes import changed
from orchestrator.spec.exercise import Change
from orchestrator.spec.refusal import Refused

TEXT = "int main(void) {\n    if (a)\n        b();\n    return 0;\n}\n"


def change(replace: str, by: str = "") -> Change:
    return Change(file="x.c", replace=replace, by=by)


def test_a_passage_of_several_lines_is_found_whatever_its_indentation():
    assert changed(TEXT, [change("if (a)\nb();\n", "c();")]) == TEXT.replace("if (a)\n        b();", "c();")
    assert changed(TEXT, [change("  if (a)\n    b();\n", "c();\n")]) == TEXT.replace("if (a)\n        b();", "c();")


def test_a_change_is_made_on_what_the_one_before_left():
    assert changed("a b", [change("a", "c"), change("c b", "d")]) == "d"


def test_what_is_a_pattern_elsewhere_is_a_text_here():
    assert changed("f(a.b)", [change("(a.b)", r"\1")]) == r"f\1"
    with pytest.raises(Refused):
        changed("faab)", [change("a.b")])


@pytest.mark.parametrize(("passage", "what"), [("x();", "is not in the"), ("a", "is 2 times in the")])
def test_a_passage_must_be_there_exactly_once(passage, what):
    with pytest.raises(Refused, match=what):
        changed(TEXT, [change(passage)])
