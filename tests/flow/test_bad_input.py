"""What users drop by mistake is refused before anything is paid for, with the rows and columns named."""

import pytest

HEADER = "[data]\nheader = true\nlabel = 'label'\nminimum_rows = 30\n"


def rows(count: int = 60, *, classes: int = 3) -> list[str]:
    return [f"{number % classes},{number},{number * 2},{number % 7}" for number in range(count)]


def with_line(number: int, line: str) -> str:
    lines = rows()
    lines[number - 1] = line
    return "\n".join(lines) + "\n"


CASES = {
    "empty file": ("", b"", ["empty"]),
    "header only": (HEADER, b"label,a,b,c\n", ["no rows"]),
    "one class only": ("", "\n".join(rows(classes=1)).encode(), ["class"]),
    "too few rows": ("", "\n".join(rows(12)).encode(), ["12", "30", "minimum_rows"]),
    "ragged row": ("", with_line(17, "1,2,3").encode(), ["17"]),
    "text where numbers belong": ("", with_line(23, "2,many,4,5").encode(), ["23", "many"]),
    "missing label": ("", with_line(31, ",2,3,4").encode(), ["31", "label"]),
    "all-missing column": ("", "\n".join(line.rsplit(",", 1)[0] + "," for line in rows()).encode(), ["column", "3"]),
    "wrong encoding": ("", b"\xff\xfe" + "\n".join(rows()).encode("utf-16-le"), ["UTF-8"]),
    "over the size limit": ("[data]\nmaximum_bytes = 200\n", "\n".join(rows()).encode(), ["200", "maximum_bytes"]),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_data_is_rejected_with_a_mail_that_says_where(product, case):
    settings, content, said = CASES[case]
    model = "bad-" + case.replace(" ", "-")
    product.model(model, settings)
    run = product.drop(model, content)
    ended = run.ends_in("Dataset Rejected")
    assert "Train Model" not in run.states()
    mail = run.outcome_mail()
    for words in said:
        assert words in ended["cause"], ended["cause"]
        assert words in mail.text, mail.text
    assert f"make drop MODEL={model}" in mail.text
    assert product.s3.list_object_versions(Bucket=product.deployment.bucket, Prefix=f"datasets/{model}/")["Versions"], (
        "the dataset is kept"
    )


def test_an_unknown_model_is_told_to_the_operators(product, iris):
    run = product.drop("no-such-model", iris)
    ended = run.ends_in("Dataset Rejected")
    assert 'There is no model named "no-such-model"' in ended["cause"]
    assert run.outcome_mail().to
