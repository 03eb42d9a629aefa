import json
from typing import Any

import pytest

from local.clock import Clock
from tests.local.stepfunctions.conftest import START, StatesCloud
from tests.local.stepfunctions.front_door import Answer

INVOKE = "arn:aws:states:::lambda:invoke"


def task(function: str, **fields: Any) -> dict[str, Any]:
    arguments = {"FunctionName": function, "Payload": fields.pop("payload", {})}
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": arguments,
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


def test_assign_takes_effect_when_the_state_ends(cloud: StatesCloud) -> None:
    states = {
        "First": {"Type": "Pass", "Assign": {"n": 1}, "Next": "Second"},
        "Second": {
            "Type": "Pass",
            "Assign": {"n": "{% $n + 1 %}", "m": "{% $n + 10 %}"},
            "Output": {"old": "{% $n %}"},
            "Next": "Third",
        },
        "Third": {
            "Type": "Pass",
            "Output": {"old": "{% $states.input.old %}", "n": "{% $n %}", "m": "{% $m %}"},
            "End": True,
        },
    }
    assert cloud.run(states)["output"] == {"old": 1, "n": 2, "m": 11}


def test_a_fault_may_be_caught_into_the_same_state(cloud: StatesCloud) -> None:
    cloud.door.on_lambda("f", lambda _: {"ok": True})
    broken = {"v": "{% $tries < 3 ? $states.input.missing : $tries %}"}
    again = {"ErrorEquals": ["States.ALL"], "Assign": {"tries": "{% $tries + 1 %}"}, "Next": "Again"}
    states = {
        "First": {"Type": "Pass", "Assign": {"tries": 1}, "Next": "Again"},
        "Again": task("f", payload=broken, Catch=[again], Output="{% $tries %}"),
    }
    ended = cloud.run(states)
    assert ended["output"] == 3
    assert cloud.kinds(ended["executionArn"]).count("TaskStateEntered") == 3


def test_strings_of_the_definition_keep_their_escapes(cloud: StatesCloud) -> None:
    text = 'a "quoted" \\ line\nbreak 😀 / {% no'
    states = {
        'State "ü"\n': {"Type": "Pass", "Assign": {"literal": text}, "Next": "Last"},
        "Last": {
            "Type": "Pass",
            "Output": {"literal": "{% $literal %}", "text": text, "joined": "{% $literal & \"\\n\" & 'ü' %}"},
            "End": True,
        },
    }
    assert cloud.run(states)["output"] == {"literal": text, "text": text, "joined": text + "\nü"}


def test_a_missing_value_fails_the_state_in_awss_words(cloud: StatesCloud) -> None:
    ended = cloud.run({"E": {"Type": "Pass", "Output": {"a": {"b": "{% $states.input.missing %}"}}, "End": True}})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert ended["cause"] == (
        "An error occurred while executing the state 'E' (entered at the event id #2). The JSONata expression "
        "'$states.input.missing' specified for the field 'Output/a/b' returned nothing (undefined)."
    )
    failed = cloud.history(ended["executionArn"])[2]
    assert failed["type"] == "EvaluationFailed"
    assert failed["evaluationFailedEventDetails"]["location"] == "Output/a/b"
    assert cloud.kinds(ended["executionArn"]) == [
        "ExecutionStarted",
        "PassStateEntered",
        "EvaluationFailed",
        "ExecutionFailed",
    ]


@pytest.mark.parametrize(
    ("field", "expression", "said"),
    [
        ("Output", "{% $abs('x') %}", "threw an error during evaluation. T0410: Argument 1"),
        ("Output", "{% $parse('x') %}", "threw an error during evaluation: The argument of $parse"),
        ("Output", "{% function($x) {$x} %}", "returned an unsupported result type."),
    ],
)
def test_an_expression_that_fails(cloud: StatesCloud, field: str, expression: str, said: str) -> None:
    cause = cloud.run({"E": {"Type": "Pass", field: expression, "End": True}})["cause"]
    assert f"specified for the field '{field}' {said}" in cause


@pytest.mark.parametrize("field", ["Output", "Assign", "Arguments"])
def test_a_task_catches_what_its_own_expressions_do(cloud: StatesCloud, field: str) -> None:
    cloud.door.on_lambda("f", lambda _: {"ok": True})
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Output": "{% $states.errorOutput %}", "Next": "Caught"}]
    broken = (
        {"FunctionName": "f", "Payload": "{% $states.input.missing %}"}
        if field == "Arguments"
        else {"v": "{% $states.result.missing %}"}
    )
    states = {
        "T": task("f", Catch=catch, Next="Fine", **{field: broken}),
        "Fine": {"Type": "Succeed"},
        "Caught": {"Type": "Succeed"},
    }
    ended = cloud.run(states)
    assert ended["output"]["Error"] == "States.QueryEvaluationError"
    assert f"for the field '{field}/" in ended["output"]["Cause"]


