"""Without a compiler: what was recorded, labelled; what was not, refused; and every chapter to its end."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from proofread import LANGUAGES

from cmpx import listings as verbs
from cmpx import rounds, stored, toolchain
from cmpx.languages import language
from cmpx.listings import Listing, listing
from cmpx.widgets import Racer
from cmpx.widgets import racer as widget

ROOT = Path(__file__).parents[1]
HEAD = "#include <cmpx/listing.h>\n"
LABELS = {"en": "stored result, no compiler here: ", "zh": "存储的结果，这里没有编译器："}
REFUSED = Listing(HEAD + "PROCESS(a) { y = 1; }", name="refused")
STRANGE = Listing(HEAD + 'PROCESS(a) { asm("pause"); }', name="strange")
DYING = Listing(HEAD + "#include <stdlib.h>\nPROCESS(a) { exit(3); }\nPROCESS(b) { }", name="dying")

PLAY = """
import re, sys
import cmpx, record
from cmpx import stored, toolchain

toolchain.find_compilers = lambda: ()
path, asked = stored._path, set()
stored._path = lambda job: asked.add(path(job)) or path(job)
race, label = cmpx.race, sys.argv[1]
cmpx.race = lambda *names, **settings: race(*names, **settings | {"seconds": min(settings.get("seconds") or 1, 0.05)})

for name in record.chapters(record.BOOK):
    for cell, printed, shown in record.play(record.BOOK / f"en/{name}.ipynb"):
        if "nbval-ignore-output" in cell.metadata.get("tags", ()):
            continue
        now = "".join([printed, *(value["text/plain"] + "\\n" for value in shown)])
        book = [o.get("text") or o["data"]["text/plain"] + "\\n" for o in cell.outputs if o.get("name") != "stderr"]
        assert re.sub(f"{label}.*", "", now).split() == "".join(book).split(), (name, cell.id, now, book)
print(*(path.name for path in asked))
"""


@contextmanager
def no_compiler(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(toolchain, "find_compilers", lambda: ())
        toolchain.compiler.cache_clear()
        yield
    toolchain.compiler.cache_clear()


pytestmark = pytest.mark.usefixtures("two_cpus")


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Some answers as they were with a compiler; here there is none from now on."""
    monkeypatch.setattr(stored, "FOLDER", tmp_path)
    with stored.recording():
        text = listing("counter_plain")
        verdict = text.check()
        real = {
            "verdict": verdict,
            "count": verdict.count(4),
            "replay": text.replay(verdict.counterexample.schedule),
            "tso": listing("sb").check("tso"),
            "call": listing("pi_post_block").call("cpu_process"),
            "race": text.race(rounds=2000),
            "stepper": text.step(),
            "strange": STRANGE.check(),
            "dying": DYING.race(),
        }
        str(real)
        Racer(text)
        with pytest.raises(toolchain.CompileError) as refusal:
            REFUSED.check()
        real["refusal"] = str(refusal.value)
    with no_compiler(monkeypatch):
        yield real


def test_what_was_recorded_is_shown(recorded):
    text, verdict = listing("counter_plain"), recorded["verdict"]
    again = text.check()
    assert (again.findings, again.races, again.interleavings) == (verdict.findings, verdict.races, 6)
    assert again.count(4) == recorded["count"]
    assert text.replay(again.counterexample.schedule) == recorded["replay"]
    assert listing("sb").check("tso").findings == recorded["tso"].findings
    call = listing("pi_post_block").call("cpu_process")
    assert (call.before, call.after) == (recorded["call"].before, recorded["call"].after)
    race = text.race(rounds=2000)
    assert race == replace(recorded["race"], recorded=race.recorded)
    assert text.step().trace == recorded["stepper"].trace
    assert STRANGE.check().unmodelled == recorded["strange"].unmodelled
    assert "exit(3)" in DYING.race().stopped == recorded["dying"].stopped
    with pytest.raises(toolchain.CompileError) as refusal:
        REFUSED.check()
    assert str(refusal.value).endswith(recorded["refusal"])


