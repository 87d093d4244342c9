"""What a device sends is hostile: its claims, its messages, and its answers, before anything is done with them."""

import base64
import copy
import json
import math

import pytest
from guests import ABOUT, OPENED
from hypothesis import given
from hypothesis import strategies as st

from browser_harness.joined.answers import CHECKS, MOST_HELD, SLACK, Call, checked
from browser_harness.joined.claims import claims
from browser_harness.joined.messages import KINDS, message
from browser_harness.joined.untrusted import BreachError, described, plain, read, tamed

NUMBERS = base64.b64encode(bytes(400)).decode()
OUTPUT = ["logits", {"type": "float32", "dims": [1, 100], "data": NUMBERS}]
ONE = {"type": "float32", "dims": [1]}
TIMED = {"samples": [1.5, 2.0, 1.75], "outputs": [OUTPUT], "told": None}
ASKED = {"rounds": 3, "iterations": 1, "inline": 1 << 20}
DRAWN = {"window": 900.0, "frames": [16.6, 33.3], "latest": 1.2}
ANIMATED = {**DRAWN, **TIMED, "tasks": [[0, 20], [30, 50]], "longTasks": [[60.0, 120.0]]}


def cases(names, values):
    """Parametrise by values that have no names of their own."""
    ids = [f"{number} {ascii(value)[:40]}" for number, value in enumerate(values)]
    return pytest.mark.parametrize(names, values, ids=ids)


def check(function, answer, argument=ASKED, seconds=1.0):
    return checked(Call(function, argument, seconds), answer)


def changed(told, *path, to):
    """Return a copy with one thing in it otherwise, or without it."""
    told = copy.deepcopy(told)
    *inside, last = path
    place = told
    for name in inside:
        place = place[name]
    if to is KeyError:
        del place[last]
    else:
        place[last] = to
    return told


# Reading


@cases(
    "text",
    [
        *("", "nothing", "{", "NaN", "[Infinity]", '{"a": -Infinity}', "9" * 5000, "\ud800", '{"a": 1}{'),
        *("[" * 5000 + "]" * 5000, "[" * 200_000, '{"a":' * 5000 + "1" + "}" * 5000),
        f"[{','.join(['[]'] * 100_001)}]",
    ],
)
def test_what_is_no_json_of_ours_is_refused(text):
    with pytest.raises(BreachError, match=r"^a message (is no JSON|has more than 100,000 lists and objects)"):
        read(text)


def test_what_is_kept_of_a_text_is_one_short_line_that_drives_no_terminal():
    assert tamed("a\x1b[2J\nb\r\n\tc\x00\u202edef\ud800") == "a\\x1b[2J b c\\x00\\u202edef\\ud800"
    assert tamed("wörter 言葉") == "wörter 言葉"
    assert tamed("x" * 50, 10) == "xxxxxxxxxx …"
    assert len(tamed("\x00" * 10**7, 100)) == 402


def test_something_is_described_in_few_words_however_large_it_is():
    assert described([[]] * 10**6) == "a list of 1000000"
    assert described("x" * 10**6) == f"'{'x' * 40} …'"
    assert (described(10**400), described(None), described(True)) == ("a number of many digits", "None", "True")


@cases("told", [math.inf, -math.inf, math.nan, 10**400, 2.0**60, [[[[1]]]], [0] * 1001])
def test_what_is_taken_as_it_is_is_small_flat_and_finite(told):
    with pytest.raises(BreachError, match=r"^it has "):
        plain(told, "it")


# Claims


def test_claims_are_stored_as_they_are_and_what_is_not_told_is_unknown():
    told = {
        "userAgent": ABOUT["userAgent"],
        "cores": 8,
        "memory": 0.25,
        "isolated": True,
        "secure": False,
        "brands": [{"brand": "Chromium", "version": "153"}],
        "hints": {"model": "Pixel 5"},
        "clockStep": 0.1,
        "connection": "4g",
        "adapter": {"vendor": "arm", "isFallback": False},
        "more": "of this is left behind",
    }
    taken = claims(told)
    assert (taken["engine"], taken["version"], taken["cores"], taken["memory"]) == ("firefox", "153.0", 8, 0.25)
    assert taken["hints"] == {"model": "Pixel 5", "platform": None, "platformVersion": None, "architecture": None}
    assert taken["adapter"]["vendor"] == "arm"
    assert "more" not in taken
    unknown = claims(ABOUT)
    assert {name for name, value in unknown.items() if value is None} == unknown.keys() - {
        *("userAgent", "engine", "version"),
    }


