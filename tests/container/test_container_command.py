import pytest

from container.__main__ import USAGE, command, main


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        (["train"], {}, "train"),
        (["serve"], {}, "serve"),
        (["serve"], {"TRAINING_JOB_NAME": "job"}, "serve"),
        ([], {"TRAINING_JOB_NAME": "job"}, "train"),
        ([], {"TRAINING_JOB_NAME": ""}, "serve"),
        ([], {}, "serve"),
        (["evaluate"], {}, None),
        (["train", "serve"], {}, None),
    ],
)
def test_chooses_train_or_serve(arguments: list[str], environment: dict[str, str], expected: str | None) -> None:
    assert command(arguments, environment) == expected


def test_another_word_shows_how_to_call_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"], {}) == 2
    assert capsys.readouterr().err == USAGE + "\n"