@pytest.mark.parametrize("chosen", LANGUAGES)
def test_each_says_that_it_is_stored_and_in_both_languages(recorded, chosen):
    language(chosen)
    text, label = listing("counter_plain"), LABELS[chosen]
    verdict, race, stepper = text.check(), text.race(rounds=2000), text.step()
    said = [repr(verdict), repr(verdict.counterexample), repr(text.replay("a b a b")), repr(STRANGE.check())]
    said += [repr(listing("pi_post_block").call("cpu_process")), repr(race), race._repr_html_(), repr(stepper)]
    said += [
        json.dumps(stepper._repr_html_(), ensure_ascii=False).partition("<script")[2],
        repr(Racer(text)),
        Racer(text).build,
    ]
    with pytest.raises(toolchain.CompileError) as refusal:
        REFUSED.check()
    for each in (*said, str(refusal.value)):
        assert label in each
    assert repr(verdict).count(label) == 1
    assert {"en": "recorded on another machine", "zh": "另一台机器"}[chosen] in " ".join(
        t.get_text() for t in race.plot().texts
    )
    assert label not in repr(text.show())  # the text is here


def test_a_racer_shows_the_stored_race(recorded):
    racer = Racer(listing("counter_plain"))
    assert json.loads(racer.frame)["rounds"] == 0
    racer.start()
    result = racer.result
    assert json.loads(racer.frame)["rounds"] == result.rounds > 0
    assert result.recorded
    racer.reset()
    assert json.loads(racer.frame)["rounds"] == 0


def test_one_processor_shows_the_stored_race(recorded, monkeypatch):
    for module in (verbs, rounds, widget):
        monkeypatch.setattr(module, "usable_cpus", lambda: 1)
    race = listing("counter_plain").race(rounds=2000)
    assert race.rounds == 2000
    assert "two processors" in race.recorded
    assert "two processors" in repr(Racer(listing("counter_plain")))


def test_what_was_not_recorded_says_what_is_missing(recorded):
    with pytest.raises(toolchain.NoCompilerError, match="install gcc or clang"):
        Listing(HEAD + "PROCESS(a) { }").check()
    with pytest.raises(toolchain.NoCompilerError):
        listing("counter_plain", TURNS=2).check()
    with pytest.raises(toolchain.NoCompilerError):
        listing("counter_plain").race(seconds=2)


def test_a_header_that_changed_makes_a_recording_stale(recorded, tmp_path, monkeypatch):
    headers = tmp_path / "include"
    for path in toolchain.HEADERS.rglob("*.h"):
        copy = headers / path.relative_to(toolchain.HEADERS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    monkeypatch.setattr(stored, "HEADERS", headers)
    assert listing("pi_post_block").call("cpu_process")
    bystander, included = headers / "linux/llist.h", headers / "linux/compiler.h"
    bystander.write_text(bystander.read_text() + "\n")
    assert listing("pi_post_block").call("cpu_process")
    included.write_text(included.read_text() + "\n")
    with pytest.raises(toolchain.NoCompilerError):
        listing("pi_post_block").call("cpu_process")


def test_a_new_recording_changes_nothing_that_stays_and_drops_what_nobody_asks_for(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "FOLDER", tmp_path)

    def record(*names):
        with stored.recording():
            for name in names:
                text = listing(name)
                repr(text.check()), repr(text.race(rounds=500)), repr(text.step())
        return {path.name: path.read_text() for path in tmp_path.iterdir()}

    first = record("counter_plain", "sb")
    assert not [name for name, text in first.items() if f"{ROOT}" in text]
    second = record("counter_plain")
    assert second == {name: text for name, text in first.items() if name.startswith("counter_plain")}


def test_a_large_graph_is_stored_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "FOLDER", tmp_path)
    with stored.recording():
        live = repr(listing("pi_post_block", UPDATES=7, POSTS=7).step())
    assert 0 < sum(path.stat().st_size for path in tmp_path.iterdir()) < 3 * stored.LARGEST
    with no_compiler(monkeypatch):
        again = repr(listing("pi_post_block", UPDATES=7, POSTS=7).step())
    assert [line for line in again.splitlines() if LABELS["en"] not in line] == live.splitlines()


def test_every_chapter_runs_to_its_end():
    """What it shows is what the book shows, but for the labels; and no recording is there that no chapter asks for."""
    environment = {name: value for name, value in os.environ.items() if name != "CC"}
    environment |= {"PATH": "", "PYTHONPATH": str(ROOT / "tools")}
    done = subprocess.run([sys.executable, "-c", PLAY, LABELS["en"]], env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr + "\nIs a recording missing or stale? python tools/record.py"
    assert set(done.stdout.split()) == {path.name for path in stored.FOLDER.iterdir()}
