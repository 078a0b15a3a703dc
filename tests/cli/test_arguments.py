import pytest

from pushserver.cli.arguments import in_todays_terms


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ["serve"]),
        (["-config", "a.yaml"], ["serve", "--config", "a.yaml"]),
        (["-config=a.yaml"], ["serve", "--config=a.yaml"]),
        (["--config", "a.yaml"], ["serve", "--config", "a.yaml"]),
        (["serve", "-config", "a.yaml"], ["serve", "--config", "a.yaml"]),
        (["check", "-config=a=b.yaml"], ["check", "--config=a=b.yaml"]),
        (["--version"], ["--version"]),
        (["--help"], ["--help"]),
    ],
)
def test_the_ways_to_start_mean_a_command(given: list[str], meant: list[str]) -> None:
    assert in_todays_terms(given) == meant


def test_a_message_is_never_taken_for_an_option() -> None:
    given = ["send", "--recipient", "ops", "--title", "-config", "--msg", "-config=x"]
    assert in_todays_terms(given) == given