@cases(
    ("name", "value"),
    [
        *[("userAgent", wrong) for wrong in (None, 7, "x" * 501, ["x"])],
        *[("cores", wrong) for wrong in (0, -1, 1.5, True, "8", 10**9, [8], {})],
        *[("memory", wrong) for wrong in (-1, 1e300, "8", False, 10**400, [])],
        *[("isolated", wrong) for wrong in (1, "true", [])],
        *[("secure", wrong) for wrong in (0, "yes")],
        *[("clockStep", wrong) for wrong in (-0.1, 1e9, "5", True)],
        *[("connection", wrong) for wrong in (4, "x" * 51, ["4g"])],
        *[
            ("brands", wrong)
            for wrong in ("Chromium", {}, [[]], ["x"], [{}] * 11, [{"brand": 7}], [{"brand": "x" * 201}])
        ],
        *[("hints", wrong) for wrong in ("x", [], {"model": 7}, {"model": {"model": {}}}, {"model": "x" * 201})],
        *[("adapter", wrong) for wrong in ("x", [], {"vendor": []}, {"isFallback": "no"})],
    ],
)
def test_claims_that_are_none_are_refused(name, value):
    with pytest.raises(BreachError, match=rf"^about the device: {name}"):
        claims({**ABOUT, name: value})


@cases("told", [None, [], "x", 7])
def test_claims_are_an_object(told):
    with pytest.raises(BreachError, match=r"^about the device is .*, no object$"):
        claims(told)


def test_claims_drive_no_terminal():
    taken = claims({"userAgent": "\x1b[31mFirefox/153.0\n\nand more", "hints": {"model": "\u202eoh"}})
    assert taken["userAgent"] == "\\x1b[31mFirefox/153.0 and more"
    assert taken["hints"]["model"] == "\\u202eoh"


# Messages

MESSAGES = [
    {"visible": True},
    {"noted": "uncaught: x"},
    {"id": 1, "answer": [1, {"a": None}], "hidden": False},
    {"id": 2**31, "error": "x", "stack": "y", "hidden": True},
]


@pytest.mark.parametrize("told", MESSAGES)
def test_the_messages_of_this_suites_pages_are_taken(told):
    assert message(json.dumps(told)) == told


@cases(
    "told",
    [
        *(None, [], [MESSAGES[0]], "visible", 7, {}, {"visible": 1}, {"visible": "true"}, {"visible": None}),
        *({"noted": 7}, {"noted": ["x"]}, {"visible": True, "noted": "x"}, {"id": 1}, {"id": 1, "answer": 7}),
        *({"id": True, "answer": 7, "hidden": False}, {"id": 0, "answer": 7, "hidden": False}),
        *({"id": 1.0, "answer": 7, "hidden": False}, {"id": "1", "answer": 7, "hidden": False}),
        *({"id": 2**31 + 1, "answer": 7, "hidden": False}, {"id": 1, "answer": 7, "hidden": 0}),
        *({"id": 1, "error": 7, "stack": "", "hidden": False}, {"id": 1, "error": "x", "stack": [], "hidden": False}),
        *({"id": 1, "error": "x", "answer": 7, "stack": "", "hidden": False}, {"__proto__": {}, "visible": True}),
    ],
)
def test_no_other_message_is(told):
    with pytest.raises(BreachError):
        message(json.dumps(told))


def test_words_in_a_message_are_one_short_line_each():
    words = f"\x1b]0;title\x07\n{'x' * 10_000}"
    told = message(json.dumps({"id": 1, "error": words, "stack": words, "hidden": False}))
    assert told["error"] == told["stack"]
    assert told["error"].isprintable()
    assert len(told["error"]) < 2100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=5) | st.dictionaries(st.text(max_size=10), inside, max_size=5),
    max_leaves=20,
)
KEYS = st.sampled_from(["visible", "noted", "id", "answer", "error", "stack", "hidden", "x"])


@given(st.text() | st.dictionaries(KEYS, JSON, max_size=5).map(json.dumps) | JSON.map(json.dumps))
def test_whatever_comes_is_a_message_or_a_breach(text):
    told = taken_or_told(lambda: message(text))
    assert isinstance(told, str) or told.keys() in KINDS


def taken_or_told(take):
    """Return what is taken, or the words of the breach: in one short line."""
    try:
        return take()
    except BreachError as breach:
        words = str(breach)
    assert words.isprintable()
    assert len(words) < 1000
    return words


# Answers


