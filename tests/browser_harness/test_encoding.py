"""Which coding a browser is sent, and that what was made once is what is sent, or made anew."""

import gzip
import json
import os
import random
import re
from dataclasses import replace
from pathlib import Path

import brotli
import pytest

from browser_harness import __main__ as set_up
from browser_harness import encoding, packages, served
from browser_harness.channel import PageError
from browser_harness.encoding import codings, kept

TEXT = b"what compresses well, and is long enough for that; " * 40


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "client-or-server" / "encoded"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.mjs"
    path.write_bytes(TEXT)
    return path


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, None),
        ("", None),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; Q=0.000 , gzip;q=0", None),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("*;q=0", None),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.5, identity", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("br;q=2, gzip;q=high", None),
        ("deflate, zstd", None),
    ],
)
def test_a_coding_is_chosen_by_its_weight(header, coding):
    assert encoding.chosen(["br", "gzip"], header) == coding
    assert encoding.chosen([], header) is None


def made(content):
    encoding.make([content])
    return encoding.forms(content)


def test_a_content_is_made_once_in_every_coding_and_decodes_to_itself(file, store, monkeypatch):
    forms = made(file)
    assert [*forms] == ["br", "gzip"]
    assert brotli.decompress(forms["br"].file.read_bytes()) == gzip.decompress(forms["gzip"].file.read_bytes()) == TEXT
    assert [form.size for form in forms.values()] == [form.file.stat().st_size for form in forms.values()]
    assert {form.decoded for form in forms.values()} == {len(TEXT)}
    monkeypatch.setattr(kept, "_encoded", lambda entry: pytest.fail("it was made again"))
    assert made(file) == forms
    assert made(TEXT) == forms  # the same content, whoever has it
    assert not [*store.glob("*.part")]


def test_what_saves_less_than_a_tenth_is_sent_as_it_is_and_that_is_remembered(tmp_path, monkeypatch):
    (tmp_path / "weights.bin").write_bytes(os.urandom(5000))
    assert made(tmp_path / "weights.bin") == made(b"") == {}
    monkeypatch.setattr(kept, "_encoded", lambda entry: pytest.fail("it was tried again"))
    assert made(tmp_path / "weights.bin") == made(b"") == {}


@pytest.fixture
def tried(monkeypatch):
    """Judge by small samples, and note what is encoded at which level."""
    monkeypatch.setattr(kept, "JUDGED_WHOLE", 1000)
    monkeypatch.setattr(kept, "SAMPLE", 64)
    tried = []
    for name, coding in codings.CODINGS.items():

        def encode(content, level, name=name, encode=coding.encode):
            tried.append((name, level, content))
            return encode(content, level)

        monkeypatch.setitem(codings.CODINGS, name, replace(coding, encode=encode))
    return tried


@pytest.mark.parametrize("is_file", [True, False], ids=["file", "bytes"])
def test_a_large_content_is_judged_by_samples_from_all_over_it(is_file, tmp_path, tried):
    content = random.Random(7).randbytes(100_000)
    content = b"a" + content[:-2] + b"z"
    (tmp_path / "weights.bin").write_bytes(content)
    assert made(tmp_path / "weights.bin" if is_file else content) == {}
    assert sorted((name, level, len(sample)) for name, level, sample in tried) == [  # and never whole
        ("br", 9, kept.SAMPLES * 64),
        ("gzip", 6, kept.SAMPLES * 64),
    ]
    assert {(sample[:1], sample[-1:]) for _, _, sample in tried} == {(b"a", b"z")}


def test_what_shrinks_as_a_program_does_is_tried_hard_on_and_anything_else_is_not(tried, monkeypatch):
    weights = random.Random(7).randbytes(2000)
    half = bytes(byte & 0x3F for byte in weights)  # six bits of eight
    assert {name: form.level for name, form in made(half).items()} == {"br": 9, "gzip": 6}
    assert {name: form.level for name, form in made(TEXT).items()} == {"br": 10, "gzip": 9}
    monkeypatch.setattr(codings, "LARGE", len(TEXT))
    assert {name: form.level for name, form in made(TEXT + b".").items()} == {"br": 9, "gzip": 6}


def cut(form):
    form.file.write_bytes(form.file.read_bytes()[:-1])


def other(form):
    form.file.write_bytes(brotli.compress(b"another content, soundly encoded"))


def removed(form):
    form.file.unlink()


def unreadable(form):
    form.file.with_name(f"{form.file.name}.json").write_text("{")


def without_record(form):
    form.file.with_name(f"{form.file.name}.json").unlink()


@pytest.mark.parametrize("damage", [cut, other, removed, unreadable, without_record])
def test_what_is_not_as_it_was_made_is_not_sent_and_made_anew(damage, file):
    form = made(file)["br"]
    damage(form)
    assert [*encoding.forms(file)] == ["gzip"]
    assert made(file)["br"] == form
    assert brotli.decompress(form.file.read_bytes()) == TEXT


def test_a_file_that_was_changed_is_never_sent_from_what_was_made_before(file):
    before = made(file)["br"]
    file.write_bytes(TEXT + b"more")
    assert encoding.forms(file) == {}
    assert made(file)["br"].file != before.file
    assert brotli.decompress(made(file)["br"].file.read_bytes()) == TEXT + b"more"