def test_choice_asks_for_a_boolean_and_a_way_out(cloud: StatesCloud) -> None:
    def choice(condition: Any, **fields: Any) -> dict[str, Any]:
        return {
            "C": {
                "Type": "Choice",
                "Choices": [{"Condition": condition, "Assign": {"v": "rule"}, "Output": "{% 'out' %}", "Next": "S"}],
                **fields,
            },
            "S": {"Type": "Pass", "Output": {"in": "{% $states.input %}", "v": "{% $v %}"}, "End": True},
        }

    assert cloud.run(choice("{% $states.input.n > 1 %}"), {"n": 2})["output"] == {"in": "out", "v": "rule"}
    unmatched = cloud.run(choice("{% $states.input.n > 1 %}"), {"n": 1})
    assert unmatched["error"] == "States.Runtime"
    assert "(entered at the event id #2). Failed to transition out of the state." in unmatched["cause"]
    defaulted = choice("{% false %}", Default="S", Assign={"v": "default"}, Output="{% 'd' %}")
    assert cloud.run(defaulted)["output"] == {"in": "d", "v": "default"}
    wrong = cloud.run(choice("{% 'yes' %}"))
    assert (
        "'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', but was 'string' for value: \"yes\""
        in wrong["cause"]
    )


def test_fail_says_what_its_expressions_say(cloud: StatesCloud) -> None:
    ended = cloud.run(
        {"F": {"Type": "Fail", "Error": "{% 'Mine' & '!' %}", "Cause": "{% 'ü\"' & $states.input.why %}"}}, {"why": "x"}
    )
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Mine!", 'ü"x')


def test_data_over_the_limit_cannot_be_caught(cloud: StatesCloud) -> None:
    cloud.door.on_lambda("big", lambda _: "x" * 262_144)
    cloud.door.on_lambda("fits", lambda _: "x" * 1000)
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = {"T": task("big", Catch=catch), "Caught": {"Type": "Succeed"}}
    ended = cloud.run(states)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert "returned a result with a size exceeding the maximum number of bytes" in ended["cause"]
    grown = {
        "P": {"Type": "Pass", "Output": "{% $join($map([1..300], function($i) {$states.input.k})) %}", "End": True}
    }
    assert cloud.run(grown, {"k": "y" * 1000})["error"] == "States.DataLimitExceeded"


def test_branches_keep_their_variables_and_their_error(cloud: StatesCloud) -> None:
    cloud.door.on_lambda("double", lambda given: given["n"] * 2)
    branches = [
        {
            "StartAt": f"B{n}",
            "States": {
                f"B{n}": task(
                    "double",
                    payload={"n": f"{{% $base + {n} %}}"},
                    Assign={"own": n},
                    Output="{% $states.result.Payload %}",
                )
            },
        }
        for n in (1, 2)
    ]
    states = {
        "Base": {"Type": "Pass", "Assign": {"base": 10}, "Next": "Both"},
        "Both": {"Type": "Parallel", "Branches": branches, "Output": "{% $states.result %}", "End": True},
    }
    assert cloud.run(states)["output"] == [22, 24]
    cloud.door.on_lambda("fails", lambda _: 1 / 0)
    waiting = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 10_000, "End": True}}}
    failing = {"StartAt": "X", "States": {"X": task("fails")}}
    states = {
        "Both": {
            "Type": "Parallel",
            "Branches": [waiting, failing],
            "Catch": [
                {"ErrorEquals": ["ZeroDivisionError"], "Output": "{% $states.errorOutput.Error %}", "Next": "Caught"}
            ],
            "End": True,
        },
        "Caught": {"Type": "Succeed"},
    }
    assert cloud.run(states)["output"] == "ZeroDivisionError"


def test_a_reserved_error_leaves_a_branch(cloud: StatesCloud) -> None:
    inner = {"StartAt": "X", "States": {"X": {"Type": "Pass", "Output": "{% $states.input.missing %}", "End": True}}}
    states = {
        "P": {
            "Type": "Parallel",
            "Branches": [inner],
            "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught"}],
            "End": True,
        },
        "Caught": {"Type": "Succeed"},
    }
    assert cloud.run(states)["status"] == "SUCCEEDED"