def test_each_function_of_the_harness_has_a_check_and_nothing_else_has():
    from browser_harness.packages import HARNESS_DIR

    exported = (HARNESS_DIR / "harness.mjs").read_text().rpartition("globalThis.harness = {")[2].partition("}")[0]
    assert {*exported.replace(" ", "").split(",")} <= CHECKS.keys()


def test_right_answers_are_taken_as_they_are():
    assert check("time", TIMED) == TIMED
    assert check("timePrepared", {**TIMED, "samples": [2]}, {"inline": 400}) == {**TIMED, "samples": [2.0]}
    assert check("animate", ANIMATED, {"least": 3, "inline": 400}) == ANIMATED
    assert check("rest", DRAWN) == DRAWN
    assert check("open", OPENED).items() >= OPENED.items()
    assert check("open", {"unavailable": "no WebGPU"}) == {"unavailable": "no WebGPU"}
    assert check("prepare", None) is None
    assert check("send", None) is None
    assert check("wasmBytes", 2**32) == 2**32
    assert check("ask", {"protocol": "h2", "connect": 1.5}) == {"protocol": "h2", "connect": 1.5}
    assert check("classify", {"fetching": 1.0, "inferring": 900.0}) == {"fetching": 1.0, "inferring": 900.0}
    told = {**TIMED, "told": [1.0, None, 2]}
    assert check("time", told) == told


@cases("answer", [0, "", [], {}, False, "null"])
@cases("function", ["prepare", "send"])
def test_what_answers_nothing_answers_nothing(function, answer):
    with pytest.raises(BreachError, match=rf"^{function}: its answer is .*, and there is none$"):
        check(function, answer)


@pytest.mark.parametrize("function", sorted(CHECKS))
@cases("answer", [7.5, "x", [], [[]], {"x": [[[[[7]]]]]}, True, {"x": "y"}])
def test_an_answer_of_another_kind_is_refused(function, answer):
    if function == "ask" and answer != {"x": [[[[[7]]]]]}:  # anything that is plain
        check(function, answer)
        return
    with pytest.raises(BreachError, match=rf"^{function}"):
        check(function, answer, {**ASKED, "least": 1})


@cases(
    "samples",
    [
        *([], [1.5, 2.0], [1.5, 2.0, 1.75, 1.0], None, "1.5", {"0": 1.5}, 7),
        *([1.5, 2.0, None], [1.5, 2.0, "1"], [1.5, 2.0, True], [1.5, 2.0, [1]]),
        *([1.5, 2.0, -1e-9], [1.5, 2.0, math.inf], [1.5, 2.0, math.nan], [1.5, 2.0, 10**400]),
        *([400.0, 400.0, 400.0], [1.5, 2.0, 1e9]),
    ],
)
def test_samples_are_as_many_as_were_asked_for_and_no_longer_than_the_call(samples):
    with pytest.raises(BreachError, match=r"^time: "):
        check("time", {**TIMED, "samples": samples})


def test_a_page_may_be_ahead_by_a_coarse_clock_and_no_more():
    """Three samples of 1.01 s and the slack in a call of a second."""
    longest = 1010 + SLACK
    check("time", {**TIMED, "samples": [longest / 3 - 0.01] * 3})
    with pytest.raises(BreachError, match=r"^time: 3 samples of 1 took 1140 ms in a call of 1000 ms$"):
        check("time", {**TIMED, "samples": [380.0] * 3})
    with pytest.raises(BreachError, match=r"^time: 3 samples of 10 took 1200 ms in a call of 1000 ms$"):
        check("time", {**TIMED, "samples": [40.0] * 3}, {**ASKED, "iterations": 10})


def test_a_sample_of_a_clock_that_is_too_coarse_is_zero():
    assert check("time", {**TIMED, "samples": [0, 1, 0]})["samples"] == [0.0, 1.0, 0.0]


@cases(
    "output",
    [
        *(None, [], "x", {}, {"type": "float32"}, {"dims": [1]}),
        *[{"type": kind, "dims": [1]} for kind in ("float128", "object", "O", "", 7, "x" * 9999)],
        *[{"type": "float32", "dims": dims} for dims in (7, "1", [-1], [1.5], ["1"], [True], [[1]], [1] * 33, None)],
        *[
            {"type": "float32", "dims": dims}
            for dims in ([2**31], [2**16, 2**16], [2**62], [10**400], [2**30, 0, 2**40])
        ],
        *[
            {"type": "float32", "dims": [1], "data": data}
            for data in (7, "", "AAAA", "AAAAAAAA=", "AAAAAA", "!!!!!!==", None)
        ],
        *[
            {"type": "float32", "dims": [1], "data": data}
            for data in ("AAA\n\nA==", "AAAAA===", "AAAA====", "ÄAAAAA==")
        ],
        {"type": "float32", "dims": [1, 100], "data": NUMBERS[:-4]},
        {"type": "float64", "dims": [1, 100], "data": NUMBERS},
        {"type": "float32", "dims": [0], "data": "AAAA"},
    ],
)
def test_outputs_are_what_a_page_can_have_and_as_many_bytes_as_they_say(output):
    with pytest.raises(BreachError, match=r"^time: "):
        check("time", {**TIMED, "outputs": [["logits", output]]})