def test_what_does_not_decode_to_its_content_is_told(file, monkeypatch):
    broken = replace(codings.CODINGS["br"], encode=lambda content, level: content[:9], decode=bytes)
    monkeypatch.setitem(codings.CODINGS, "br", broken)
    with pytest.raises(PageError, match=r"some\.mjs was changed while it was encoded"):
        made(file)


def test_what_is_not_as_it_was_written_is_told(file, monkeypatch):
    write = kept._write
    monkeypatch.setattr(kept, "_write", lambda path, content: write(path, content if path.suffix else content[:-1]))
    monkeypatch.setattr(kept._Entry, "name", property(lambda entry: entry.coding.name))
    with pytest.raises(PageError, match=r"is not as it was written; another process may have written it, too: run aga"):
        made(file)


def test_what_may_not_be_read_is_made_anew(file, monkeypatch):
    form, digest = made(file)["br"], served.digest

    def refused(path):
        if path == form.file:
            raise PermissionError
        return digest(path)

    with monkeypatch.context() as broken:
        broken.setattr(served, "digest", refused)
        assert [*encoding.forms(file)] == ["gzip"]
    assert made(file)["br"] == form


def test_another_level_is_another_file(file, monkeypatch):
    before = made(file)["br"]
    monkeypatch.setitem(codings.CODINGS, "br", replace(codings.CODINGS["br"], hard=1))
    after = made(file)["br"]
    assert (before.level, after.level, before.file.exists(), before.file == after.file) == (10, 1, True, False)


def test_a_store_that_cannot_be_written_is_one_line(file, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    words = r"cannot be written \(.+\), where encoded files are kept; free space there, or name another folder with XDG"
    with pytest.raises(PageError, match=words):
        made(file)


def test_what_is_kept_can_be_taken_along(file, tmp_path, monkeypatch):
    forms = made(file)
    other = tmp_path / "elsewhere" / packages.cache_folder().name
    encoding.keep_copy(file, other)
    monkeypatch.setenv("XDG_CACHE_HOME", str(other.parent))
    assert {name: form.digest for name, form in encoding.forms(file).items()} == {
        name: form.digest for name, form in forms.items()
    }


def rest(store, days):
    """Make all that is kept so many days older."""
    for path in store.iterdir():
        then = path.stat().st_mtime - days * kept.DAY
        os.utime(path, (then, then))


def test_what_was_not_used_for_long_is_removed_and_told(file, store):
    forms, told = made(file), []
    (store / "killed.br-10-9.7.8.part").write_bytes(b"half of it")
    rest(store, kept.MOST_DAYS - 1)
    encoding.prune(told.append)
    assert (told, len([*store.iterdir()])) == ([], 5)
    rest(store, 2)
    size = sum(path.stat().st_size for path in store.iterdir())
    encoding.prune(told.append)
    (line,) = told
    words = f"removed  5 encoded files of {size:,} bytes that were not used for 90 days, from {store}; "
    assert line.startswith(words)
    assert [*store.iterdir()] == []
    assert {name: form.digest for name, form in made(file).items()} == {name: f.digest for name, f in forms.items()}


def test_what_is_in_use_stays_however_long_ago_it_was_made(file, store):
    made(file)
    rest(store, kept.MOST_DAYS + 1)
    forms = encoding.forms(file)  # as a server asks for them that starts
    encoding.prune(pytest.fail)
    assert all(form.is_sound for form in forms.values())


def test_a_store_that_is_not_there_has_nothing_to_remove(store):
    encoding.prune(pytest.fail)
    assert not store.exists()


def test_the_set_up_encodes_the_published_files_and_tells_of_the_large_ones(monkeypatch, tmp_path, capsys):
    name = "some/dist/large.wasm"
    (tmp_path / "some" / "dist").mkdir(parents=True)
    (tmp_path / name).write_bytes(TEXT * 30)
    record = {"some": {"integrity": "", "files": {"dist/large.wasm": served.digest(tmp_path / name)}}}
    (tmp_path / "served.json").write_text(json.dumps(record))
    monkeypatch.setattr(served, "RECORD", tmp_path / "served.json")
    monkeypatch.setattr(packages, "NODE_MODULES", tmp_path)
    monkeypatch.setattr(kept, "TOLD", 50_000)
    set_up.ensure_encoded()
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("encoding what pages load, once: ")
    assert [re.sub(r"\d+ bytes, level", "few bytes, level", line) for line in lines] == [
        "encoded  large.wasm: 61,200 bytes in br: few bytes, level 10",
        "encoded  large.wasm: 61,200 bytes in gzip: few bytes, level 9",
    ]
    assert [*encoding.forms(tmp_path / name)] == ["br", "gzip"]
    set_up.ensure_encoded()
    assert capsys.readouterr().out == ""  # nothing is left to do
    made(b"of a model that nobody asks for any more" * 99)
    rest(kept.folder(), kept.MOST_DAYS + 1)
    set_up.ensure_encoded()  # of which what pages load stays
    assert capsys.readouterr().out.startswith("removed  4 encoded files")
    assert [*encoding.forms(tmp_path / name)] == ["br", "gzip"]


def test_the_store_is_shared_by_all_checkouts(store):
    assert kept.folder() == store
    assert Path(packages.cache_folder()) == store.parent