def test_iterations_in_order_and_bounded(cloud: StatesCloud) -> None:
    cloud.door.on_lambda("square", lambda given: given["n"] ** 2)
    states = {
        "M": {
            "Type": "Map",
            "Items": "{% $states.input.list %}",
            "MaxConcurrency": 3,
            "ItemSelector": {"n": "{% $states.context.Map.Item.Value %}", "i": "{% $states.context.Map.Item.Index %}"},
            "ItemProcessor": {
                "StartAt": "S",
                "States": {
                    "S": task(
                        "square",
                        payload="{% $states.input %}",
                        Output={"i": "{% $states.input.i %}", "v": "{% $states.result.Payload %}"},
                    )
                },
            },
            "Output": "{% $states.result.v %}",
            "End": True,
        }
    }
    assert cloud.run(states, {"list": list(range(8))})["output"] == [n**2 for n in range(8)]
    assert cloud.run(states, {"list": []})["error"] == "States.QueryEvaluationError"  # [].v is nothing
    ended = cloud.run(states, {"list": "none"})
    assert "specified for the field 'Items' returned an unexpected result type. Expected 'array'" in ended["cause"]


def test_jsonpath_machines_run_too(cloud: StatesCloud) -> None:
    cloud.door.on_lambda("echo", lambda given: given)
    definition = {
        "StartAt": "T",
        "States": {
            "T": {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": {
                    "FunctionName": "echo",
                    "Payload": {"x.$": "$.a", "y.$": "States.Format('{}!', $.a)", "id.$": "$$.Execution.Name"},
                },
                "ResultSelector": {"got.$": "$.Payload"},
                "ResultPath": "$.task",
                "Assign": {"v.$": "$.Payload.x"},
                "Next": "C",
            },
            "C": {"Type": "Choice", "Choices": [{"Variable": "$v", "StringEquals": "A", "Next": "P"}], "Default": "F"},
            "P": {"Type": "Pass", "Parameters": {"kept.$": "$.a", "got.$": "$.task.got", "v.$": "$v"}, "End": True},
            "F": {"Type": "Fail"},
        },
    }
    arn = cloud.states.create_state_machine(
        name="jsonpath", definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/x"
    )["stateMachineArn"]
    output = cloud.ended(cloud.start(arn, {"a": "A"}, name="run"))["output"]
    assert output == {"kept": "A", "got": {"x": "A", "y": "A!", "id": "run"}, "v": "A"}
    missing = cloud.ended(cloud.start(arn, {"b": 1}))
    assert (missing["error"], "could not be found in the input" in missing["cause"]) == ("States.Runtime", True)


def test_context(cloud: StatesCloud) -> None:
    states = {"P": {"Type": "Pass", "Output": "{% $states.context %}", "End": True}}
    machine = cloud.create(states, name="told")
    arn = cloud.start(machine, {"a": 1}, name="it")
    context = cloud.ended(arn)["output"]
    assert context["Execution"] == {
        "Id": arn,
        "Input": {"a": 1},
        "Name": "it",
        "RoleArn": "arn:aws:iam::123456789012:role/machine",
        "StartTime": context["Execution"]["StartTime"],
    }
    assert context["StateMachine"] == {"Id": machine, "Name": "told"}
    assert context["State"]["Name"] == "P"
    assert context["State"]["EnteredTime"].startswith("2026-05-28T20:26:4")
    assert context["State"]["EnteredTime"].endswith("Z")


def test_too_many_events() -> None:
    cloud = StatesCloud(None, Clock(start=START), history_events=50)
    states = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "S"}], "Default": "A"},
        "S": {"Type": "Succeed"},
    }
    ended = cloud.run(states)
    assert ended["error"] == "States.Runtime"
    assert "reached the maximum number of history events" in ended["cause"]
    events = cloud.history(ended["executionArn"])
    assert (len(events), events[-1]["type"]) == (50, "ExecutionFailed")
    cloud.suspend()


def test_function_as_resource(cloud: StatesCloud) -> None:
    cloud.door.on(
        "lambda",
        "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aplain",
        lambda given: Answer.of({"got": given}),
    )
    arn = "arn:aws:lambda:us-east-1:123456789012:function:plain"
    ended = cloud.run(
        {"T": {"Type": "Task", "Resource": arn, "Arguments": {"a": "{% $states.input.n %}"}, "End": True}}, {"n": 1}
    )
    assert ended["output"] == {"got": {"a": 1}}
    assert cloud.kinds(ended["executionArn"])[2:5] == [
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
    ]