@cases(
    "outputs",
    [
        *(None, {}, "x", [OUTPUT[1]], [["logits"]], [[7, OUTPUT[1]]], [[None, OUTPUT[1]]], [["x" * 1001, OUTPUT[1]]]),
        *([OUTPUT, OUTPUT], [["logits", OUTPUT[1], 7]], [OUTPUT] * 1001),
    ],
)
def test_outputs_have_names_of_their_own(outputs):
    with pytest.raises(BreachError, match=r"^time: "):
        check("time", {**TIMED, "outputs": outputs})


def test_no_more_comes_with_an_answer_than_was_asked_for():
    check("time", TIMED, {**ASKED, "inline": 400})
    with pytest.raises(BreachError, match=r"^time: 400 bytes of outputs came, and less was asked for$"):
        check("time", TIMED, {**ASKED, "inline": 399})


def test_a_large_output_is_bounded_before_anything_is_allocated():
    held = {"type": "uint8", "dims": [MOST_HELD]}
    assert check("time", {**TIMED, "outputs": [["large", held]]})["outputs"] == [["large", held]]
    with pytest.raises(BreachError, match=r"which no page can have$"):
        check("time", {**TIMED, "outputs": [["large", {**held, "dims": [MOST_HELD, 2]}]]})
    with pytest.raises(BreachError, match=r"^time: its outputs have 2,147,483,652 bytes together"):
        check("time", {**TIMED, "outputs": [["large", held], ["small", ONE]]})


@cases("told", [[1.0] * 4, [-1], ["1"], [math.inf], {}, "x", 7, [[1]], [True]])
def test_what_a_server_told_is_of_the_inferences(told):
    with pytest.raises(BreachError, match=r"^time: told"):
        check("time", {**TIMED, "told": told})


REQUEST = {
    "path": "/model/0",
    "start": 0.5,
    "response": 1.0,
    "end": 1.5,
    "wire": 10,
    "decoded": 20,
    "opened": False,
}
FULL = {
    **OPENED,
    "adapter": {"vendor": "arm", "features": ["x"]},
    "placed": ["All nodes placed on [X]"],
    "processors": 8,
    "loading": {**OPENED["loading"], "requests": [REQUEST], "compiled": [{"begin": 1, "end": 2, "path": None}]},
}


def test_what_is_told_of_an_open_session_is_taken():
    taken = check("open", {**FULL, "secure": None, "of another engine": {"some": ["thing"]}})
    assert taken["loading"] == FULL["loading"]
    assert taken["adapter"] == {
        "vendor": "arm",
        "architecture": None,
        "device": None,
        "description": None,
        "isFallbackAdapter": None,
        "features": ["x"],
    }
    assert (taken["placed"], taken["secure"]) == (FULL["placed"], None)
    assert taken["of another engine"] == {"some": ["thing"]}


@cases(
    ("path", "to"),
    [
        *[(["load"], wrong) for wrong in (KeyError, None, -1, "1", math.nan, math.inf, 1111.0, True, [1])],
        *[(["clockResolution"], wrong) for wrong in (KeyError, 0, -1, None, math.inf, 111, "x")],
        *[(["loaded"], wrong) for wrong in (KeyError, None, "x", [7], ["x" * 1001], ["x"] * 10_001)],
        *[(["loading"], wrong) for wrong in (KeyError, None, [], "x")],
        *[(["loading", "began"], wrong) for wrong in (KeyError, None, math.nan, 1e9, "1")],
        *[(["loading", "requests"], wrong) for wrong in (KeyError, None, {}, [7], [REQUEST] * 10_001)],
        *[(["loading", "requests", 0, name], None) for name in REQUEST],
        *[(["loading", "requests", 0, "wire"], wrong) for wrong in (-1, 1.5, 2**40, "1")],
        *[(["loading", "requests", 0, "end"], wrong) for wrong in (1e9, math.nan, "1", -math.inf)],
        *[
            (["loading", "compiled"], wrong)
            for wrong in (None, [7], [{"begin": 1}], [{"begin": 1, "end": 2, "path": 7}])
        ],
        *[(["simd"], wrong) for wrong in (1, "true", [])],
        *[(["crossOriginIsolated"], wrong) for wrong in (1, "true", [])],
        *[(["threads"], wrong) for wrong in (-1, 1.5, "1", True, 10**6)],
        *[(["version"], wrong) for wrong in (7, [], "x" * 201)],
        *[(["placed"], wrong) for wrong in (7, "x", [7], {})],
        *[(["adapter"], wrong) for wrong in (7, "x", [], {}, {"vendor": 7, "features": []}, {"features": "x"})],
        *[(["processors"], wrong) for wrong in ("8", -1, 1e9)],
        *[(["of another engine"], wrong) for wrong in (math.nan, [[[[[7]]]]], ["x"] * 1001)],
    ],
)
def test_an_open_session_that_cannot_be_is_refused(path, to):
    with pytest.raises(BreachError, match=r"^open"):
        check("open", changed(FULL, *path, to=to))


