"""A parcel travels in pieces: it arrives whole from several folders, or what is wrong is said of each piece."""

import os

import pytest

from benchmarks.kit import parcels
from benchmarks.kit.parcels import Kit, KitError

PIECE = 2000


@pytest.fixture
def content(tmp_path):
    folder = tmp_path / "content"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "random.bin").write_bytes(os.urandom(5000))
    (folder / "link").symlink_to("deep/random.bin")
    return folder


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def parcel(content, out):
    return parcels.write("some", "words", content, out, PIECE)


def test_it_arrives_from_pieces_in_two_folders(parcel, content, out, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (out / parcel.pieces[1].name).rename(other / parcel.pieces[1].name)
    parcels.read(parcel, [out, other], tmp_path / "target")
    assert [piece.bytes for piece in parcel.pieces[:-1]] == [PIECE] * (len(parcel.pieces) - 1)
    assert len(parcel.pieces) > 2
    arrived = tmp_path / "target" / "link"
    assert (arrived.is_symlink(), arrived.read_bytes()) == (True, (content / "link").read_bytes())


def test_a_missing_piece_is_named(parcel, out, tmp_path):
    (out / "some.tar.xz.01").unlink()
    (fault,) = parcels.faults(parcel, [out])
    assert fault == "some: some.tar.xz.01 did not arrive; copy it, and name its folder too"
    with pytest.raises(KitError, match="01 did not arrive"):
        parcels.read(parcel, [out], tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_damaged_piece_is_named_and_nothing_is_unpacked(parcel, out, tmp_path):
    piece = out / "some.tar.xz.01"
    piece.write_bytes(piece.read_bytes()[:-1] + b"?")
    with pytest.raises(KitError, match=r"some\.tar\.xz\.01 was damaged, .* copy it again"):
        parcels.read(parcel, [out], tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_piece_that_is_still_copied_is_told_from_a_damaged_one(parcel, out):
    (out / "some.tar.xz.00").write_bytes(b"half")
    (fault,) = parcels.faults(parcel, [out])
    assert "has 4 of 2,000 bytes; wait for the copy" in fault


def test_a_sound_piece_elsewhere_serves_for_a_damaged_one(parcel, out, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "some.tar.xz.00").write_bytes((out / "some.tar.xz.00").read_bytes())
    (out / "some.tar.xz.00").write_bytes(b"x" * PIECE)
    assert parcels.faults(parcel, [out, other]) == []


def test_pieces_of_an_earlier_packing_do_not_stay(parcel, content, out):
    whole = parcels.write("some", "words", content, out, 1_000_000)
    assert [file.name for file in out.iterdir()] == [piece.name for piece in whole.pieces]


def test_what_tar_complains_of_is_told(tmp_path, out):
    with pytest.raises(KitError, match=r"^some: tar with xz ended with 2: "):
        parcels.write("some", "words", tmp_path / "nowhere", out, PIECE)


def test_a_full_disk_is_told(content, out, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parcels, "_cut", full)
    with pytest.raises(KitError, match="No space left on device; make room"):
        parcels.write("some", "words", content, out, PIECE)


def test_an_index_is_read_as_it_was_written(parcel, out):
    kit = Kit("3.12", "abc", (parcel,), {"numpy": ">=2.0,<3"})
    kit.write(out)
    assert Kit.read(out) == kit


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file.*name the folder"), ("{", "JSONDecodeError"), ('{"python": "3.12"}', "KeyError.*pack anew")],
)
def test_an_index_that_cannot_be_read_is_told_in_one_line(out, content, words):
    if content:
        (out / parcels.INDEX).write_text(content)
    with pytest.raises(KitError, match=rf"kit\.json: .*{words}") as told:
        Kit.read(out)
    assert "\n" not in str(told.value)
