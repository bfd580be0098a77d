from ferlite.bench import conditions
from ferlite.device import State


def test_a_full_run_on_a_calm_machine_is_a_reference():
    assert conditions.verdict([State(load=0.1)] * 3, quick=False) == {"reference": True, "reasons": [], "warnings": []}


def test_a_throttled_run_is_none():
    verdict = conditions.verdict([State(limits=()), State(limits=("throttled",)), State(limits=())], quick=False)
    assert verdict["reference"] is False
    assert verdict["reasons"] == ["the machine was slowed down: throttled"]


def test_a_quick_run_is_none():
    assert conditions.verdict([State(), State()], quick=True)["reference"] is False


def test_a_powersave_governor_heat_and_load_are_warned_of():
    warnings = conditions.verdict([State(governors=("powersave",), temperature=85.0, load=100.0)] * 2, False)[
        "warnings"
    ]
    assert len(warnings) == 3
    assert "scaling_governor" in warnings[0]
    assert "85 °C" in warnings[1]
    assert "load of 100" in warnings[2]


def test_what_happened_before_the_run_is_a_warning_only():
    verdict = conditions.verdict([State(limits=(), limits_since_boot=("under-voltage",))] * 2, False)
    assert verdict["reference"] is True
    assert "under-voltage" in verdict["warnings"][0]


def test_the_machine_is_looked_at_before_and_after():
    watch = conditions.Watch()
    watch.look()  # too soon for another one
    assert len(watch.end()) == 2
    assert [row["at"] for row in watch.as_list()] == [0.0, 0.0]