def test_what_was_not_told_is_unknown():
    taken = check("open", changed(OPENED, "threads", to=KeyError))
    assert (taken["threads"], taken["adapter"], taken["placed"]) == (None, None, [])


def test_an_open_session_drives_no_terminal():
    taken = check("open", {**FULL, "placed": ["\x1b[31mx"], "more": {"\x07": "\x1b"}, "loaded": ["/\x1b"]})
    assert (taken["placed"], taken["more"], taken["loaded"]) == (["\\x1b[31mx"], {"\\x07": "\\x1b"}, ["/\\x1b"])


@cases(
    ("path", "to"),
    [
        *[(["window"], wrong) for wrong in (KeyError, None, -1, 1e9, "x", math.nan)],
        *[(["latest"], wrong) for wrong in (KeyError, -1, 1e9)],
        *[(["frames"], wrong) for wrong in (KeyError, None, "x", [None], [1e9], [math.nan], {})],
        *[(["samples"], wrong) for wrong in (KeyError, [], [1.0], [500.0] * 3, [1.0, 1.0, -1], [1.0, 1.0, "1"])],
        *[
            (["tasks"], wrong)
            for wrong in (KeyError, None, [7], [[1]], [[1, 2, 3]], [[1, "2"]], [[1, 1e9]], [[None, 1]])
        ],
        *[(["longTasks"], wrong) for wrong in (KeyError, {}, [[math.nan, 1]])],
        *[(["outputs"], wrong) for wrong in (KeyError, None)],
    ],
)
def test_an_animation_that_cannot_be_is_refused(path, to):
    with pytest.raises(BreachError, match=r"^animate"):
        check("animate", changed(ANIMATED, *path, to=to), {"least": 3, "inline": 400})


@cases("answer", [-1, 1.5, 2**51, "7", None, True, [7]])
def test_bytes_are_a_whole_number(answer):
    with pytest.raises(BreachError, match=r"^wasmBytes: bytes is "):
        check("wasmBytes", answer)


@cases("answer", [{"x": 1e9}, {"x": -1}, {"x": "1"}, {"x": None}, {f"{n}": 1 for n in range(21)}])
def test_parts_of_a_chunk_took_no_longer_than_the_call(answer):
    with pytest.raises(BreachError, match=r"^classify"):
        check("classify", answer)


WHOLE = {"open": FULL, "time": TIMED, "timePrepared": TIMED, "animate": ANIMATED, "rest": DRAWN}


def paths(told):
    """Return the paths to everything in a value."""
    inside = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [[name, *path] for name, one in inside for path in [[], *paths(one)]]


def test_a_name_that_was_sent_is_told_in_printable_words():
    words = taken_or_told(lambda: check("classify", {"\x07": None}, ASKED))
    assert words == r"classify: \x07 is None, no number from 0 to 1110"


@given(st.data())
def test_whatever_is_answered_is_taken_or_a_breach(data):
    """A right answer in which one thing is anything at all: what is taken of it can be written as JSON."""
    function = data.draw(st.sampled_from(sorted(CHECKS)))
    answer = data.draw(JSON)
    if function in WHOLE and data.draw(st.booleans()):
        path = data.draw(st.sampled_from(paths(WHOLE[function])))
        answer = changed(WHOLE[function], *path, to=answer)
    taken = taken_or_told(lambda: check(function, answer, {**ASKED, "least": 3}))
    assert len(json.dumps(taken, allow_nan=False)) < 10**5
