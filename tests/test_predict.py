"""The questions of the chapters, and what is kept of the answers."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cmpx
from cmpx import progress
from cmpx.widgets import Predict, front, predict

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "cmpx/predictions").glob("*.toml"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A reader who has answered nothing yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data/cmpx/progress.jsonl"


def say(widget, **message):
    """A message from the front end."""
    widget._handle_custom_msg(message, [])


# --- the questions


@pytest.mark.parametrize("asked", ["first", "again"])
@pytest.mark.parametrize("name", NAMES)
def test_each_question_is_sound(name, asked):
    question = predict._question(name, asked)
    for texts in (question.text, *question.choices, *question.replies):
        assert texts["zh"] != texts["en"] or not re.search("[A-Za-z]{3}", re.sub("`[^`]*`", "", texts["en"]))
        for text in texts.values():
            assert text.count("`") % 2 == 0


GOOD = 'question = { en = "Q?", zh = "问？" }\n' + "".join(
    f'[[first.choices]]\ntext = {{ en = "{n}", zh = "{n}" }}\nreply = {{ en = "r", zh = "答" }}\n{right}\n'
    for n, right in ((1, ""), (2, "right = true"), (3, ""))
)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("first", "last", "there is no table first"),
        ('"Q?"', "3", "first.question must be a text in en and zh"),
        (', zh = "问？"', "", "first.question must be a text in en and zh"),
        ('text = { en = "2"', 'text = { en = ""', "first.choices[1].text must be a text in en and zh"),
        ("reply", "answer", "first.choices[0] takes text, reply"),
        ("right = true", "right = false", "first.choices[1] takes text, reply"),
        ("right = true", "", "one of first.choices must be right, here it is 0"),
        ("[[first.choices]]", "[[other]]", "first.choices must be three or four tables"),
        ("[first]", "[first", "Expected"),
    ],
)
def test_a_fault_is_named_with_its_file_and_key(tmp_path, monkeypatch, before, after, message):
    (tmp_path / "predictions").mkdir()
    monkeypatch.setattr(predict, "files", lambda _package: tmp_path)
    path = tmp_path / "predictions/07-x.toml"
    sound = "[first]\n" + GOOD
    path.write_text(sound, "utf-8")
    assert predict._question("07-x", "first").right == 1
    path.write_text(sound.replace(before, after), "utf-8")
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        Predict("07-x")
    assert str(raised.value).startswith("cmpx/predictions/07-x.toml: ")


def test_an_unknown_chapter_names_those_there_are():
    with pytest.raises(ValueError, match=r"no question of '99-x'; there are 00-start-here, "):
        Predict("99-x")


# --- the widget


def test_text_asks_and_does_not_answer():
    assert repr(Predict("02-cmpxchg")).splitlines()[1:] == [
        "  A. 5",
        "  B. 7",
        "  C. 9",
        "  D. The returned value cannot tell you.",
    ]
    before = repr(Predict("02-cmpxchg"))
    widget = Predict("02-cmpxchg")
    say(widget, do="commit", choice=3, confidence=2)
    assert repr(widget) == repr(Predict("02-cmpxchg")) == before
    data, _metadata = widget._repr_mimebundle_()
    assert data["text/plain"] == before
    cmpx.language("zh")
    assert repr(Predict("02-cmpxchg", again=True)).startswith("再问一次：`old` 原来是 5。")


def test_what_is_sent_and_stored_shows_no_answer_at_a_glance():
    widget = Predict("02-cmpxchg")
    reply = widget._question.replies[0]["en"]
    sent = json.dumps({name: value for name, value in widget.get_state().items() if name not in ("_esm", "_css")})
    for text in (sent, widget.page()):
        assert reply[:20] not in text
        assert base64.b64encode(reply.encode())[:20].decode() not in text
        assert '"right":' not in text


def test_every_sentence_is_said():
    script = front.module("predict")
    assert [text for text in predict._TEXTS if f'"{text}"' not in script] == []
    said = set(re.findall(r'(?:say\(|label\(h\([^()]*\), )"([^"]+)"', script))
    assert said <= {*predict._TEXTS, *front._TEXTS}


# --- the record


def test_a_commitment_is_kept_and_known_again():
    widget = Predict("02-cmpxchg")
    assert widget.answer == []
    say(widget, do="commit", choice=1, confidence=2)
    say(Predict("02-cmpxchg", again=True), do="commit", choice=2, confidence=0)
    kept = [(one.chapter, one.asked, one.choice, one.confidence, one.right) for one in progress.commitments()]
    assert kept == [("02-cmpxchg", "first", 1, "certain", False), ("02-cmpxchg", "again", 2, "guessing", True)]
    assert Predict("02-cmpxchg").answer == [1, 2]
    assert Predict("01-lost-update").answer == []


def test_a_chapter_counts_as_run_when_somebody_looks(home):
    widget = Predict("02-cmpxchg")
    Predict("02-cmpxchg", again=True)._do_seen()
    assert not home.exists()
    say(widget, do="seen")
    assert progress.visited() == {"02-cmpxchg"}


def test_a_spoilt_file_breaks_nothing(home):
    progress.commit("a", "first", 0, "certain", True)
    with home.open("ab") as file:
        file.write(b'\n\xff\xfe{"chapter": "b"}\n[1]\n"x"\nnull\n{"chapter": "c", "asked"')
    progress.commit("d", "first", 9, "certain", True)
    progress.commit("02-cmpxchg", "first", 9, "sure", True)
    assert [one.chapter for one in progress.commitments()] == ["a", "d", "02-cmpxchg"]
    assert progress.visited() == set()
    assert Predict("02-cmpxchg").answer == []


def test_a_place_that_cannot_be_written_breaks_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    say(Predict("02-cmpxchg"), do="commit", choice=1, confidence=2)
    assert progress.commitments() == []


def test_several_kernels_share_the_file(home):
    code = "from cmpx import progress\nfor n in range(100): progress.commit('a', 'first', n, 'certain', True)"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    runs = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    assert sorted(one.choice for one in progress.commitments()) == sorted([*range(100)] * 3)
