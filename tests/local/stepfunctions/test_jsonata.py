import datetime as dt
import random
import threading
from typing import Any

import pytest

from local.stepfunctions.jsonata.evaluator import ExpressionFault, asks_the_time, check, evaluate
from local.stepfunctions.jsonata.functions import Surroundings
from local.stepfunctions.jsonata.references import top_level_names
from local.stepfunctions.jsonata.values import UNDEFINED, UnsupportedResult

NOW = 1_780_000_000.25


def result(expression: str, seed: int = 1, **variables: Any) -> Any:
    return evaluate(expression, variables, Surroundings(lambda: NOW, random.Random(seed)))


@pytest.mark.parametrize(
    "text",
    [
        'quo"te',
        "apo'strophe",
        "line\nbreak",
        "back\\slash",
        "$dollar $$ {% x %}",
        "ü 😀 \u2028",
        "\x00",
        "`tick`",
        "/re/",
    ],
)
def test_values_come_through_whatever_they_contain(text: str) -> None:
    assert result("$v", v=text) == text
    assert result("{'in': [$v]}", v=text) == {"in": [text]}
    assert result("$v & '!'", v={"a": text}["a"]) == text + "!"


def test_null_is_a_value_and_nothing_is_not() -> None:
    assert result("$v", v=None) is None
    assert result("$v.a", v={"a": None}) is None
    assert result("$v = null", v=None) is True
    assert result("$missing") is UNDEFINED
    assert result("$v.missing", v={}) is UNDEFINED
    assert result("{'a': $v.missing}", v={}) == {}
    assert result("$exists($v.RedriveCount)", v={}) is False


def test_what_it_read_stays_as_it_was() -> None:
    given = {"a": [3, 1, None], "b": {"c": 1}}
    result("[$sort($v.a[$ != null]), $v ~> |b|{'c': 2}|, $append($v.a, 1), $merge([$v.b, {'d': 1}])]", v=given)
    assert given == {"a": [3, 1, None], "b": {"c": 1}}
    changed = result("$v.b", v=given)
    changed["c"] = 5
    assert given["b"] == {"c": 1}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([], 2)", []),
        ("$range(0, 6, 2)", [0, 2, 4, 6]),
        ("$range(5, 1, -2)", [5, 3, 1]),
        ("$range(1, 2, 5)", [1]),
        ("$hash('input', 'SHA-1')", "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"),  # AWS's own example
        ("$hash('input', 'MD5')", "a43c1b0aa53a0c908810c06ab1ff3967"),
        ('$parse(\'{"a":{"b":[1,null]}}\').a', {"b": [1, None]}),
        ("$parse('null')", None),
        ("$random(42)", 0.7275636800328681),  # seen on AWS
        ("[1..4]", [1, 2, 3, 4]),
        ("$string({'n': 0.1 + 0.2, 't': 'ü', 'z': null})", '{"n":0.3,"t":"ü","z":null}'),
        ("$distinct(['a', 'a'])[]", ["a"]),
        ("$merge([{}, [{'k': 'a', 'v': 1}, {'k': 'b', 'v': 2.5}].{k: v}])", {"a": 1, "b": 2.5}),
        ("10 / 4", 2.5),
        ("6 / 2", 3),
    ],
)
def test_functions(expression: str, expected: Any) -> None:
    assert result(expression) == expected


def test_time_is_the_clouds_and_chance_is_the_seeds() -> None:
    assert result("$millis()") == int(NOW * 1000)
    assert result("$now()") == dt.datetime.fromtimestamp(NOW, dt.UTC).isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )
    assert result("$now('[Y0001]')") == "2026"
    assert result("$uuid()", seed=1) == result("$uuid()", seed=1) != result("$uuid()", seed=2)
    assert result("$uuid()")[14] == "4"
    assert 0 <= result("$random()") < 1
    assert sorted(result("$shuffle([1,2,3])")) == [1, 2, 3]
    assert asks_the_time("$toMillis($now())")
    assert not asks_the_time("$nowhere & $milliseconds")


@pytest.mark.parametrize(
    ("expression", "code", "message"),
    [
        ("$eval('1+1')", "T1006", "Attempted to invoke a non-function"),
        ("$abs('x')", "T0410", 'Argument 1 of function "abs" does not match function signature'),
        ("$sum(['a'])", "T0412", 'Argument 1 of function "sum" must be an array of "numbers"'),
        ("$number('x')", "D3030", 'Unable to cast value to a number: "x"'),
        ("$error('mine')", "D3137", "mine"),
        ("$parse('{')", "", "The argument of $parse is not JSON"),
        ("$hash('a', 'CRC')", "", "one of MD5, SHA-1"),
        ("$partition([1], 0)", "", "positive integer"),
        ("$range(0, 1, 0)", "", "must not be 0"),
        ("$range(0, 1e9, 1)", "", "1000000"),
    ],
)
def test_failures_say_what_aws_says(expression: str, code: str, message: str) -> None:
    with pytest.raises(ExpressionFault) as fault:
        result(expression)
    assert fault.value.code == code
    assert message in fault.value.message


@pytest.mark.parametrize("expression", ["function($x) {$x}", "/ab+/", "$sum"])
def test_what_json_cannot_hold_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedResult):
        result(expression)


def test_an_expression_that_cannot_be_read() -> None:
    with pytest.raises(ExpressionFault, match="Unexpected end of expression"):
        check("1 +")
    check("$states.input.a ? 1 : 2")


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("a.b", ["a"]),
        ("[1, b, $c]", ["b"]),
        ("{'k': v}", ["v"]),
        ("$f(x) & y", ["x", "y"]),
        ("$x ? a : b", ["a", "b"]),
        ("$map($x, function($i) {$i.a & b})", ["b"]),
        ("$x[a = 1].{'k': v}^(price)", []),
        ("$sort($x, function($l, $r) {$l.a > $r.a})", []),
        ("$x ~> |$|{'a': b}|", []),
    ],
)
def test_names_that_are_read_from_nowhere(expression: str, names: list[str]) -> None:
    assert top_level_names(expression) == names


def test_an_endless_expression_ends() -> None:
    with pytest.raises(ExpressionFault) as fault:
        result("($f := function($n) {$n + $f($n)}; $f(1))")
    assert fault.value.code in ("D1011", "D1012")


def test_threads_share_expressions_and_nothing_else() -> None:
    wrong: list[Any] = []

    def work(k: int) -> None:
        for n in range(60):
            found = result("$map($list, function($v) {$v * $k + $n})", list=[1, 2, 3], k=k, n=n)
            if found != [k + n, 2 * k + n, 3 * k + n]:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
